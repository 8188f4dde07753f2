"""What a worker hands back to the driver: values only; the driver makes the events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.model.command import Command, Detached, Download, Reboot, RunRunbook, Script, Upload
from engine.model.data import JsonMap, JsonValue, digest, text_digest
from engine.model.exit_code import ExitCode
from engine.model.result import Change, CommandResult, ScriptError
from engine.model.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """Content to be stored as evidence."""

    content: bytes
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The attempt is over. ``proofs`` are kinds, or ``kind(subject)`` where the subject is not the host; ``found`` is
    that of ``StepRunEnded``.
    """

    status: Status
    why: str
    result: JsonMap = field(default_factory=dict)
    changed: bool = False
    examined: int | None = None
    before: JsonValue = None
    after: JsonValue = None
    undo: str | None = None
    remedy: str | None = None
    errors: tuple[ScriptError, ...] = ()
    proofs: tuple[str, ...] = ()
    pays: tuple[str, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    duration_s: float = 0.0
    may_retry: bool = True
    found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A change is needed and was not applied: the mode was to look, or the change is not the one approved."""

    change: Change
    digest: str
    exhibits: tuple[Exhibit, ...] = ()
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """The runbook that the step runs waits for a person, is in doubt, or was interrupted, as ``exit_code`` says. The
    step run stays as it is, and goes on when the run is taken up. ``answers`` are ``STEP=ANSWER`` with what each means.
    """

    reason: str
    answers: Mapping[str, str]
    exit_code: int = int(ExitCode.WAITING_FOR_PERSON)
    exhibits: tuple[Exhibit, ...] = ()
    duration_s: float = 0.0


Outcome: TypeAlias = Ended | Decided | Unfinished


def command_words(command: Command) -> str:
    """A command by name and by the digest of what is sent; never its values."""
    match command:
        case Script():
            return f"{command.name} {text_digest(command.text)[:12]}"
        case Upload():
            return f"upload {command.path}"
        case Download():
            return f"download {command.path}"
        case Reboot():
            return f"reboot {command.script.name}"
        case Detached():
            return command_words(command.start)
        case RunRunbook():
            return f"runbook {command.runbook}"
        case _:
            return "ask"


def undo_words(command: Command) -> str:
    """What would put the old state back, with its values, so that a person can do it by hand; secrets stay stars."""
    if not isinstance(command, Script):
        return command_words(command)
    values = ", ".join(f"{name} = {value}" for name, value in command.arguments.items() if value is not None)
    return f"{command.name.removesuffix('.ps1')}: {values}"


def change_digest(change: Change) -> str:
    """What an approval is for: the reason, before, after, and the commands."""
    return digest([change.why, change.before, change.after, [command_words(one) for one in change.commands]])


def failed_words(result: CommandResult, name: str) -> str:
    """One sentence for a script that failed."""
    if result.errors:
        return result.errors[0].message
    if result.exit_code:
        return f"{name} ended with exit code {result.exit_code}"
    return f"{name} gave no answer that could be read"
