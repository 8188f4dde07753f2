"""What was collected, as the files of an evidence folder; the reader of such a folder is the only reader there is."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from engine.app.collect import HostEvidence
from engine.app.wiring import make_folder
from engine.model.errors import StorageFailed, UsageMistake

EVENT_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_LEVELS = {"Error": 2, "Warning": 3, "Information": 4}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ROOTS = {"HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER"}


def write(folder: Path, hosts: Iterable[HostEvidence], evidence: Mapping[str, Any], baseline: Any) -> None:
    """Write the folder."""
    refuse_used(folder)
    files = {"evidence.yaml": _json(evidence)}
    if baseline is not None:
        files["baseline.yaml"] = _json(baseline)
    for host in hosts:
        for name, content in host_files(host):
            files[f"hosts/{host.name}/{name}"] = content
    for name, content in files.items():
        path = folder / name
        make_folder(path.parent)
        try:
            path.write_bytes(content)
        except OSError as error:
            raise StorageFailed(f"{path} cannot be written: {error.strerror}", remedy="name another folder") from error


def refuse_used(folder: Path) -> None:
    """A folder that already holds something is refused: evidence of two moments must not mix."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageMistake(
            f"{folder} is not an empty folder", remedy="name a new one; old and new evidence must not mix"
        )


def host_files(host: HostEvidence) -> Iterator[tuple[str, bytes]]:
    """Relative path and content of every file of one host."""
    versions = {
        "binaries": host.binaries or "unknown",
        "management_packs": host.management_packs or "unknown",
        "databases": dict(host.databases),
    }
    described: dict[str, Any] = {"versions": versions}
    if host.role is not None:
        described = {"role": host.role, **described}
    yield "host.yaml", _json(described)
    for path, content in host.logs.items():
        yield f"logs/{_name(path)}", content
    for log, events in host.events.items():
        if events:
            yield f"events/{_name(log)}.xml", events_xml(log, host.name, events).encode("utf-8")
    if host.registry:
        yield "registry/collected.reg", registry_text(host.registry).encode("utf-16")


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
    return f"dword:{value & 0xFFFFFFFF:08x}" if isinstance(value, int) else f'"{_quoted(str(value))}"'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _xml(value: Any) -> str:
    return escape(_clean(value))


def _clean(value: Any) -> str:
    return _NOT_XML.sub("\ufffd", "" if value is None else str(value))


def _name(path: str) -> str:
    """A file name out of a Windows path, so that two profiles' logs stay apart: ``scsmsetup__SCSMInstall.log``."""
    parts = [part for part in path.split("\\") if part and not part.endswith(":")]
    kept = [part for part in parts if part.lower() not in ("users", "appdata", "local", "temp")]
    return re.sub(r"[^A-Za-z0-9_.\- ]", "_", "__".join(kept)) or "log"


def _json(value: Any) -> bytes:
    """JSON, which is YAML too."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
