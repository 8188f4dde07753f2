"""A real PowerShell behind the lab's shells: the same command line, its input and output piped through.

The machine may give a prelude that stubs the Windows cmdlets over its state; after every answer it may take over what
the script changed. Command lines that start no PowerShell go to the machine's own shell, as everywhere in the lab.
"""

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import Mapping

from engine.lab.host import LabHost, PwshHost, PwshPrelude
from engine.lab.pwsh import find_powershell
from engine.lab.shells import OneShot, Process, Spawn, Surroundings, emulated, encoded_script, script_reads_input
from engine.model.errors import UsageMistake
from engine.model.frame import NO_TRACES, STAGE_0, encoded_command

_FRAME = re.compile(rb"^\S+ \d+ (\S+) [0-9a-f]{64} ")
_ANSWER = re.compile(rb"^\S+ \d+ [A-Za-z0-9+/=]+\s*$")
_CHUNK = 65536


def real_powershell() -> Spawn:
    """Spawns the PowerShell of ``RUNBOOK_PWSH``, else ``pwsh`` of the PATH; ``UsageMistake`` if there is none."""
    program = os.environ.get("RUNBOOK_PWSH") or shutil.which("pwsh")
    if not program or not os.access(program, os.X_OK):
        raise UsageMistake(
            f"The lab finds no PowerShell: {program or 'pwsh'} cannot be run.",
            remedy="Name one in RUNBOOK_PWSH, or leave the lab's interpreter at its emulation.",
        )
    found = program

    async def spawn(around: Surroundings, command_line: str, environment: Mapping[str, str]) -> Process:
        script = encoded_script(command_line)
        if script is None:
            return OneShot(around, command_line)
        return PwshProcess(around, found, script, environment)

    return spawn


def spawn_for(host: LabHost, interpreter: str) -> Spawn:
    """What stands behind a PowerShell command line of this host.

    The emulation answers the engine's own interpreter; any other script of somebody's runs in a real PowerShell where
    there is one and the host has its state for it, and else fails with a sentence.
    """
    if interpreter == "pwsh":
        return real_powershell()
    if not isinstance(host, PwshHost) or find_powershell() is None:
        return emulated
    real = real_powershell()

    async def spawn(around: Surroundings, command_line: str, environment: Mapping[str, str]) -> Process:
        chosen = emulated if encoded_script(command_line) == STAGE_0 else real
        return await chosen(around, command_line, environment)

    return spawn


def powershell_for(host: LabHost, interpreter: str) -> str | None:
    """The program that serves this host's runspace pools: a real PowerShell where there is one, on the host's state."""
    return find_powershell() if interpreter == "pwsh" or isinstance(host, PwshHost) else None


class PwshProcess(Process):
    """One operating-system process."""

    def __init__(self, around: Surroundings, program: str, script: str, environment: Mapping[str, str]) -> None:
        super().__init__()
        self._around = around
        self._program = program
        self._script = script
        self._environment = environment
        self._fed = False
        self._input: asyncio.Queue[bytes | None] = asyncio.Queue()

    def no_input(self) -> None:
        if not self._fed and not script_reads_input(self._script):
            self.feed(b"", end=True)

    def feed(self, data: bytes, *, end: bool) -> None:
        self._fed = True
        if data:
            self._input.put_nowait(data)
        if end:
            self._input.put_nowait(None)

    async def _run(self) -> int:
        host = self._around.host
        prelude = PwshPrelude("", {}, lambda: None)
        if isinstance(host, PwshHost):
            prelude = await self._around.work(host.pwsh_prelude)
        script = f"{prelude.script}\n{self._script}" if prelude.script else self._script
        process = await asyncio.create_subprocess_exec(
            self._program,
            *("-NoProfile", "-NonInteractive", "-InputFormat", "Text", "-OutputFormat", "Text", "-EncodedCommand"),
            encoded_command(script),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **NO_TRACES, **self._environment, **prelude.environment},
        )
        feeder = asyncio.get_running_loop().create_task(self._pump_input(process))
        try:
            await asyncio.gather(self._pump_output(process, prelude), self._pump_errors(process))
            return await process.wait()
        finally:
            feeder.cancel()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            await self._around.work(prelude.after)

    async def _pump_input(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        pending = b""
        with contextlib.suppress(ConnectionError):
            while (data := await self._input.get()) is not None:
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    if (frame := _FRAME.match(line)) is not None:
                        await self._around.before_frame(frame[1].decode("ascii", "replace"))
                    process.stdin.write(line + b"\n")
                await process.stdin.drain()
            process.stdin.write(pending)
        process.stdin.close()

    async def _pump_output(self, process: asyncio.subprocess.Process, prelude: PwshPrelude) -> None:
        """Pass lines on; an answer only after the machine has taken over what its script changed."""
        assert process.stdout is not None
        pending = b""
        while data := await process.stdout.read(_CHUNK):
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                if _ANSWER.match(line):
                    await self._around.work(prelude.after)
                    line = self._around.outgoing(line)  # noqa: PLW2901 - the line as it leaves the host
                self.write(line + b"\n")
        self.write(pending)

    async def _pump_errors(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while data := await process.stderr.read(_CHUNK):
            self.write_error(data)
