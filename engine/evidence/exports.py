"""Records and registry values as the exports that Windows itself would give of them; any text comes back as it was."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

EVENT_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_LEVELS = {"Error": 2, "Warning": 3, "Information": 4}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ROOTS = {"HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER"}


def events_xml(log: str, computer: str, events: Iterable[Mapping[str, Any]]) -> str:
    """Records as ``wevtutil qe ... /f:RenderedXml`` gives them, under one root."""
    return "<Events>\n" + "".join(_event(log, computer, one) for one in events) + "</Events>\n"


def _event(log: str, computer: str, event: Mapping[str, Any]) -> str:
    strings = "".join(f"<Data>{_xml(one)}</Data>" for one in event.get("strings") or ())
    return (
        f'<Event xmlns="{EVENT_NAMESPACE}"><System>'
        f"<Provider Name={quoteattr(_clean(event.get('source')))}/>"
        f"<EventID>{_xml(event.get('id'))}</EventID>"
        f"<Level>{_LEVELS.get(str(event.get('level')), 0)}</Level>"
        f"<TimeCreated SystemTime={quoteattr(_clean(event.get('time')))}/>"
        f"<EventRecordID>{_xml(event.get('record'))}</EventRecordID>"
        f"<Channel>{_xml(log)}</Channel><Computer>{_xml(computer)}</Computer></System>"
        f"<EventData>{strings}</EventData>"
        f'<RenderingInfo Culture="en-US"><Message>{_xml(event.get("message"))}</Message></RenderingInfo></Event>\n'
    )


def registry_text(registry: Mapping[str, Mapping[str, Any]]) -> str:
    """Keys and values as regedit exports them."""
    lines = ["Windows Registry Editor Version 5.00", ""]
    for key, values in registry.items():
        root, _, rest = key.partition("\\")
        lines.append(f"[{_ROOTS.get(root, root)}\\{rest}]")
        lines += [f'"{_quoted(name)}"={_registry_value(value)}' for name, value in values.items()]
        lines.append("")
    return "\r\n".join(lines) + "\r\n"


def _registry_value(value: Any) -> str:
    if isinstance(value, int):
        return f"dword:{value & 0xFFFFFFFF:08x}"
    text = str(value)
    if any(one < " " for one in text):
        # A text with line breaks cannot stand in quotes; regedit writes its characters as numbers then.
        raw = text.encode("utf-16-le", "surrogatepass") + b"\x00\x00"
        return f"hex(1):{','.join(f'{one:02x}' for one in raw)}"
    return f'"{_quoted(text)}"'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _xml(value: Any) -> str:
    return escape(_clean(value))


def _clean(value: Any) -> str:
    return _NOT_XML.sub("\ufffd", "" if value is None else str(value))
