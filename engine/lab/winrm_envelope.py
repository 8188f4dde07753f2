"""SOAP envelopes of the WS-Management shell protocol: requests read with distrust, faults as Windows words them.

Knows no HTTP and no state. A request that declares a document type, or one too large, is refused before it is parsed.
"""

import base64
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
ANONYMOUS = f"{ADDRESSING}/role/anonymous"
CMD_SHELL = f"{SHELL}/cmd"
POWERSHELL = "http://schemas.microsoft.com/powershell"

MAX_REQUEST_BYTES = 1 << 20
"""Larger than any quota of a real server, small enough to hold in memory for hundreds of hosts."""

OPERATION_TIMEOUT = 2150858793
SHELL_NOT_FOUND = 2150858843
MAX_SHELLS = 2150859173
SCHEMA_VALIDATION = 2150858817
ABORTED = 2147943395
BROKEN_PIPE = 2147942509
ACCESS_DENIED = 5

_DOCUMENT_TYPE = re.compile(r"<!\s*(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)
_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")


class BadEnvelope(Exception):
    """What was sent is no request this server understands."""


class WsmanFault(Exception):
    """A refusal that travels as a SOAP fault. ``subcode`` is a name of the WS-Management fault table."""

    def __init__(self, code: int, subcode: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.subcode = subcode
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. ``body`` is the first element of the SOAP body."""

    action: str
    message_id: str
    resource_uri: str
    timeout_s: float
    max_envelope_bytes: int
    selectors: Mapping[str, str]
    options: Mapping[str, str]
    body: ElementTree.Element | None

    @property
    def verb(self) -> str:
        """The last word of the action: Create, Command, Send, Receive, Signal, Delete, Get."""
        return self.action.rpartition("/")[2]


def seconds(text: str | None, default: float) -> float:
    """An XML duration such as ``PT20S`` in seconds."""
    match = _DURATION.match((text or "").strip())
    if match is None or not any(match.groups()):
        return default
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def _root(content: bytes) -> ElementTree.Element:
    if len(content) > MAX_REQUEST_BYTES:
        raise BadEnvelope(f"the request has {len(content)} bytes, more than {MAX_REQUEST_BYTES}")
    try:
        # Decoded here and not by the parser, so that no declared encoding can hide a document type from the next line.
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        if _DOCUMENT_TYPE.search(text):
            raise BadEnvelope("the request declares a document type")
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as problem:
        raise BadEnvelope(f"the request is no XML: {problem}") from None


def parse(content: bytes) -> Request:
    """A request out of its bytes, or ``BadEnvelope``."""
    root = _root(content)
    if root.tag != f"{{{SOAP}}}Envelope":
        raise BadEnvelope("the request is no SOAP 1.2 envelope")
    header, body = root.find(f"{{{SOAP}}}Header"), root.find(f"{{{SOAP}}}Body")
    first = next(iter(body), None) if body is not None else None
    header = header if header is not None else ElementTree.Element("none")

    def text(namespace: str, name: str) -> str:
        return (header.findtext(f"{{{namespace}}}{name}") or "").strip()

    def named(name: str) -> dict[str, str]:
        found = header.iter(f"{{{WSMAN}}}{name}")
        return {one.get("Name", ""): (one.text or "").strip() for one in found}

    size = text(WSMAN, "MaxEnvelopeSize")
    action = text(ADDRESSING, "Action")
    if not action and first is not None and first.tag == f"{{{IDENTITY}}}Identify":
        action = first.tag.strip("{").replace("}", "/")
    return Request(
        action=action,
        message_id=text(ADDRESSING, "MessageID"),
        resource_uri=text(WSMAN, "ResourceURI"),
        timeout_s=seconds(text(WSMAN, "OperationTimeout"), 60.0),
        max_envelope_bytes=int(size) if size.isdigit() else 153600,
        selectors=named("Selector"),
        options=named("Option"),
        body=first,
    )


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}" xmlns:rsp="{SHELL}">'
        f"<s:Header><a:Action>{escape(action)}</a:Action><a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>{ANONYMOUS}</a:To><a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def answer(request: Request, body: str = "") -> bytes:
    """The response to a request: its action with ``Response`` appended."""
    return _envelope(f"{request.action}Response", request.message_id, body)


def created(request: Request, shell_id: str, owner: str, idle_timeout_s: float) -> bytes:
    """The answer to Create. The selector must be there: clients read the shell's id from it."""
    return answer(
        request,
        f'<x:ResourceCreated xmlns:x="{TRANSFER}"><a:Address>{ANONYMOUS}</a:Address><a:ReferenceParameters>'
        f"<w:ResourceURI>{escape(request.resource_uri)}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
        "</x:ResourceCreated>"
        f"<rsp:Shell><rsp:ShellId>{shell_id}</rsp:ShellId>"
        f"<rsp:ResourceUri>{escape(request.resource_uri)}</rsp:ResourceUri>"
        f"<rsp:Owner>{escape(owner)}</rsp:Owner><rsp:IdleTimeOut>PT{idle_timeout_s:.3f}S</rsp:IdleTimeOut>"
        "<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>",
    )


def received_fragments(request: Request, command_id: str, fragments: Sequence[bytes], *, done: bool) -> bytes:
    """The answer to Receive of a runspace pool: a stream element for each fragment. The pool itself has no state."""
    mark = f" CommandId={quoteattr(command_id)}" if command_id else ""
    parts = [f'<rsp:Stream Name="stdout"{mark}>{base64.b64encode(one).decode()}</rsp:Stream>' for one in fragments]
    if command_id:
        parts.append(f'<rsp:CommandState{mark} State="{SHELL}/CommandState/{"Done" if done else "Running"}"/>')
    return answer(request, f"<rsp:ReceiveResponse>{''.join(parts)}</rsp:ReceiveResponse>")


def received(request: Request, command_id: str, streams: Mapping[str, bytes], exit_code: int | None) -> bytes:
    """The answer to Receive: pieces of output, and Done with the exit code once the command has ended."""
    mark = f"CommandId={quoteattr(command_id)}"
    parts = [
        f'<rsp:Stream Name="{name}" {mark}>{base64.b64encode(data).decode()}</rsp:Stream>'
        for name, data in streams.items()
        if data
    ]
    if exit_code is None:
        parts.append(f'<rsp:CommandState {mark} State="{SHELL}/CommandState/Running"/>')
    else:
        parts += [f'<rsp:Stream Name="{name}" {mark} End="true"/>' for name in streams]
        state = f'State="{SHELL}/CommandState/Done"'
        parts.append(f"<rsp:CommandState {mark} {state}><rsp:ExitCode>{exit_code}</rsp:ExitCode></rsp:CommandState>")
    return answer(request, f"<rsp:ReceiveResponse>{''.join(parts)}</rsp:ReceiveResponse>")


def fault(relates_to: str, machine: str, problem: WsmanFault) -> bytes:
    """A SOAP fault with the detail that Windows puts in."""
    sender = "Receiver" if problem.code in (OPERATION_TIMEOUT, ABORTED) else "Sender"
    body = (
        f"<s:Fault><s:Code><s:Value>s:{sender}</s:Value><s:Subcode><s:Value>w:{problem.subcode}</s:Value></s:Subcode>"
        f'</s:Code><s:Reason><s:Text xml:lang="en-US">{escape(problem.message)}</s:Text></s:Reason><s:Detail>'
        f'<f:WSManFault xmlns:f="{FAULT}" Code="{problem.code}" Machine={quoteattr(machine)}>'
        f"<f:Message>{escape(problem.message)}</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )
    return _envelope("http://schemas.dmtf.org/wbem/wsman/1/wsman/fault", relates_to, body)


def elements(request: Request, name: str) -> Iterator[ElementTree.Element]:
    """All elements of a name in the shell's namespace, within the request's body."""
    return iter(()) if request.body is None else request.body.iter(f"{{{SHELL}}}{name}")
