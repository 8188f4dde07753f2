"""Who answers questions and approvals: flags given beforehand, a person at this terminal, or nobody."""

import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

import click

from engine.model.errors import UsageMistake
from engine.model.event import ApprovalAsked, QuestionAsked
from engine.model.plan import Plan, PlannedStep
from engine.ports.edges import Person, PersonAnswer

APPROVAL_WORDS = ("approve", "deny", "later")


def parse_answers(pairs: Iterable[str]) -> Mapping[str, str]:
    """``STEP=ANSWER`` pairs."""
    answers: dict[str, str] = {}
    for pair in pairs:
        step, equals, answer = pair.partition("=")
        if not equals or not step or not answer:
            raise UsageMistake(f"`{pair}` is no answer", remedy="write STEP=ANSWER, as reboot=approve")
        answers[step] = answer
    return answers


@dataclass(slots=True, kw_only=True)
class Flags:
    """Answers given on the command line; whatever they leave open goes to ``rest``. An answer is used once, and is for
    the one run that asked first: a run within it may have a step of the same name, and nobody was asked about that one.
    ``taken``, which all these runs share, says whose each answer is.
    """

    answers: dict[str, str]
    approve_all: bool
    by: str
    rest: Person
    reason: str = ""
    taken: dict[str, object] = field(default_factory=dict)

    def question(self, asked: QuestionAsked) -> PersonAnswer | None:
        """The flag's answer, which must be one of those asked for."""
        given = self.answers.pop(asked.step, None) if self._is_mine(asked.step) else None
        if given is None:
            return self.rest.question(asked)
        allowed = asked.answers or {"done": ""}
        if given not in allowed:
            raise _unfit(asked.step, given, allowed)
        return PersonAnswer(answer=given, by=f"{self.by} (by --answer)")

    def beforehand(self, asked: QuestionAsked) -> PersonAnswer | None:
        """Only what a flag says; nobody at the terminal is asked."""
        return self.question(asked) if self._is_mine(asked.step) else None

    def approval(self, asked: ApprovalAsked) -> PersonAnswer | None:
        """The flag's yes or no."""
        given = self.answers.get(asked.step) if self._is_mine(asked.step) else None
        if given in APPROVAL_WORDS:
            reason = self.reason if given == "deny" else ""
            return PersonAnswer(answer=given, by=f"{self.by} (by --answer)", reason=reason)
        if given is not None:
            raise _unfit(asked.step, given, ())
        if self.approve_all:
            return PersonAnswer(answer="approve", by=f"{self.by} (by --yes)")
        return self.rest.approval(asked)

    def _is_mine(self, step: str) -> bool:
        return step in self.answers and self.taken.setdefault(step, self.answers) is self.answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobody:
    """No terminal: the run is parked, and whoever reads its last screen learns what it waits for."""

    by: str
    plan: Plan

    def question(self, asked: QuestionAsked) -> None:
        """Show what is to be done and said."""
        from engine.reporting.person_text import question_text

        with suppress(OSError):  # nobody reads, either
            click.echo("\n" + question_text(asked, self.plan), err=True)

    def approval(self, asked: ApprovalAsked) -> None:
        """Show what would be agreed to."""
        from engine.reporting.person_text import approval_text

        with suppress(OSError):
            click.echo("\n" + approval_text(asked, self.plan, operator=self.by), err=True)


@dataclass(slots=True, kw_only=True)
class Terminal:
    """A person at standard input; prompts go to standard error."""

    by: str
    plan: Plan

    def question(self, asked: QuestionAsked) -> PersonAnswer | None:
        """Show, ask, take one of the keys by number or by name."""
        from engine.reporting.person_text import question_text

        click.echo(question_text(asked, self.plan), err=True)
        keys = list(asked.answers) or ["done"]
        choices = {**{str(number): key for number, key in enumerate(keys, 1)}, **{key: key for key in keys}}
        answer = _take({**choices, "l": "later", "later": "later"}, "answer (a number or a name; l for later)")
        return PersonAnswer(answer=answer, by=self.by)

    def approval(self, asked: ApprovalAsked) -> PersonAnswer | None:
        """Show what stands before and after, and take a yes, a no, or later."""
        from engine.reporting.person_text import approval_text

        click.echo(approval_text(asked, self.plan, operator=self.by), err=True)
        keys = {"a": "approve", "approve": "approve", "d": "deny", "deny": "deny", "l": "later", "later": "later"}
        answer = _take(keys, "[a]pprove  [d]eny  [l]ater")
        reason = click.prompt("reason", default="", show_default=False, err=True) if answer == "deny" else ""
        return PersonAnswer(answer=answer, by=self.by, reason=reason)


