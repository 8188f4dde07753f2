"""The frames between the engine and the one interpreter it keeps on a host.

A PowerShell is started once with ``STAGE_0`` as its encoded command and then reads lines of ASCII from its input:
the first is the base64 of the interpreter's own script, each further one is a frame::

    NONCE NUMBER NAME DIGEST BASE64(script, UTF-8)|- BASE64(arguments as XML, UTF-8)

``-`` stands for a script that was sent before under the same digest. Each frame is answered by one line::

    NONCE NUMBER BASE64(JSON, UTF-8)      {"ok", "value", "errors", "exit_code", "duration_s"}

Every other line is stray output. Arguments are XML because Windows PowerShell 2.0 reads it with .NET 2.0 and has no
JSON; every text in it is base64, so no character needs escaping:
``<v t="m"><v t="s" k="BASE64(key)">BASE64</v><v t="l" k="..."><v t="i">5</v></v></v>`` with the types
n (null), b (true/false), i (integer), d (double), s (text), l (list), m (map).
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from engine.model.command import Argument
from engine.model.data import JsonMap, JsonValue, text_digest
from engine.model.result import CommandResult, ScriptError
from engine.model.secret import Secret

STAGE_0 = (
    "$ErrorActionPreference='Stop';$ProgressPreference='SilentlyContinue';$rb=$null;"
    "$input|ForEach-Object{if($rb -eq $null){$rb=[scriptblock]::Create("
    "[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($_)))}else{. $rb $_}}"
)
"""Windows PowerShell 2.0: builds the interpreter from the first line and gives it every later one."""

NO_TRACES = {"DOTNET_EnableDiagnostics": "0", "POWERSHELL_DIAGNOSTICS_OPTOUT": "1"}
"""Environment of a PowerShell started here: without it, each one that is killed leaves sockets and pipes in /tmp."""

HANDSHAKE = "handshake"
"""Name of the first frame's script; its value tells version, culture, code page, boot identity and process id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A decoded request. ``text`` is None where the script was sent before."""

    nonce: str
    number: int
    name: str
    digest: str
    text: str | None
    arguments: Mapping[str, JsonValue]


def encoded_command(script: str) -> str:
    """The argument of ``-EncodedCommand``: base64 of UTF-16LE."""
    return base64.b64encode(script.encode("utf-16-le")).decode("ascii")


def encode_text(text: str) -> str:
    """Base64 of UTF-8."""
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def decode_text(text: str) -> str:
    """The inverse of ``encode_text``."""
    return base64.b64decode(text, validate=True).decode("utf-8", "surrogatepass")


def _element(value: Argument, key: str | None) -> ElementTree.Element:
    element = ElementTree.Element("v")
    if key is not None:
        element.set("k", encode_text(key))
    match value:
        case None:
            kind, text = "n", None
        case bool():
            kind, text = "b", "true" if value else "false"
        case int():
            kind, text = "i", str(value)
        case float():
            kind, text = "d", repr(value)
        case Secret():
            kind, text = "s", encode_text(value.reveal())
        case str():
            kind, text = "s", encode_text(value)
        case Mapping():
            kind, text = "m", None
            element.extend(_element(item, name) for name, item in value.items())
        case Sequence():
            kind, text = "l", None
            element.extend(_element(item, None) for item in value)
        case _:
            raise TypeError(f"{type(value).__name__} cannot be an argument")
    element.set("t", kind)
    element.text = text
    return element


def encode_arguments(arguments: Mapping[str, Argument]) -> str:
    """Arguments as XML. Secrets are opened here: the frame goes to the host, never to a log."""
    return str(ElementTree.tostring(_element(dict(arguments), None), encoding="unicode"))  # type: ignore[arg-type]


def _value(element: ElementTree.Element) -> JsonValue:
    text = element.text or ""
    match element.get("t"):
        case "n":
            return None
        case "b":
            return text == "true"
        case "i":
            return int(text)
        case "d":
            return float(text)
        case "s":
            return decode_text(text)
        case "l":
            return [_value(item) for item in element]
        case "m":
            return {decode_text(item.get("k", "")): _value(item) for item in element}
        case kind:
            raise ValueError(f"unknown argument type {kind!r}")


def decode_arguments(text: str) -> JsonMap:
    """The inverse of ``encode_arguments``."""
    value = _value(ElementTree.fromstring(text))
    if not isinstance(value, Mapping):
        raise TypeError("arguments are not a map")
    return value


def encode_frame(
    *, nonce: str, number: int, name: str, text: str, known: bool, arguments: Mapping[str, Argument]
) -> str:
    """One line without its line end. ``known``: the script was sent before under the same digest."""
    script = "-" if known else encode_text(text)
    return f"{nonce} {number} {name} {text_digest(text)} {script} {encode_text(encode_arguments(arguments))}"


def decode_frame(line: str) -> Frame:
    """The inverse of ``encode_frame``; ``ValueError`` for a line that is no frame."""
    nonce, number, name, script_digest, script, arguments = line.split(" ")
    return Frame(
        nonce=nonce,
        number=int(number),
        name=name,
        digest=script_digest,
        text=None if script == "-" else decode_text(script),
        arguments=decode_arguments(decode_text(arguments)),
    )


def encode_answer(nonce: str, number: int, answer: JsonMap) -> str:
    """One answer line without its line end."""
    return f"{nonce} {number} {encode_text(json.dumps(answer))}"


def decode_answer(line: str, nonce: str) -> tuple[int, JsonMap] | None:
    """Frame number and answer, or None if the line is stray output."""
    parts = line.strip().split(" ")
    if len(parts) != 3 or parts[0] != nonce or not parts[1].isdigit():  # noqa: PLR2004 - the three fields of the line
        return None
    try:
        answer = json.loads(decode_text(parts[2]))
    except ValueError:
        return None
    return (int(parts[1]), answer) if isinstance(answer, dict) else None


def answer_to_result(answer: JsonMap, *, stray: str = "", duration_s: float = 0.0) -> CommandResult:
    """A decoded answer as a result. A missing or ill-typed part counts as not ok: an answer is data, never trusted."""
    raw_errors = answer.get("errors")
    errors = tuple(
        ScriptError(
            message=str(one.get("message", "")),
            category=str(one.get("category", "")),
            position=str(one.get("position", "")),
            types=tuple(str(name) for name in _sequence(one.get("types"))),
        )
        for one in _sequence(raw_errors)
        if isinstance(one, Mapping)
    )
    exit_code = answer.get("exit_code")
    return CommandResult(
        ok=answer.get("ok") is True,
        value=answer.get("value"),
        errors=errors,
        exit_code=exit_code if isinstance(exit_code, int) else None,
        stray=stray,
        duration_s=duration_s,
    )


def _sequence(value: object) -> Sequence[JsonValue]:
    return value if isinstance(value, (list, tuple)) else ()
