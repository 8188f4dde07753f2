"""The map of all recovery ways: what leads where, where the point of no return lies, what stands before it. As values
and as Markdown; ``recovery_map_svg`` draws it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

BEFORE = ("readiness", "check-backups", "stage-restore")
"""What is run while nothing has failed yet."""

_WORDS: Mapping[str, str] = {
    "approval": "an approval",
    "backup-chain": "a chain of backups",
    "backup-verified": "backups read to their end",
    "baseline-unchanged": "versions as in the baseline",
    "consent": "consent to the loss",
    "key-backed-up": "a backup of the encryption key",
    "media-reachable": "the original media",
    "password-held": "the key's password",
    "safety-copied": "a safety copy",
    "same-name": "the same computer name",
    "services-stopped": "services stopped",
    "setup-not-running": "setup not at work",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRow:
    """A row of the decision table: where it leads, in its order, and what to do where no runbook does it."""

    id: str
    title: str
    phases: tuple[str, ...]
    runbooks: tuple[str, ...]
    next: str = ""

    @property
    def todo(self) -> str:
        """What to do where no runbook does it."""
        return self.next or "Collect more evidence, then run the triage again."


@dataclass(frozen=True, slots=True, kw_only=True)
class MapStep:
    """A step: what it may do, the proofs that must stand before it, and the runbook that it runs."""

    id: str
    name: str
    effect: str
    requires: tuple[str, ...]
    runs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRunbook:
    """A runbook with its steps in order. ``named`` are the other runbooks that its purpose speaks of."""

    name: str
    title: str
    steps: tuple[MapStep, ...]
    named: tuple[str, ...] = ()

    @property
    def no_return(self) -> MapStep | None:
        """The first step of its own that nothing takes back."""
        return next((one for one in self.steps if one.effect == "permanent"), None)

    @property
    def runs(self) -> tuple[str, ...]:
        """The runbooks that it runs."""
        return tuple(dict.fromkeys(one.runs for one in self.steps if one.runs))

    @property
    def see(self) -> tuple[str, ...]:
        """What else its reader has to know of: a shorter way, or the way back."""
        return tuple(one for one in self.named if one not in self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryMap:
    """Rows of the triage in order, and the runbooks by name."""

    rows: tuple[MapRow, ...]
    runbooks: tuple[MapRunbook, ...]

    @property
    def led_to(self) -> tuple[MapRunbook, ...]:
        """Runbooks that a row leads to, by the last row that does: so the ways of a picture cross least."""
        order = {name: number for number, row in enumerate(self.rows) for name in row.runbooks}
        return tuple(sorted((one for one in self.runbooks if one.name in order), key=lambda one: order[one.name]))

    @property
    def before(self) -> tuple[MapRunbook, ...]:
        """Runbooks for the time before an upgrade."""
        return tuple(one for name in BEFORE for one in self.runbooks if one.name == name)

    @property
    def others(self) -> tuple[MapRunbook, ...]:
        """The rest: no row of the triage leads to them."""
        known = {one.name for one in (*self.led_to, *self.before)}
        return tuple(one for one in self.runbooks if one.name not in known)


def proof_words(requires: tuple[str, ...]) -> str:
    """The proofs in plain words, each kind once."""
    kinds = dict.fromkeys(one.partition("(")[0] for one in requires)
    return ", ".join(_WORDS.get(kind, kind.replace("-", " ")) for kind in kinds) or "nothing"


def return_words(runbook: MapRunbook) -> str:
    """Where the point of no return is."""
    step = runbook.no_return
    return f"Point of no return: {step.name}" if step else "Nothing that it does itself is permanent"


def markdown(found: RecoveryMap) -> str:
    """The map as text."""
    return "\n".join(_markdown(found)) + "\n"


def _markdown(found: RecoveryMap) -> Iterator[str]:
    yield "# Recovery map"
    yield ""
    yield "Made from the triage and the runbooks by `python -m engine.app.recovery_map docs`; a test keeps it so."
    yield ""
    yield "![Recovery map](recovery-map.svg)"
    yield ""
    yield from _contents(found)
    yield ""
    yield "## What leads where"
    yield ""
    yield "The first row that is certainly true is the answer. Several runbooks: what was changed decides between them."
    yield ""
    yield "| row | what was found | phase | runbook, or what to do |"
    yield "| --- | --- | --- | --- |"
    for row in found.rows:
        leads = ", ".join(f"[{name}](#{name})" for name in row.runbooks) or row.todo
        yield f"| {row.id} | {row.title} | {', '.join(row.phases)} | {leads} |"
    for title, group in _groups(found):
        yield ""
        yield f"## {title}"
        for runbook in group:
            yield from _section(runbook)


def _groups(found: RecoveryMap) -> tuple[tuple[str, tuple[MapRunbook, ...]], ...]:
    """The runbooks under their headings; a heading without any is left out."""
    groups = (
        ("Before an upgrade", found.before),
        ("After a failed upgrade", found.led_to),
        ("In place of these, run by them, or after them", found.others),
    )
    return tuple((title, group) for title, group in groups if group)


def _contents(found: RecoveryMap) -> Iterator[str]:
    yield "* [What leads where](#what-leads-where)"
    for title, group in _groups(found):
        yield f"* [{title}](#{title.lower().replace(',', '').replace(' ', '-')})"
        for one in group:
            mark = f" (no way back after: {one.no_return.name})" if one.no_return else ""
            yield f"  * [{one.name}](#{one.name}): {one.title}{mark}"


def _section(runbook: MapRunbook) -> Iterator[str]:
    yield ""
    yield f"### {runbook.name}"
    yield ""
    yield f"{runbook.title}."
    yield ""
    step = runbook.no_return
    yield f"**{return_words(runbook)}.**" + (f" Before it stand: {proof_words(step.requires)}." if step else "")
    if runbook.runs:
        yield ""
        yield f"It runs {', '.join(f'[{name}](#{name})' for name in runbook.runs)}."
    if runbook.see:
        yield ""
        yield f"See also {', '.join(f'[{name}](#{name})' for name in runbook.see)}."
    yield ""
    yield "| step | what it does | effect | proofs that stand before it |"
    yield "| --- | --- | --- | --- |"
    for one in runbook.steps:
        proofs = ", ".join(f"`{each}`" for each in one.requires)
        yield f"| `{one.id}` | {one.name} | {one.effect} | {proofs or 'none'} |"
