"""What comes back from a host, and what an action makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.model.command import Command
from engine.model.data import JsonMap, JsonValue
from engine.model.plan import ENGINE_HOST


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptError:
    """One error record of a script: its sentence, category, place, and the exception types from outer to inner."""

    message: str
    category: str = ""
    position: str = ""
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """The answer to one command. ``value`` is what a script returned; ``ok`` is false if it ended with an error record
    or a non-zero exit code. ``content`` is set for downloads. ``stray`` is output outside the frame, kept as evidence.
    """

    ok: bool
    value: JsonValue = None
    errors: tuple[ScriptError, ...] = ()
    exit_code: int | None = None
    stray: str = ""
    content: bytes | None = None
    duration_s: float = 0.0
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """Nothing to do: the state is as wanted, or the step only looks. ``examined`` counts what was looked at;
    0 makes the step fail unless the action declares ``examined=None`` (nothing countable).
    ``proofs`` are the kinds of proof this observation yields, out of the action's declared ones. ``pays`` are keys of
    what an earlier change owed on this host and is now seen to be done.
    """

    why: str
    result: JsonMap = field(default_factory=dict)
    examined: int | None = None
    proofs: tuple[str, ...] = ()
    pays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What a change leaves to be done later, whatever becomes of the run. ``key`` names it on its host;
    ``what`` is a phrase such as ``drop database X``, ``how`` a sentence that says what does it.
    """

    key: str
    what: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something must be done: ``commands`` do it, ``undo`` would reverse it. ``before`` and ``after`` are short texts
    or small values for the diff. ``result`` is the step's result as it will be if the change is applied. ``owes`` goes
    on record with the intent, before the first command is sent.
    """

    why: str
    before: JsonValue
    after: JsonValue
    commands: tuple[Command, ...]
    undo: tuple[Command, ...] = ()
    result: JsonMap = field(default_factory=dict)
    owes: tuple[Owed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """The wanted state cannot be reached or was not found; ``why`` is a sentence, ``remedy`` what a person can do.
    ``pays`` are keys of what was owed and is seen to be done for all that.
    """

    why: str
    remedy: str | None = None
    result: JsonMap = field(default_factory=dict)
    pays: tuple[str, ...] = ()


Decision: TypeAlias = Unchanged | Change | Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A typed statement about the estate with the time of its observation (epoch seconds, UTC)."""

    kind: str
    subject: str
    observed_at: float
    step: str
    host: str | None = None
    evidence: str | None = None

    def __str__(self) -> str:
        """As a requirement of it is written: a name with the host that it was looked at on."""
        is_name = self.host not in (None, ENGINE_HOST, self.subject)
        return f"{self.kind}({self.subject}@{self.host})" if is_name else f"{self.kind}({self.subject})"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRef:
    """Stored proof, named by the SHA-256 of its content."""

    digest: str
    caption: str
    size: int


def value_map(result: CommandResult) -> Mapping[str, JsonValue]:
    """The result's value if it is a mapping, else an empty one."""
    return result.value if isinstance(result.value, Mapping) else {}