def _forget_typed_ahead() -> None:
    """What was typed before the question was on the screen is no answer to it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            while msvcrt.kbhit():
                msvcrt.getch()
        else:
            import termios

            with suppress(termios.error):
                termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    except (OSError, ValueError, ImportError):
        return  # no terminal after all


@contextmanager
def _waking() -> Iterator[None]:
    """While a person is asked, an interruption also ends the asking; otherwise nothing would read what is typed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGINT, *([signal.SIGTERM] if hasattr(signal, "SIGTERM") else [])]
    before = {number: signal.getsignal(number) for number in numbers}

    def wake(number: int, frame: FrameType | None) -> None:
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)
        raise KeyboardInterrupt

    for number in numbers:
        signal.signal(number, wake)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _take(choices: Mapping[str, str], prompt: str) -> str:
    """One of the choices; the end of input, or an interruption, means later: the run is kept."""
    _forget_typed_ahead()
    while True:
        try:
            with _waking():
                said = click.prompt(prompt, err=True).strip().lower()
        except (click.Abort, KeyboardInterrupt):
            click.echo("", err=True)
            return "later"
        if said in choices:
            return choices[said]
        click.echo(f"`{said}` is none of: {', '.join(choices)}", err=True)


def person(
    plan: Plan,
    answers: Iterable[str],
    *,
    approve_all: bool,
    by: str,
    reason: str = "",
    within: Callable[[], frozenset[str] | None] | None = None,
    taken: dict[str, object] | None = None,
) -> Person:
    """Flags first, then whoever is at the terminal. ``within`` gives the steps that ask in the runbooks which this one
    runs, None where that cannot be known; where it is given, every flag must be for one of them or for a step of this
    plan. ``reason`` is that of a denial. ``taken`` is shared by a run and those within it.
    """
    rest: Person = Terminal(by=by, plan=plan) if sys.stdin.isatty() else Nobody(by=by, plan=plan)
    given = dict(parse_answers(answers))
    if given and within is not None:
        _refuse_unfit(given, plan, within())
    shared = {} if taken is None else taken
    return Flags(answers=given, approve_all=approve_all, by=by, rest=rest, reason=reason, taken=shared)


def _refuse_unfit(given: Mapping[str, str], plan: Plan, within: frozenset[str] | None) -> None:
    """An answer that no step will ask for, or take, is a mistake, and is told before anything is done."""
    from engine.language.nearest import did_you_mean

    if within is None:
        return
    own = (
        step.id
        for step in plan.steps
        if step.runs_on == "operator" or any(one.kind == "approval" for one in step.requires)
    )
    asking = [*own, *sorted(within)]
    for name in given:
        if name not in asking:
            remedy = did_you_mean(name, asking) if asking else "no step of this plan asks anything"
            raise UsageMistake(f"no step {name} asks for an answer or an approval", remedy=remedy)
        words = _words(plan.step(name)) if name not in within else None
        if words is not None and given[name] not in {*words, *_agreement(plan.step(name))}:
            raise _unfit(name, given[name], words)


def _words(step: PlannedStep) -> Collection[str] | None:
    """What the step's question takes, none if it has no question; None while that is not known."""
    if step.runs_on != "operator":
        return ()
    if step.action == "operator.instruct":
        return ("done",)
    answers = step.args.get("answers")
    return answers if isinstance(answers, Mapping) else None


def _agreement(step: PlannedStep) -> tuple[str, ...]:
    return APPROVAL_WORDS if any(one.kind == "approval" for one in step.requires) else ()


def _unfit(step: str, given: str, words: Collection[str]) -> UsageMistake:
    if words:
        return UsageMistake(f"step {step} does not know the answer `{given}`", remedy=f"one of: {', '.join(words)}")
    remedy = f"one of: {', '.join(APPROVAL_WORDS)}"
    return UsageMistake(f"step {step} waits for an approval, not for `{given}`", remedy=remedy)
