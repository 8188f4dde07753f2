"""The contract between the lab's servers (WinRM, SSH) and the machine that stands behind them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from engine.model.data import JsonMap
from engine.model.frame import Frame


class LabHost(Protocol):
    """What a server needs of a machine. Methods must be thread-safe.

    All of them run in worker threads. ``answer`` and ``shell`` may take long; the others are asked often, and one that
    waits for them delays the look at every other host.
    """

    @property
    def name(self) -> str:
        """Computer name, as ``SM01``."""

    def reachable(self) -> bool:
        """False while the machine is shutting down, off or booting: connections are then refused or dropped."""

    def boot_number(self) -> int:
        """Changes with every boot; every shell and channel opened under another number is gone."""

    def password_of(self, user: str) -> str | None:
        r"""The password of ``DOMAIN\user`` or ``user``, compared without case; None for an unknown account."""

    def answer(self, frame: Frame, text: str) -> JsonMap:
        """Run a framed script (``text`` is its source) and give ``{"ok", "value", "errors", "exit_code"}``.

        A packaged payload, recognised by the digest of its text, is answered by the machine's model of it. Any other
        script runs in a real PowerShell over the machine's state where one is at hand, else the answer is an error
        that says so: a raw script never seems to succeed.
        """

    def shell(self, command_line: str, stdin: bytes) -> tuple[int, bytes, bytes]:
        """Run one plain command line (no PowerShell frames): exit code, stdout, stderr."""


class PwshPrelude(NamedTuple):
    """What a real PowerShell needs to stand on a machine's state.

    ``script`` runs before the session's own script (functions that stub the Windows cmdlets), ``environment`` is added
    to the process's, ``after`` is called in a worker thread after every answer and at the end of the process, so that
    the machine can take over what the script changed.
    """

    script: str
    environment: Mapping[str, str]
    after: Callable[[], None]


@runtime_checkable
class PwshHost(Protocol):
    """A machine that can also stand behind a real PowerShell; optional."""

    def pwsh_prelude(self) -> PwshPrelude:
        """A prelude for one new process; may block."""
