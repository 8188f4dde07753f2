"""A runspace pool of PowerShell remoting: a real PowerShell serves the protocol, this passes its fragments on.

The engine of PowerShell brings a server of the remoting protocol for its own child processes, which speaks over
standard input and output in lines of XML. Here it stands on a machine's state, as every real PowerShell of the lab
does; nothing of the protocol is imitated. Looked at is only where a pipeline ends, so that the machine takes over what
it changed before anybody hears of its end. The sessions of a pool know what a session of that PowerShell knows: the
commands of its own program and its aliases are handed on, and a width for clients that have no screen.
"""

import asyncio
import base64
import contextlib
import os
import re
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.lab.host import PwshHost, PwshPrelude
from engine.lab.shells import Surroundings
from engine.model.frame import NO_TRACES, encoded_command

POOL = "00000000-0000-0000-0000-000000000000"
"""The address of the pool itself among its pipelines."""
_LONGEST_LINE = 1 << 20
_SERVE = """
$type = [PowerShell].Assembly.GetType('System.Management.Automation.Remoting.Server.StdIOProcessMediator')
$run = $type.GetMethod('Run', [Reflection.BindingFlags]'Static, Public, NonPublic')
$given = @($run.GetParameters() | ForEach-Object { if ($_.ParameterType -eq [bool]) { $true } else { $null } })
$names = foreach ($one in Get-Alias) {
  "if (!(Test-Path -LiteralPath 'alias:$($one.Name)')) { Set-Alias '$($one.Name)' '$($one.Definition)' }"
}
$given[0] = (@(
  'Import-Module -Assembly ([Reflection.Assembly]::GetEntryAssembly()) -ErrorAction SilentlyContinue'
  '$PSDefaultParameterValues = @{ "Out-String:Width" = 120 }'
  $names
  '%s'
  '$Error.Clear()'
) | ForEach-Object { $_ }) -join "`n"
[void]$run.Invoke($null, $given)
"""
_PACKET = re.compile(rb"<(\w+)(?: Stream='\w+')? PSGuid='([0-9a-f-]{36})'(?: />|>([A-Za-z0-9+/=]*)</Data>)")
_FRAGMENT_HEADER, _DESTINATION = 21, 4
_OF_PIPELINES, _STATE = 4, 0x00041006
_ENDED = re.compile(rb'N="PipelineState">[345]<')  # stopped, completed, failed


class Pieces(NamedTuple):
    """Fragments in order, and whether the pipeline has ended with them."""

    fragments: list[bytes]
    ended: bool


class PoolGone(Exception):
    """The process ended, or the pipeline was forgotten, before the pipeline came to its end."""


@dataclass(slots=True)
class _Outlet:
    """What the pool or one pipeline has to say."""

    waiting: deque[bytes] = field(default_factory=deque)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    last: bytes = b""
    """The object whose last fragment ends the pipeline."""
    ended: bool = False
    """That fragment has come."""
    gone: bool = False
    """Nothing more will come."""


