"""The WS-Management shell protocol of one host, free of HTTP: an envelope goes in, a status and an envelope come out.

Holds the host's shells and their commands. Lives in one event loop; never raises for anything a client sends.
"""

import asyncio
import base64
import binascii
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.lab import winrm_envelope as soap
from engine.lab import winrm_faults as faults
from engine.lab.runspaces import RunspacePool
from engine.lab.shells import Process, Spawn, Surroundings
from engine.lab.winrm_envelope import BadEnvelope, Request, WsmanFault
from engine.lab.winrm_runspaces import PoolShell

_OVERHEAD = 4096
"""Room for everything in a Receive answer but the output."""
_CONFIG = (
    '<cfg:Config xmlns:cfg="{ns}"><cfg:MaxEnvelopeSizekb>{size}</cfg:MaxEnvelopeSizekb>'
    "<cfg:MaxTimeoutms>60000</cfg:MaxTimeoutms><cfg:MaxBatchItems>32000</cfg:MaxBatchItems></cfg:Config>"
)
_IDENTITY = (
    '<id:IdentifyResponse xmlns:id="{ns}"><id:ProtocolVersion>{wsman}</id:ProtocolVersion><id:ProductVendor>'
    "Microsoft Corporation</id:ProductVendor><id:ProductVersion>OS: 6.2.9200 SP: 0.0 Stack: 3.0</id:ProductVersion>"
    "</id:IdentifyResponse>"
)


class Reply(NamedTuple):
    """HTTP status and envelope; ``cut`` asks the carrier to close the connection instead of answering."""

    status: int
    content: bytes
    cut: bool = False


class _Cut(Exception):
    """A fault of the lab closes this connection now."""


@dataclass(slots=True, kw_only=True)
class _Command:
    process: Process
    empty_receives: int


@dataclass(slots=True, kw_only=True)
class _Shell:
    owner: str
    environment: dict[str, str]
    idle_timeout_s: float
    used_at: float
    commands: dict[str, _Command] = field(default_factory=dict)
    pool: PoolShell | None = None


