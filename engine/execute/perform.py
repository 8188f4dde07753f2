"""One attempt of one step run: observe, decide, stop or apply, observe again, verify. Runs in a worker thread.

It owns no state of the run. The intent goes to the driver and is on record before the first changing command is sent;
from then on a lost connection is a doubt, which only a fresh look can settle.
"""

import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.conduct.effects import Mode
from engine.execute.bounds import Bounds
from engine.execute.outcome import (
    Decided,
    Ended,
    Exhibit,
    Outcome,
    Unfinished,
    change_digest,
    command_words,
    failed_words,
    undo_words,
)
from engine.execute.perform_command import CommandPerformer
from engine.model.command import RunRunbook
from engine.model.data import JsonMap, JsonValue
from engine.model.errors import (
    AuthenticationFailed,
    CommandTimedOut,
    ConnectFailed,
    ConnectionLost,
    ConnectionProblem,
    EngineError,
)
from engine.model.exit_code import ExitCode
from engine.model.inventory import HostView
from engine.model.plan import PlannedStep
from engine.model.result import Change, CommandResult, Decision, Refuse, Unchanged, value_map
from engine.model.status import Effect, Rerun, Status
from engine.planning.fit import misfits
from engine.planning.subjects import ANY, names_about
from engine.ports.action import Action, Arguments


class LookFailed(Exception):
    """A look ended with an error the action does not want to see."""

    def __init__(self, result: CommandResult, name: str) -> None:
        super().__init__(failed_words(result, name))
        self.result = result


class ArgumentUnfit(Exception):
    """An argument that was worked out during the run is not what the action takes."""


class ChildUnfinished(Exception):
    """The runbook that a step runs is not over: it waits for a person, is in doubt, or was interrupted."""

    def __init__(self, value: JsonMap) -> None:
        super().__init__(str(value.get("status")))
        answers = value["unfinished"]
        self.answers = {key: str(label) for key, label in answers.items()} if isinstance(answers, Mapping) else {}
        code = value.get("exit_code")
        self.exit_code = code if isinstance(code, int) else int(ExitCode.WAITING_FOR_PERSON)


