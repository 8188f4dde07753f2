"""A POSIX host of the lab behind its SSH server: ``sh -s`` with the engine's wrapping of a script and its arguments.

A packaged script is recognised by the digest of its text and answered by its model; any other fails with a sentence.
Nothing is ever given to a shell of this machine.
"""

import shlex
from collections.abc import Callable, Mapping

from engine.lab.behaviours import posix_command, posix_file
from engine.lab.machine_posix import PosixMachine, PosixRefusal
from engine.lab.shells import failure
from engine.model.data import JsonMap, text_digest
from engine.model.frame import Frame
from engine.model.packaged import payload

Answer = Callable[[PosixMachine, Mapping[str, str]], str]
_UNKNOWN = 126


class PosixHost:
    """``LabHost`` over a machine's state. ``more`` are models of further scripts, by their text."""

    def __init__(self, machine: PosixMachine, more: Mapping[str, Answer] | None = None) -> None:
        self.machine = machine
        named = {**posix_file.ANSWERS, **posix_command.ANSWERS}
        self._answers = {text_digest(payload(name)): answer for name, answer in named.items()}
        self._answers |= {text_digest(text): answer for text, answer in (more or {}).items()}

    @property
    def name(self) -> str:
        """Computer name."""
        return self.machine.name

    def reachable(self) -> bool:
        """Whether it runs."""
        return self.machine.up

    def boot_number(self) -> int:
        """Changes with every boot."""
        return self.machine.boot

    def password_of(self, user: str) -> str | None:
        """Accounts of a POSIX host are told apart by case; the contract asks for none."""
        known = {name.casefold(): password for name, password in self.machine.passwords.items()}
        return known.get(user.casefold())

    def answer(self, frame: Frame, text: str) -> JsonMap:
        """There is no PowerShell here."""
        del text
        return failure(f"{self.name} is a POSIX host: it runs no {frame.name}", "NotInstalled")

    def shell(self, command_line: str, stdin: bytes) -> tuple[int, bytes, bytes]:
        """``sh -s`` only."""
        if command_line != "sh -s":
            return _UNKNOWN, b"", f"The lab's {self.name} runs sh -s only, not: {command_line}\n".encode()
        given, script = _unwrapped(stdin.decode("utf-8", "surrogateescape"))
        answer = self._answers.get(text_digest(script)) if script is not None else None
        if answer is None:
            said = f"The lab's {self.name} has no model of this script, and runs no other: it knows packaged ones only."
            return _UNKNOWN, b"", f"{said}\n".encode()
        with self.machine.lock:
            try:
                return 0, answer(self.machine, given).encode("utf-8", "surrogateescape"), b""
            except PosixRefusal as refusal:
                said = f"{refusal}\n" if str(refusal) else ""
                stdout = refusal.stdout.encode("utf-8", "surrogateescape")
                return refusal.code, stdout, said.encode("utf-8", "surrogateescape")


def _unwrapped(text: str) -> tuple[Mapping[str, str], str | None]:
    """The variables and the script; no script where it is anything else than the engine's own wrapping."""
    try:
        words = shlex.split(text)
    except ValueError:
        return {}, None
    if len(words) < 3 or words[-3] != "eval" or words[-1] != "</dev/null":  # noqa: PLR2004 - eval, script, input
        return {}, None
    pairs = [word.partition("=") for word in words[:-3]]
    if any(not name.startswith("RB_") or not sign for name, sign, _ in pairs):
        return {}, None
    return {name: value for name, _, value in pairs}, words[-2]
