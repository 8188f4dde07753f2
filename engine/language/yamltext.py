"""YAML text to plain data with the place of every part, or findings with places; never an exception.

Works on the parser's event stream, so that nesting, aliases and tags are judged before anything is built. What can mean
two things in YAML is refused (see ``codes``); aliases are followed up to a limit, merge keys are not part of YAML 1.2.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from engine.language.decoding import clean_text
from engine.language.located import Located, Path, split_lines
from engine.language.yaml_syntax import slip_of
from engine.language.yamlscalars import Refused, resolve
from engine.model.diagnostic import Diagnostic
from engine.model.origin import Origin

MAX_DEPTH = 50
MAX_NODES = 400_000
MAX_EXPANDED = 10_000
_SHOWN = 60

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Mark(NamedTuple):
    line: int
    column: int


class _Scalar(NamedTuple):
    text: str
    style: str | None
    mark: _Mark


class _Sequence(NamedTuple):
    items: "list[_Node]"
    mark: _Mark


class _Mapping(NamedTuple):
    pairs: "list[tuple[_Node, _Node]]"
    mark: _Mark


_Node = _Scalar | _Sequence | _Mapping


class _Fatal(Exception):
    """The text cannot be read on from here."""

    def __init__(self, finding: Diagnostic) -> None:
        super().__init__(finding.message)
        self.finding = finding


def read_yaml(text: str | bytes, file: str) -> tuple[Located | None, tuple[Diagnostic, ...]]:
    """The one document of the text. Findings may come with a value only if the value is whole; else it is None."""
    clean, findings = clean_text(text, file)
    if clean is None:
        return None, findings
    reader = _Reader(file, split_lines(clean))
    try:
        root = reader.compose(clean)
        located = reader.located(root)
    except _Fatal as fatal:
        return None, (*reader.findings, fatal.finding)
    return (None if reader.findings else located), tuple(reader.findings)


class _Reader:
    """One reading of one text. Mutable inside, dropped afterwards."""

    def __init__(self, file: str, lines: tuple[str, ...]) -> None:
        self.blank = Located(file=file, value=None, lines=lines)
        self.file = file
        self.lines = lines
        self.findings: list[Diagnostic] = []
        self.anchors: dict[str, _Node | None] = {}
        self.sizes: dict[int, int] = {}
        self.expanded = 0
        self.count = 0
        self.origins: dict[Path, Origin] = {}
        self.keys: dict[Path, Origin] = {}
        self.texts: dict[Path, Origin] = {}

    # -- events to nodes ------------------------------------------------------------------------------------------

    def compose(self, text: str) -> _Node:
        """The node tree of the only document."""
        events = self._events(text)
        root: _Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise self._fatal(
                        "Y108", "a second document starts here", event, "keep one document in a file", mark=3
                    )
                root = self._node(next(events), events, 1)
        if root is None or (isinstance(root, _Scalar) and root.style is None and resolve(root.text) is None):
            self._add(
                "Y109", "the document is empty", Origin(self.file, 1, 1), "see `runbook schema` for what belongs here"
            )
            raise _Fatal(self.findings.pop())
        return root

    def _events(self, text: str) -> Iterator[Any]:
        loader = _LOADER(text)
        try:
            while loader.check_event():
                yield loader.get_event()
        except yaml.MarkedYAMLError as error:
            raise _Fatal(self._syntax(error)) from error
        except (yaml.YAMLError, ValueError) as error:
            message = f"this is not YAML: {str(error).splitlines()[0] if str(error) else 'unreadable'}"
            raise _Fatal(self.blank.error("Y101", message, Origin(self.file, 1, 1))) from error
        finally:
            loader.dispose()

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> _Node:
        mark = _Mark(event.start_mark.line + 1, event.start_mark.column + 1)
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_NODES:
            what = f"nested deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else f"longer than {MAX_NODES} values"
            raise self._fatal("Y111", f"the document is {what}", event, "split the document")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self._refuse_tag(event)
        if event.anchor:
            self.anchors[event.anchor] = None  # known, but still open: an alias to it would contain itself
        before = self.count
        node = self._content(event, events, depth, mark)
        self.sizes[id(node)] = self.count - before + 1
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _content(self, event: Any, events: Iterator[Any], depth: int, mark: _Mark) -> _Node:
        if isinstance(event, yaml.ScalarEvent):
            style = event.style if event.style in ('"', "'", "|", ">") else None  # the C parser says "" for plain
            return _Scalar(event.value, style, mark)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[_Node] = []
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                items.append(self._node(inner, events, depth + 1))
            return _Sequence(items, mark)
        pairs: list[tuple[_Node, _Node]] = []
        while not isinstance(inner := next(events), yaml.MappingEndEvent):
            key = self._node(inner, events, depth + 1)
            pairs.append((key, self._node(next(events), events, depth + 1)))
        return _Mapping(pairs, mark)

    def _alias(self, event: Any) -> _Node:
        name = event.anchor
        node = self.anchors.get(name)
        if node is None:
            told, hint = "stands inside what it names", "write the value out"
            if name not in self.anchors:
                told, hint = "names no anchor before it", "write the value out; a text that starts with * needs quotes"
            raise self._fatal("Y104", f"the alias *{name} {told}", event, hint, mark=len(name) + 1)
        self.expanded += self.sizes.get(id(node), 1)
        self.count += self.sizes.get(id(node), 1) - 1
        if self.expanded > MAX_EXPANDED:
            message = f"the aliases of this document stand for more than {MAX_EXPANDED} values"
            raise self._fatal("Y104", message, event, "write the values out, or use fewer aliases", mark=len(name) + 1)
        return node

    def _refuse_tag(self, event: Any) -> None:
        tag = getattr(event, "tag", None)
        if tag is None:
            return
        shown = tag.replace("tag:yaml.org,2002:", "!!")
        if shown == "!vault":
            hint = "put the value in the environment, a file or the key ring and refer to it, such as env:NAME"
            self._add("Y103", "vault blobs are not read", self._origin(event), hint, mark=len(shown))
            return
        hint = "leave the tag out; quotes make text, their absence makes numbers and booleans"
        self._add("Y103", f"the tag {shown} is not allowed", self._origin(event), hint, mark=len(shown))

    # -- nodes to values ------------------------------------------------------------------------------------------

    def located(self, root: _Node) -> Located:
        """The whole as a value with its places."""
        value = self._value(root, ())
        return Located(
            file=self.file, value=value, lines=self.lines, origins=self.origins, keys=self.keys, texts=self.texts
        )

    def _value(self, node: _Node, path: Path) -> Any:
        self.origins[path] = Origin(self.file, *node.mark)
        if isinstance(node, _Scalar):
            return self._scalar(node, path)
        if isinstance(node, _Sequence):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.items)]
        return self._mapping(node, path)

    def _scalar(self, node: _Scalar, path: Path) -> Any:
        if node.style is not None:
            self.texts[path] = self._first_character(node)
            return node.text
        value = resolve(node.text)
        if isinstance(value, Refused):
            self._add(value.code, value.message, Origin(self.file, *node.mark), value.hint, mark=len(node.text))
            return node.text
        if isinstance(value, str):
            self.texts[path] = Origin(self.file, *node.mark)
        return value

    def _first_character(self, node: _Scalar) -> Origin:
        if node.style not in ("|", ">"):
            return Origin(self.file, node.mark.line, node.mark.column + 1)
        for number in range(node.mark.line + 1, len(self.lines) + 1):
            line = self.lines[number - 1]
            if line.strip():
                return Origin(self.file, number, len(line) - len(line.lstrip(" ")) + 1)
        return Origin(self.file, *node.mark)

    def _mapping(self, node: _Mapping, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.pairs:
            key = self._key(key_node)
            if key is None:
                continue
            inner = (*path, key)
            origin = Origin(self.file, *key_node.mark)
            if key in result:
                hint = f"the first one is on line {self.keys[inner].line}; keep one of them"
                self._add("Y102", f'the key "{_short(key)}" is there twice', origin, hint, mark=len(key))
                continue
            self.keys[inner] = origin
            result[key] = self._value(value_node, inner)
        return result

    def _key(self, node: _Node) -> str | None:
        origin = Origin(self.file, *node.mark)
        if not isinstance(node, _Scalar):
            braces = isinstance(node, _Mapping)
            hint = 'a text that starts with {{ needs quotes around it: "{{ ... }}"' if braces else "keys are text"
            self._add("Y107", f"a key is a {'mapping' if braces else 'list'}", origin, hint, mark=1)
            return None
        if node.style is None and node.text == "<<":
            self._add("Y113", "merge keys are not part of YAML 1.2", origin, "write the keys out", mark=2)
            return None
        if node.style is None and not isinstance(resolve(node.text), str):
            hint = f'write "{_short(node.text)}" in quotes'
            self._add(
                "Y107", f"the key {_short(node.text) or '(nothing)'} is not text", origin, hint, mark=len(node.text)
            )
            return None
        return node.text

    # -- findings -------------------------------------------------------------------------------------------------

    def _add(self, code: str, message: str, origin: Origin, hint: str | None = None, *, mark: int = 0) -> None:
        self.findings.append(self.blank.error(code, message, origin, hint=hint, mark=mark))

    def _origin(self, event: Any) -> Origin:
        return Origin(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _fatal(self, code: str, message: str, event: Any, hint: str, *, mark: int = 0) -> _Fatal:
        return _Fatal(self.blank.error(code, message, self._origin(event), hint=hint, mark=mark))

    def _syntax(self, error: yaml.MarkedYAMLError) -> Diagnostic:
        slip = slip_of(error, self.lines)
        origin = Origin(self.file, slip.line, slip.column)
        before = self.lines[slip.line - 1][: slip.column]
        if "\t" in before and not before.strip():
            place = Origin(self.file, slip.line, before.index("\t") + 1)
            return self.blank.error("Y106", "a tab is used for indentation", place, hint="indent with spaces", mark=1)
        return self.blank.error("Y101", slip.message, origin, hint=slip.hint, mark=1)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
