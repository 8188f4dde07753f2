"""What an action asks a host to do, as values. Values cross as arguments, never spliced into script text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from engine.model.data import JsonValue
from engine.model.secret import Secret

Argument: TypeAlias = "JsonValue | Secret"


class Dialect(StrEnum):
    """The language of a script."""

    POWERSHELL = "powershell"
    POSIX = "posix"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A packaged or user-written script and its arguments.

    PowerShell: the text starts with ``param($Arguments)`` (a hashtable) and emits one hashtable, which becomes
    ``CommandResult.value``. POSIX: each argument is the shell variable of its name in capitals after ``RB_``;
    the value is ``{"stdout", "stderr", "exit_code"}``.
    ``changing`` is true for a script that may change the host: its intent is journalled before it is sent.
    """

    name: str
    text: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    dialect: Dialect = Dialect.POWERSHELL
    changing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Write ``content`` to ``path`` on the host, complete or not at all."""

    path: str
    content: bytes
    changing: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Bring the file at ``path`` back as evidence, refused above ``max_bytes``."""

    path: str
    max_bytes: int = 64 * 1024 * 1024
    changing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reboot:
    """Run ``script``, which starts the reboot; reconnect until ``probe``'s ``boot_id`` differs from ``before``."""

    script: Script
    probe: Script
    before: str
    changing: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Detached:
    """A long operation that outlives the session. ``start`` begins it, or finds it begun: its key makes starting twice
    the same as once. ``poll`` answers ``{"state": "running" | "done" | "failed" | "unknown", "percent": number or None,
    "message": text}`` until it has ended; a lost connection is no doubt, as the operation goes on and is asked again.
    ``unknown`` means that nothing tells how it ended.
    """

    start: Script
    poll: Script
    every_s: float = 5.0
    changing: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Show a text to the operator and take one of the answers (key to label); no answers: only acknowledge."""

    show: str
    question: str
    answers: Mapping[str, str] = field(default_factory=dict)
    changing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRunbook:
    """Run another runbook of the same catalogue with these parameters, as a run of its own, on the hosts of ``limit``
    (None: all). ``caller`` is the step and the attempt that ask, set by the engine: asked again, they get the run that
    they began.
    """

    runbook: str
    params: Mapping[str, JsonValue] = field(default_factory=dict)
    limit: str | None = None
    caller: str = ""
    changing: bool = True


Command: TypeAlias = Script | Upload | Download | Reboot | Detached | Ask | RunRunbook
