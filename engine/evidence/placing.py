"""Which file is what: by where it lies in an evidence folder, else by what it holds."""

from enum import StrEnum

from engine.evidence.encoding import sniff
from engine.evidence.tree import Found

_IDS = ("eventid", "instanceid", '"id"', "event id")
_EVTX = b"ElfFile\x00"
_PACKED = (
    b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"MSCF", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd",
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"MDMP", b"MZ\x90", b"\xd0\xcf\x11\xe0",
)  # fmt: skip
_TEXTS = (".log", ".txt", ".lo_", ".old", ".bak", "")


class Kind(StrEnum):
    """What a file is to a triage."""

    EVIDENCE = "evidence.yaml"
    BASELINE = "baseline.yaml"
    HOST = "host.yaml"
    LOG = "setup log"
    EVENTS_XML = "events as XML"
    EVENTS_CSV = "events as CSV"
    EVENTS_BINARY = "binary event log"
    REGISTRY = "registry export"
    UNPLACED = "unplaced"


def host_of(parts: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """NAME and the parts below it, of a path with ``hosts/NAME/``."""
    for index, part in enumerate(parts[:-2]):
        if part.lower() == "hosts":
            return parts[index + 1], parts[index + 2 :]
    return None


def kind_of(found: Found) -> Kind:
    """What the file is. May read its first bytes (and raise OSError)."""
    name = found.parts[-1].lower()
    placed = host_of(found.parts)
    if placed is None and name in ("evidence.yaml", "evidence.yml"):
        return Kind.EVIDENCE
    if placed is None and name in ("baseline.yaml", "baseline.yml"):
        return Kind.BASELINE
    if placed is not None and len(placed[1]) == 1 and name in ("host.yaml", "host.yml"):
        return Kind.HOST
    folder = placed[1][0].lower() if placed is not None and len(placed[1]) > 1 else ""
    content = _by_content(found.head(), name)
    if folder == "logs":
        misplaced = (Kind.EVENTS_BINARY, Kind.EVENTS_XML, Kind.REGISTRY)
        return content if content in misplaced or is_packed(found.head()) else Kind.LOG
    if folder == "registry":
        return Kind.REGISTRY
    if folder == "events":
        return _event_kind(content, name)
    return content


def is_packed(head: bytes) -> bool:
    """An archive or a picture; its bytes hold no line of a log."""
    return head.startswith(_PACKED)


def _event_kind(content: Kind, name: str) -> Kind:
    if content in (Kind.EVENTS_BINARY, Kind.EVENTS_XML, Kind.EVENTS_CSV):
        return content
    if name.endswith(".evtx"):
        return Kind.EVENTS_BINARY
    return Kind.EVENTS_XML if name.endswith(".xml") else Kind.EVENTS_CSV


def _by_content(head: bytes, name: str) -> Kind:
    if head.startswith(_EVTX) or name.endswith(".evtx"):
        return Kind.EVENTS_BINARY
    if is_packed(head):
        return Kind.UNPLACED
    encoding, mark = sniff(head)
    text = head[mark:].decode(encoding, "replace").lstrip("\ufeff \r\n\t")
    start = text[:400].lower()
    if start.startswith(("windows registry editor", "regedit4")) or name.endswith((".reg", ".regvalues.txt")):
        return Kind.REGISTRY
    if text.startswith("<") and ("<Event" in text or name.endswith(".xml")):
        return Kind.EVENTS_XML if "<Event" in text else Kind.UNPLACED
    lines = [one for one in start.splitlines() if one and not one.startswith("#type")]
    if lines and any(one in lines[0] for one in _IDS) and any(one in lines[0] for one in ",;\t"):
        return Kind.EVENTS_CSV
    suffix = name[name.rfind(".") :] if "." in name else ""
    rotated = ".log" in name or suffix in _TEXTS
    odd = sum(one < " " and one not in "\r\n\t\f" for one in text) + text.count("\ufffd")
    binary = encoding == "utf-8" and odd * 10 > len(text)
    return Kind.LOG if rotated and not binary and text else Kind.UNPLACED
