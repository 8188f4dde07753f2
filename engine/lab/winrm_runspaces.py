"""PowerShell remoting over WinRM (MS-PSRP over MS-WSMV): a runspace pool behind the verbs of a shell.

The pool's messages travel as fragments in base64: the first ones in ``creationXml`` of Create and in the arguments of
Command, later ones in Send, answers in Receive, of the pool itself where no command is named.
"""

import base64
import binascii
import uuid
from xml.etree import ElementTree

from engine.lab import winrm_envelope as soap
from engine.lab import winrm_faults as faults
from engine.lab.runspaces import POOL, PoolGone, RunspacePool
from engine.lab.winrm_envelope import BadEnvelope, Request


class PoolShell:
    """A shell that is a runspace pool."""

    def __init__(self, pool: RunspacePool) -> None:
        self._pool = pool

    async def create(self, request: Request) -> None:
        """Start the PowerShell and give it the pool's first messages."""
        created = None if request.body is None else request.body.find(f".//{{{soap.POWERSHELL}}}creationXml")
        if created is None:
            raise BadEnvelope("a runspace pool without its creationXml")
        fragments = _fragments(created)
        await self._pool.open()
        await self._pool.give(POOL, fragments)

    async def command(self, request: Request) -> bytes:
        """Create a pipeline."""
        line = next(soap.elements(request, "CommandLine"), None)
        given = next(soap.elements(request, "Arguments"), None)
        if line is None or given is None:
            raise BadEnvelope("a pipeline without its first message")
        command_id = (line.get("CommandId") or str(uuid.uuid4())).upper()
        await self._pool.begin(_address(command_id), _fragments(given))
        return soap.answer(
            request, f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"
        )

    async def send(self, request: Request) -> bytes:
        """Pass on input, or the answer to a question that the pool or a pipeline asked its host."""
        for stream in soap.elements(request, "Stream"):
            kind = "PromptResponse" if stream.get("Name") == "pr" else "Default"
            await self._pool.give(self._outlet(stream.get("CommandId")), _fragments(stream), stream=kind)
        return soap.answer(request, "<rsp:SendResponse/>")

    async def receive(self, request: Request, most: int) -> bytes:
        """What the pool or a pipeline has to say."""
        wanted = next(soap.elements(request, "DesiredStream"), None)
        command_id = (wanted.get("CommandId") or "" if wanted is not None else "").upper()
        try:
            pieces = await self._pool.output(self._outlet(command_id), request.timeout_s, most)
        except PoolGone:
            raise faults.aborted() from None
        if pieces is None:
            raise faults.nothing_in_time()
        return soap.received_fragments(request, command_id, pieces.fragments, done=pieces.ended)

    async def signal(self, request: Request) -> bytes:
        """Stop a pipeline, or forget it."""
        signal = next(soap.elements(request, "Signal"), None)
        code = next((one.text or "" for one in soap.elements(request, "Code")), "").casefold()
        address = _address(signal.get("CommandId") or "" if signal is not None else "")
        if self._pool.has(address) and address != POOL:
            if code.endswith("/terminate"):
                self._pool.forget(address)
            else:
                await self._pool.stop(address)
        return soap.answer(request, "<rsp:SignalResponse/>")

    def end(self) -> None:
        """The shell was deleted or forgotten, or the host went down."""
        self._pool.kill()

    def _outlet(self, command_id: str | None) -> str:
        if not command_id:
            return POOL
        address = _address(command_id)
        if not self._pool.has(address):
            raise faults.no_command(command_id)
        return address


def _address(command_id: str) -> str:
    """A command's id as the PowerShell writes it."""
    try:
        return str(uuid.UUID(command_id))
    except ValueError:
        raise BadEnvelope("the command's identifier is no UUID") from None


def _fragments(element: ElementTree.Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadEnvelope("the fragments are no base64") from None
