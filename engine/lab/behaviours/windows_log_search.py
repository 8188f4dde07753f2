"""What ``windows_log_search.observe.ps1`` finds in a machine's files."""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.lab.behaviours.plain import maps, number, texts
from engine.lab.clock import iso
from engine.lab.machine import Machine
from engine.lab.machine_files import Files, LabFile, parent
from engine.model.data import JsonMap, JsonValue

# Windows gives the five unused places of the code page the control characters of the same number.
_CP1252 = "".join(bytes([one]).decode("cp1252", "ignore") or chr(one) for one in range(256))
_SAMPLE = 1024
Test = list[re.Pattern[str]]


@dataclass(slots=True, kw_only=True)
class _Rule:
    """One pattern: what a line needs, and what the nearest preceding line of a kind must say."""

    id: str
    line: Test
    bind: Test | None = None
    require: Test = field(default_factory=list)


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Files, matches, what was too large to read, and whether the limit of matches was reached."""
    found: dict[str, tuple[str, LabFile]] = {}
    for glob in texts(arguments["files"]):
        drive, *segments = glob.split("\\")
        for path, file in _find(machine.files, drive, segments, number(arguments["depth"])):
            found[path.upper()] = (path, file)
    rules = [_rule(one) for one in maps(arguments["patterns"])]
    files: list[JsonValue] = []
    matches: list[JsonValue] = []
    skipped: list[JsonValue] = []
    limit = number(arguments["max_matches"])
    for _, (path, file) in sorted(found.items()):
        if len(file.content) > number(arguments["max_bytes"]):
            skipped.append({"path": path, "why": f"larger than {number(arguments['max_bytes'])} bytes"})
            continue
        encoding, lines = _lines(file.content)
        read = _search(path, lines, rules, matches, limit, number(arguments["max_text"])) if len(matches) < limit else 0
        files.append(
            {
                "path": path,
                "size": len(file.content),
                "modified": iso(file.modified),
                "encoding": encoding,
                "lines": read,
                "complete": len(matches) < limit,
            }
        )
    return {"files": files, "matches": matches, "skipped": skipped, "truncated": len(matches) >= limit}


def _children(files: Files, folder: str) -> Iterator[tuple[str, LabFile | None]]:
    """Names in a folder; a folder has no file."""
    top = folder.lower() + "\\" if folder.endswith(":") else folder.lower()
    for key, path in files.folders.items():
        if parent(key) == top and key != top:
            yield path.rpartition("\\")[2], None
    for key, file in files.entries.items():
        if parent(key) == top:
            yield file.path.rpartition("\\")[2], file


def _find(files: Files, folder: str, segments: Sequence[str], depth: int) -> Iterator[tuple[str, LabFile]]:
    segment, *rest = segments
    if segment == "**":
        yield from _find(files, folder, rest, depth)
        for name, file in _children(files, folder) if depth > 0 else ():
            if file is None:
                yield from _find(files, f"{folder}\\{name}", segments, depth - 1)
    elif rest and not re.search(r"[*?]", segment):
        yield from _find(files, f"{folder}\\{segment}", rest, depth)
    else:
        wanted = re.escape(segment).replace(r"\*", ".*").replace(r"\?", ".")
        for name, file in _children(files, folder):
            if not re.fullmatch(wanted, name, re.IGNORECASE):
                continue
            if rest and file is None:
                yield from _find(files, f"{folder}\\{name}", rest, depth)
            elif not rest and file is not None:
                yield f"{folder}\\{name}", file


def _test(rule: Mapping[str, JsonValue]) -> Test:
    if rule.get("regex"):
        return [re.compile(str(rule["regex"]), re.IGNORECASE)]
    return [re.compile(re.escape(text), re.IGNORECASE) for text in texts(rule.get("contains"))]


def _rule(pattern: JsonMap) -> _Rule:
    rule = _Rule(id=str(pattern["id"]), line=_test(pattern))
    bind = pattern.get("bind")
    if isinstance(bind, Mapping):
        rule.bind = _test(bind)
        rule.require = _test({"contains": bind.get("require")})
    return rule


def _meets(test: Test, line: str) -> bool:
    return all(one.search(line) for one in test)


def _search(path: str, lines: list[str], rules: list[_Rule], matches: list[JsonValue], limit: int, width: int) -> int:
    """Add the matches of one file; how many lines were read."""
    anchors: dict[str, tuple[int, str]] = {}
    for count, line in enumerate(lines, 1):
        for rule in rules:
            if len(matches) >= limit or not _meets(rule.line, line):
                continue
            hit: dict[str, JsonValue] = {"pattern": rule.id, "path": path, "line": count, "text": line[:width]}
            anchor = anchors.get(rule.id)
            if rule.bind and (anchor is None or not _meets(rule.require, anchor[1])):
                continue
            hit["bound_line"], hit["bound_text"] = (
                (anchor[0], anchor[1][:width]) if rule.bind and anchor else (None, None)
            )
            matches.append(hit)
        if len(matches) >= limit:
            return count
        anchors.update({rule.id: (count, line) for rule in rules if rule.bind and _meets(rule.bind, line)})
    return len(lines)


def _lines(content: bytes) -> tuple[str, list[str]]:
    encoding, text = _decode(content)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return encoding, lines[:-1] if lines[-1] == "" else lines


def _decode(content: bytes) -> tuple[str, str]:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return name, content[len(mark) :].decode(name, "replace")
    wide = _wide(content[:_SAMPLE])
    if wide:
        return wide, content.decode(wide, "replace")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return "cp1252", "".join(_CP1252[one] for one in content)
    return "utf-8", content.decode("utf-8", "replace")


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark shows by zeros in nearly every second byte."""
    pairs, even, odd = len(sample) // 2, sample[::2].count(0), sample[1::2].count(0)
    if pairs and odd * 10 >= pairs * 4 and even * 10 < pairs:
        return "utf-16-le"
    if pairs and even * 10 >= pairs * 4 and odd * 10 < pairs:
        return "utf-16-be"
    return None