class WinrmService:
    """One host's WinRM service. Runspace pools need a ``powershell``, the path of a program."""

    def __init__(
        self, around: Surroundings, spawn: Spawn, *, powershell: str | None = None, envelope_kb: int = 500
    ) -> None:
        self._around = around
        self._spawn = spawn
        self._powershell = powershell
        self._envelope_kb = envelope_kb
        self._shells: dict[str, _Shell] = {}
        self._verbs: dict[str, Callable[[Request, str], Awaitable[bytes]]] = {
            f"{soap.TRANSFER}/Create": self._create,
            f"{soap.TRANSFER}/Delete": self._delete,
            f"{soap.TRANSFER}/Get": self._get,
            f"{soap.SHELL}/Command": self._command,
            f"{soap.SHELL}/Send": self._send,
            f"{soap.SHELL}/Receive": self._receive,
            f"{soap.SHELL}/Signal": self._signal,
            f"{soap.IDENTITY}/Identify": self._identify,
        }

    def end_all(self) -> None:
        """The host went down: every shell and every process in it is gone."""
        shells, self._shells = self._shells, {}
        for shell in shells.values():
            _end(shell)

    async def handle(self, content: bytes, user: str) -> Reply:
        """Serve one request of an authenticated user."""
        relates_to = ""
        try:
            request = soap.parse(content)
            relates_to = request.message_id
            serve = self._verbs.get(request.action, _unknown)
            return Reply(200, await serve(request, user.casefold()))
        except BadEnvelope as problem:
            fault = WsmanFault(soap.SCHEMA_VALIDATION, "SchemaValidationError", f"The request is invalid: {problem}.")
            return Reply(500, soap.fault(relates_to, self._around.host.name, fault))
        except WsmanFault as fault:
            return Reply(500, soap.fault(relates_to, self._around.host.name, fault))
        except _Cut:
            return Reply(0, b"", cut=True)

    async def _create(self, request: Request, user: str) -> bytes:
        is_pool = self._powershell is not None and request.resource_uri.startswith(f"{soap.POWERSHELL}/")
        if request.resource_uri != soap.CMD_SHELL and not is_pool:
            raise faults.no_such_resource(request.resource_uri, powershell=self._powershell is not None)
        self._forget_idle()
        quota = self._around.faults.max_shells
        if sum(shell.owner == user for shell in self._shells.values()) >= quota:
            raise faults.too_many_shells(quota)
        idle = next((one.text for one in soap.elements(request, "IdleTimeOut")), None)
        shell = _Shell(
            owner=user,
            environment={one.get("Name", ""): one.text or "" for one in soap.elements(request, "Variable")},
            idle_timeout_s=min(soap.seconds(idle, 7200.0), self._around.faults.idle_timeout_s),
            used_at=self._now(),
        )
        shell_id = str(uuid.uuid4()).upper()
        if is_pool and self._powershell is not None:
            wanted = next((one.get("ShellId") for one in soap.elements(request, "Shell")), None)
            shell_id = (wanted or shell_id).upper()
            shell.pool = PoolShell(RunspacePool(self._around, self._powershell))
        self._shells[shell_id] = shell
        if shell.pool is not None:
            await shell.pool.create(request)
        return soap.created(request, shell_id, user, shell.idle_timeout_s)

    async def _delete(self, request: Request, user: str) -> bytes:
        shell_id, shell = self._shell(request, user)
        del self._shells[shell_id]
        _end(shell)
        return soap.answer(request)

    async def _command(self, request: Request, user: str) -> bytes:
        _, shell = self._shell(request, user)
        if shell.pool is not None:
            return await shell.pool.command(request)
        line = next(soap.elements(request, "CommandLine"), None)
        if line is None:
            raise BadEnvelope("Command without a CommandLine")
        words = [one.text or "" for name in ("Command", "Arguments") for one in soap.elements(request, name)]
        command_id = (line.get("CommandId") or str(uuid.uuid4())).upper()
        process = await self._spawn(self._around, " ".join(word for word in words if word), shell.environment)
        process.start()
        shell.commands[command_id] = _Command(process=process, empty_receives=self._around.faults.empty_receives)
        if self._around.faults.fires("drop_after_commands"):
            raise _Cut
        return soap.answer(
            request, f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"
        )

    async def _send(self, request: Request, user: str) -> bytes:
        _, shell = self._shell(request, user)
        if shell.pool is not None:
            return await shell.pool.send(request)
        for stream in soap.elements(request, "Stream"):
            command = self._find(shell, stream.get("CommandId"))
            if command.process.ended:
                raise WsmanFault(soap.BROKEN_PIPE, "InternalError", "The pipe has been ended. ")
            try:
                data = base64.b64decode(stream.text or "")
            except binascii.Error:
                raise BadEnvelope("the input is no base64") from None
            command.process.feed(data, end=stream.get("End", "").casefold() in ("true", "1"))
        if self._around.faults.fires("drop_after_sends"):
            await asyncio.sleep(0)  # the process takes the input before the connection goes
            raise _Cut
        return soap.answer(request, "<rsp:SendResponse/>")

    async def _receive(self, request: Request, user: str) -> bytes:
        _, shell = self._shell(request, user)
        most = max((min(request.max_envelope_bytes, self._envelope_kb * 1024) - _OVERHEAD) * 3 // 4, 1024)
        if shell.pool is not None:
            return await shell.pool.receive(request, most)
        wanted = next(soap.elements(request, "DesiredStream"), None)
        command_id = (wanted.get("CommandId") or "" if wanted is not None else "").upper()
        command = self._find(shell, command_id)
        command.process.no_input()
        if command.empty_receives > 0:
            command.empty_receives -= 1
            return soap.received(request, command_id, {}, None)
        output = await command.process.output(request.timeout_s, most)
        shell.used_at = self._now()
        if command_id not in shell.commands:
            raise faults.aborted()
        if output is None:
            raise faults.nothing_in_time()
        command.empty_receives = self._around.faults.empty_receives
        streams = {"stdout": output.stdout, "stderr": output.stderr}
        return soap.received(request, command_id, streams, output.exit_code)

    async def _signal(self, request: Request, user: str) -> bytes:
        _, shell = self._shell(request, user)
        if shell.pool is not None:
            return await shell.pool.signal(request)
        signal = next(soap.elements(request, "Signal"), None)
        code = next((one.text or "" for one in soap.elements(request, "Code")), "").casefold()
        command_id = (signal.get("CommandId") or "" if signal is not None else "").upper()
        command = shell.commands.get(command_id)
        if code.endswith("/terminate"):
            shell.commands.pop(command_id, None)
        if command is not None:
            command.process.kill()
        return soap.answer(request, "<rsp:SignalResponse/>")

    async def _get(self, request: Request, user: str) -> bytes:
        del user
        if request.resource_uri != soap.CONFIG:
            raise WsmanFault(soap.ACCESS_DENIED, "InvalidResourceURI", "The lab has no such resource to get.")
        return soap.answer(request, _CONFIG.format(ns=soap.CONFIG, size=self._envelope_kb))

    async def _identify(self, request: Request, user: str) -> bytes:
        del user
        return soap.answer(request, _IDENTITY.format(ns=soap.IDENTITY, wsman=soap.WSMAN))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _forget_idle(self) -> None:
        now = self._now()
        for shell_id, shell in list(self._shells.items()):
            if now - shell.used_at > min(shell.idle_timeout_s, self._around.faults.idle_timeout_s):
                _end(self._shells.pop(shell_id))

    def _shell(self, request: Request, user: str) -> tuple[str, _Shell]:
        self._forget_idle()
        shell_id = request.selectors.get("ShellId", "").upper()
        shell = self._shells.get(shell_id)
        if shell is None or shell.owner != user:
            raise faults.no_shell(shell_id)
        shell.used_at = self._now()
        return shell_id, shell

    def _find(self, shell: _Shell, command_id: str | None) -> _Command:
        command = shell.commands.get((command_id or "").upper())
        if command is None:
            raise faults.no_command(command_id)
        return command


def _end(shell: _Shell) -> None:
    commands, shell.commands = shell.commands, {}
    for command in commands.values():
        command.process.kill()
    if shell.pool is not None:
        shell.pool.end()


async def _unknown(request: Request, user: str) -> bytes:
    del user
    raise WsmanFault(soap.SCHEMA_VALIDATION, "ActionNotSupported", f"The action {request.action!r} is not supported.")