class RunspacePool:
    """One process and its pipelines; lives in the event loop."""

    def __init__(self, around: Surroundings, program: str) -> None:
        self._around = around
        self._program = program
        self._outlets = {POOL: _Outlet()}
        self._acknowledged: dict[tuple[str, str], asyncio.Future[None]] = {}
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the process."""
        host = self._around.host
        prelude = PwshPrelude("", {}, lambda: None)
        if isinstance(host, PwshHost):
            prelude = await self._around.work(host.pwsh_prelude)
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            *("-NoProfile", "-NonInteractive", "-EncodedCommand"),
            encoded_command(_SERVE % prelude.script.replace("'", "''")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **NO_TRACES, **prelude.environment},
            limit=_LONGEST_LINE,
        )
        self._reader = asyncio.get_running_loop().create_task(self._read(self._process, prelude))

    async def begin(self, pipeline: str, fragments: bytes) -> None:
        """Create a pipeline out of its first fragments."""
        self._outlets[pipeline] = _Outlet()
        await self._tell(f"<Command PSGuid='{pipeline}' />", "CommandAck", pipeline)
        await self.give(pipeline, fragments)

    async def give(self, outlet: str, fragments: bytes, *, stream: str = "Default") -> None:
        """Pass on fragments for a pipeline or the pool."""
        data = base64.b64encode(fragments).decode("ascii")
        await self._tell(f"<Data Stream='{stream}' PSGuid='{outlet}'>{data}</Data>", "DataAck", outlet)

    async def stop(self, pipeline: str) -> None:
        """Ask a pipeline to stop; that it did is told by its last fragments."""
        await self._tell(f"<Signal PSGuid='{pipeline}' />", "SignalAck", pipeline)

    def has(self, outlet: str) -> bool:
        """True for the pool and for each pipeline that was begun and not yet forgotten."""
        return outlet in self._outlets

    def forget(self, pipeline: str) -> None:
        """Nobody will ask for this pipeline again."""
        outlet = self._outlets.pop(pipeline, None)
        if outlet is None or self._process is None or self._process.stdin is None:
            return
        outlet.gone = True
        outlet.changed.set()
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(f"<Close PSGuid='{pipeline}' />\n".encode("ascii"))

    async def output(self, outlet: str, timeout_s: float, most: int) -> Pieces | None:
        """What there is to read, at most so many bytes unless one fragment is longer; None if nothing came in time.

        ``PoolGone`` if nothing will come any more and no end was told.
        """
        found = self._outlets[outlet]
        while not found.waiting:
            if found.ended:
                return Pieces([], ended=True)
            if found.gone:
                raise PoolGone
            found.changed.clear()
            try:
                await asyncio.wait_for(found.changed.wait(), timeout_s)
            except TimeoutError:
                return None
        fragments: list[bytes] = []
        while found.waiting and (not fragments or len(found.waiting[0]) <= most):
            fragments.append(found.waiting.popleft())
            most -= len(fragments[-1])
        return Pieces(fragments, found.ended and not found.waiting)

    def kill(self) -> None:
        """End the process and everybody who waits for it."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        self._end()

    async def _tell(self, line: str, answer: str, address: str) -> None:
        """Write one line and wait until it was taken: what the process reads, it works on in no order."""
        async with self._turn:
            assert self._process is not None
            assert self._process.stdin is not None
            taken = asyncio.get_running_loop().create_future()
            self._acknowledged[answer, address] = taken
            with contextlib.suppress(ConnectionError):
                self._process.stdin.write(line.encode("ascii") + b"\n")
                await self._process.stdin.drain()
            if not self._outlets[POOL].gone:
                await taken

    async def _read(self, process: asyncio.subprocess.Process, prelude: PwshPrelude) -> None:
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                packet = _PACKET.match(line)
                if packet is None:
                    continue
                name, address = packet[1].decode("ascii"), packet[2].decode("ascii")
                if packet[3] is not None:
                    await self._take(address, base64.b64decode(packet[3]), prelude)
                elif (waiting := self._acknowledged.pop((name, address), None)) is not None and not waiting.done():
                    waiting.set_result(None)
        finally:
            self._end()
            await process.wait()
            await self._around.work(prelude.after)

    async def _take(self, address: str, fragment: bytes, prelude: PwshPrelude) -> None:
        outlet = self._outlets.get(address)
        if outlet is None:
            return
        first, last, start = fragment[16] & 1, fragment[16] & 2, _FRAGMENT_HEADER + _DESTINATION
        kind = int.from_bytes(fragment[start : start + 4], "little") if first else 0
        if address == POOL and kind >> 16 == _OF_PIPELINES:
            return  # what the machine's prelude said; no client began it
        if kind == _STATE and _ENDED.search(fragment):
            outlet.last = fragment[:8]
        ends = bool(last) and outlet.last == fragment[:8]
        if ends:
            await self._around.work(prelude.after)
        outlet.waiting.append(fragment)
        outlet.ended = outlet.ended or ends
        outlet.changed.set()

    def _end(self) -> None:
        for outlet in self._outlets.values():
            outlet.gone = True
            outlet.changed.set()
        for waiting in self._acknowledged.values():
            if not waiting.done():
                waiting.set_result(None)
        self._acknowledged.clear()
