"""What the payloads of ``windows.xml_element`` see and do in a machine's XML files."""

import codecs
import hashlib
import re
from collections.abc import Mapping
from typing import Any
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from engine.lab.behaviours.plain import maps, texts
from engine.lab.behaviours.windows_file import join, replace
from engine.lab.machine import Machine
from engine.lab.machine_error import PayloadError
from engine.model.data import JsonMap, JsonValue

_XMLNS = "http://www.w3.org/2000/xmlns/"


def parse(content: bytes) -> minidom.Document:
    """The document; ``ValueError`` where the script would not read it either."""
    try:
        document = minidom.parseString(content)  # noqa: S318 - the lab reads the files it made itself
    except (ExpatError, ValueError, LookupError) as problem:
        raise ValueError(str(problem)) from problem
    if document.doctype is not None:
        raise ValueError("a document type is not read, for security")
    return document


def observe(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Whether file, parent and element are there, and the element's attributes."""
    answer: dict[str, JsonValue] = {
        "found": False,
        "well_formed": False,
        "error": None,
        "sha256": None,
        "root": None,
        "parent_found": False,
        "element_found": False,
        "attributes": {},
    }
    file = machine.files.get(str(arguments["file"]))
    if file is None:
        return answer
    answer |= {"found": True, "sha256": hashlib.sha256(file.content).hexdigest()}
    try:
        document = parse(file.content)
    except ValueError as problem:
        return {**answer, "error": str(problem)}
    root = document.documentElement
    answer |= {"well_formed": True, "root": root.localName if root else None}
    node: minidom.Document | minidom.Element | None = document
    for step in maps(arguments["parents"]):
        node = _child(node, step, {})
        if node is None:
            return answer
    answer["parent_found"] = True
    element = _child(node, _map(arguments["element"]), _keys(arguments)) if node else None
    if element is None:
        return answer
    attributes = {
        one.localName: one.value for one in element.attributes.values() if not one.prefix and one.namespaceURI != _XMLNS
    }
    return {**answer, "element_found": True, "attributes": attributes}


def ensure(machine: Machine, arguments: JsonMap) -> JsonValue:
    """Add or complete the element, keep the original."""
    path = str(arguments["file"])
    file = machine.files.get(path)
    if file is None:
        raise PayloadError(f"Cannot find path '{path}' because it does not exist.", "ObjectNotFound")
    if hashlib.sha256(file.content).hexdigest() != arguments["sha256"]:
        raise PayloadError(f"The file {path} was changed by someone else in the meantime.")
    document = parse(file.content)
    node: minidom.Document | minidom.Element = document
    for depth, step in enumerate(maps(arguments["parents"])):
        child = _child(node, step, {})
        if child is None and depth == 0:
            raise PayloadError(f"The root element of {path} is not {step['name']}.")
        node = child or _add(document, node, step, depth)
    element = _child(node, _map(arguments["element"]), _keys(arguments))
    element = element or _add(document, node, _map(arguments["element"]), len(maps(arguments["parents"])))
    for name, text in _map(arguments["attributes"]).items():
        element.setAttribute(name, str(text))
    backup = str(arguments["backup"])
    replace(machine, path, _serialised(document, file.content), join(path.rpartition("\\")[0], backup))
    return {"backup": backup}


def _map(value: JsonValue) -> JsonMap:
    return value if isinstance(value, Mapping) else {}


def _keys(arguments: JsonMap) -> dict[str, str]:
    attributes = _map(arguments["attributes"])
    return {name: str(attributes[name]) for name in texts(arguments.get("key"))}


def _child(
    node: minidom.Document | minidom.Element | None, want: JsonMap, keys: dict[str, str]
) -> minidom.Element | None:
    for child in node.childNodes if node else ():
        if not isinstance(child, minidom.Element) or child.localName != want["name"]:
            continue
        if want.get("namespace") is not None and (child.namespaceURI or "") != want["namespace"]:
            continue
        if all(child.getAttribute(name) == text for name, text in keys.items()):
            return child
    return None


def _add(document: minidom.Document, node: Any, want: JsonMap, depth: int) -> minidom.Element:
    # The stubs of minidom know which node takes which child, but not that a parent here is always an element.
    inherited = node.namespaceURI if isinstance(node, minidom.Element) else None
    own = want.get("namespace")
    namespace = inherited if own is None else str(own)
    child = document.createElementNS(namespace or None, str(want["name"]))
    if (namespace or None) != (inherited or None) or (isinstance(node, minidom.Element) and node.prefix):
        child.setAttributeNS(_XMLNS, "xmlns", namespace or "")
    last = node.lastChild
    indent = document.createTextNode("\n" + "  " * depth)
    if isinstance(last, minidom.Text) and not last.data.strip():
        node.insertBefore(indent, last)
        node.insertBefore(child, last)
    else:
        for one in (indent, child, document.createTextNode("\n" + "  " * (depth - 1))):
            node.appendChild(one)
    return child


def _serialised(document: minidom.Document, original: bytes) -> bytes:
    """The document in the encoding, with the mark, the declaration and the line ends of the original."""
    mark, codec = _encoding(original)
    text = original[len(mark) :].decode(codec)
    declaration = re.match(r"<\?xml\s.*?\?>", text, re.DOTALL)
    parts = [declaration.group()] if declaration else []
    body = "\n".join([*parts, *(node.toxml() for node in document.childNodes)])
    line_end = "\r\n" if "\r\n" in text else "\n"
    return mark + body.replace("\r\n", "\n").replace("\n", line_end).encode(codec)


def _encoding(content: bytes) -> tuple[bytes, str]:
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return mark, codec
    declared = re.match(rb"""<\?xml[^>]*?encoding=["']([A-Za-z0-9._-]+)["']""", content)
    return b"", declared.group(1).decode("ascii") if declared else "utf-8"