@dataclass(slots=True, kw_only=True)
class StepPerformer:
    """Performs one attempt. ``intend`` blocks until the intent is on record, or raises."""

    step: PlannedStep
    action: Action
    args: Arguments
    host: HostView
    commands: CommandPerformer
    intend: Callable[[Change, tuple[str, ...]], None]
    bounds: Bounds
    exhibits: list[Exhibit] = field(default_factory=list)
    intended: bool = False

    def begin(self, timeout_s: float) -> None:
        """The attempt's time starts now: time spent waiting for a free lane does not count."""
        self.bounds.begin(timeout_s)

    def perform(self, mode: Mode, approved: str | None) -> Outcome:
        """Never raises: whatever happens becomes an outcome; a bug fails the step, its traceback is evidence."""
        started = self.bounds.monotonic()
        try:
            outcome = self._outcome(mode, approved)
        except Exception as bug:  # noqa: BLE001 - one step run must not end the run; the traceback becomes evidence
            outcome = self._bug(bug, mode)
        return replace(outcome, exhibits=tuple(self.exhibits), duration_s=self.bounds.monotonic() - started)

    def _outcome(self, mode: Mode, approved: str | None) -> Outcome:
        try:
            self._refuse_unfit()
            return self._attempt(mode, approved)
        except ChildUnfinished as child:
            return Unfinished(reason=str(child), answers=child.answers, exit_code=child.exit_code)
        except ConnectionProblem as problem:
            return self._broken(problem, mode)
        except LookFailed as failed:
            found = Ended(status=Status.FAILED, why=str(failed), errors=failed.result.errors)
        except ArgumentUnfit as unfit:
            remedy = f"runbook actions {self.step.action} shows its arguments"
            found = Ended(status=Status.FAILED, why=str(unfit), remedy=remedy, may_retry=False)
        except EngineError as failure:
            found = Ended(status=Status.FAILED, why=failure.message, remedy=failure.remedy)
        if mode is Mode.PROBE and not self.intended:
            return replace(found, status=Status.IN_DOUBT, why=f"nobody could look: {found.why}", may_retry=False)
        return found

    def _refuse_unfit(self) -> None:
        """What was known when the run was planned was judged then; what a host told since is judged now."""
        for one in misfits(self.args, self.action.info.arguments):
            raise ArgumentUnfit(f"{self.step.action}: {one.place}: {one.message} (worked out during the run)")

    # --- the four beats -------------------------------------------------------------------------

    def _attempt(self, mode: Mode, approved: str | None) -> Outcome:
        before = self._observe("observed")
        decision = self.action.decide(self.args, self.host, before)
        if not isinstance(decision, Change):
            return self._settled(decision, mode)
        if self.step.effect is Effect.OBSERVE:
            # its gates were those of a look, so whatever it wants to change must not happen
            why = f"{self.step.action} wanted to change something in a step that only looks: {decision.why}"
            return Ended(status=Status.FAILED, why=why, may_retry=False)
        digest = change_digest(decision)
        if mode is Mode.LOOK or (approved is not None and approved != digest):
            return Decided(change=decision, digest=digest)
        if mode is Mode.PROBE and self.step.requires:
            return Decided(change=decision, digest=digest)
        return self._apply(decision, before)

    def _observe(self, caption: str) -> list[CommandResult]:
        seen: list[CommandResult] = []
        while (command := self.action.observe(self.args, self.host, seen)) is not None:
            result = self.commands.run(command)
            self._keep(command_words(command), caption, result)
            if not result.ok and not self.action.tolerates(self.args, self.host, result):
                raise LookFailed(result, command_words(command))
            seen.append(result)
        return seen

    def _apply(self, change: Change, before: Sequence[CommandResult]) -> Ended:
        self.intend(change, tuple(command_words(one) for one in change.commands))
        self.intended = True
        applied: list[CommandResult] = []
        for command in change.commands:
            result = self.commands.run(command)
            self._keep(command_words(command), "applied", result)
            applied.append(result)
            if isinstance(command, RunRunbook) and "unfinished" in value_map(result):
                raise ChildUnfinished(value_map(result))
            if not result.ok:
                return self._half_known(change, failed_words(result, command_words(command)), result)
        try:
            after = self._observe("observed after the change")
        except LookFailed as failed:
            why = f"the change was sent, but the look after it failed: {failed}"
            return self._half_known(change, why, failed.result)
        verdict = self.action.verify(self.args, self.host, before, applied, after)
        return self._verified(change, verdict)

    def _settled(self, decision: Unchanged | Refuse, mode: Mode) -> Ended:
        if isinstance(decision, Refuse):
            if mode is Mode.PROBE:  # what is there is neither what was nor what was to be
                why = f"the change may or may not have been made; a fresh look shows: {decision.why}"
                return Ended(status=Status.IN_DOUBT, why=why, remedy=decision.remedy, may_retry=False)
            return Ended(
                status=Status.FAILED, why=decision.why, remedy=decision.remedy, result=decision.result, found=True
            )
        if decision.examined == 0:
            why = f"{decision.why}: nothing was examined, and a check over nothing proves nothing"
            return Ended(status=Status.FAILED, why=why, result=decision.result, examined=0)
        found = mode is Mode.PROBE
        return Ended(
            status=Status.CHANGED if found else Status.OK,
            why=f"found done: {decision.why}" if found else decision.why,
            changed=found,
            result=decision.result,
            examined=decision.examined,
            proofs=self._proofs(decision),
            pays=decision.pays,
        )

    def _verified(self, change: Change, verdict: Decision) -> Ended:
        undo = "; ".join(undo_words(one) for one in change.undo) or None
        match verdict:
            case Unchanged():
                return Ended(
                    status=Status.CHANGED,
                    why=change.why,
                    changed=True,
                    result={**change.result, **verdict.result},
                    examined=verdict.examined,
                    before=change.before,
                    after=change.after,
                    undo=undo,
                    proofs=self._proofs(verdict),
                    pays=verdict.pays,
                )
            case Refuse():
                why, remedy, pays = verdict.why, verdict.remedy, verdict.pays
            case _:
                why, remedy, pays = f"the change did not take: {verdict.why}", None, ()
        return Ended(
            status=Status.FAILED,
            why=why,
            remedy=remedy,
            changed=True,
            result=verdict.result,
            before=change.before,
            after=change.after,
            undo=undo,
            pays=pays,
        )

    def _proofs(self, decision: Unchanged) -> tuple[str, ...]:
        """Kinds as proofs of the names that the action is about, where it is about any."""
        if self.action.info.about is None:
            return decision.proofs
        names = [one for one in names_about(self.action.info, self.args) or () if one != ANY]
        return tuple(
            each for one in decision.proofs for each in ((one,) if "(" in one else (f"{one}({name})" for name in names))
        )

    # --- what can go wrong ------------------------------------------------------------------------

    def _half_known(self, change: Change, why: str, result: CommandResult) -> Ended:
        """The host said that it failed: known, though perhaps half done; the next attempt looks first."""
        return Ended(
            status=Status.FAILED,
            why=why,
            errors=result.errors,
            changed=True,
            before=change.before,
            after=change.after,
        )

    def _broken(self, problem: ConnectionProblem, mode: Mode) -> Outcome:
        if self.intended:
            return self._doubt(problem)
        if mode is Mode.PROBE:
            return Ended(status=Status.IN_DOUBT, why=f"nobody could look: {problem.message}", remedy=problem.remedy)
        if isinstance(problem, (ConnectFailed, ConnectionLost)):
            return Ended(status=Status.UNREACHABLE, why=problem.message, remedy=problem.remedy)
        if isinstance(problem, AuthenticationFailed):
            return Ended(status=Status.UNREACHABLE, why=problem.message, remedy=problem.remedy, may_retry=False)
        return Ended(status=Status.FAILED, why=problem.message, remedy=problem.remedy)

    def _doubt(self, problem: ConnectionProblem) -> Outcome:
        """The change was sent and no answer came. Look again where that is allowed; otherwise a person decides."""
        doubt = Ended(
            status=Status.IN_DOUBT,
            why=f"{problem.message}; the change may or may not have been made",
            remedy=problem.remedy,
            may_retry=False,
        )
        if self.step.rerun is Rerun.NEVER:
            return doubt
        try:
            self.commands.reconnect()
            decision = self.action.decide(self.args, self.host, self._observe("observed after the loss"))
        except (EngineError, LookFailed):
            return doubt
        if isinstance(decision, Unchanged):
            return self._settled(decision, Mode.PROBE)
        if isinstance(decision, Refuse):  # what is there is neither what was nor what was to be
            return replace(doubt, why=f"{doubt.why}; a fresh look shows: {decision.why}", remedy=decision.remedy)
        if self.step.rerun is Rerun.PROBE and isinstance(problem, CommandTimedOut):
            return doubt  # it may still be at work
        return Ended(status=Status.FAILED, why=f"{problem.message}; a fresh look shows that it is still to be made")

    def _bug(self, bug: Exception, mode: Mode) -> Ended:
        text = "".join(traceback.format_exception(bug))
        self.exhibits.append(Exhibit(content=text.encode("utf-8", "replace"), caption="traceback"))
        why = f"a bug in the engine or in the action {self.step.action}: {type(bug).__name__}: {bug}"
        if self.intended or mode is Mode.PROBE:
            return Ended(status=Status.IN_DOUBT, why=why, may_retry=False)
        return Ended(status=Status.FAILED, why=why, remedy="the traceback is kept as evidence", may_retry=False)

    def _keep(self, name: str, caption: str, result: CommandResult) -> None:
        record: dict[str, JsonValue] = {
            "command": name,
            "ok": result.ok,
            "value": result.value,
            "exit_code": result.exit_code,
            "errors": [one.message for one in result.errors],
            "stray": result.stray,
        }
        content = json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True, default=str)
        self.exhibits.append(Exhibit(content=content.encode("utf-8", "replace"), caption=f"{caption}: {name}"))
        if result.content is not None:
            self.exhibits.append(Exhibit(content=result.content, caption=f"file: {name.removeprefix('download ')}"))
