"""Holds a script to Windows PowerShell 2.0 without any PowerShell: by its syntax tree and a table of 2.0's commands.

It is strict where the payloads can afford it (no aliases, whole command names) and knows no types: what a method
belongs to is judged by its name only.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tree_sitter_pwsh
from tree_sitter import Language, Node, Parser

TABLE = Path(__file__).with_name("ps20_commands.json")

_NEWER_NODES = {
    "ternary_expression": "the ternary operator",
    "null_coalesce_expression": "the operator ??",
    "pipeline_chain_tail": "&& or ||",
    "class_statement": "a class",
    "enum_statement": "an enum",
    "using_statement": "using",
    "invocation_foreach_expression": ".ForEach()",
    "invocation_where_expression": ".Where()",
    "data_statement": "a data section",
    "parallel_statement": "parallel",
    "inlinescript_statement": "inlinescript",
}
_NEWER_OPERATORS = {"-in", "-notin", "-shl", "-shr", "-cin", "-cnotin", "-iin", "-inotin", "??=", "?.", "?["}
_NEWER_TYPES = {"ordered", "pscustomobject", "nullstring", "tuple", "ciminstance", "cimsession"}
_NEWER_VARIABLES = {"$psscriptroot", "$pscommandpath", "$psitem", "$iswindows", "$islinux", "$iscoreclr"}
_NEWER_STATIC = {
    ("string", "isnullorwhitespace"),
    ("io.file", "readlines"),
    ("io.file", "appendalllines"),
    ("io.file", "readalltextasync"),
    ("io.directory", "enumeratefiles"),
    ("io.directory", "enumeratedirectories"),
    ("version", "tryparse"),
    ("guid", "parse"),
    ("guid", "tryparse"),
    ("enum", "tryparse"),
    ("environment", "is64bitprocess"),
    ("environment", "is64bitoperatingsystem"),
}
_NEWER_METHODS = {"copyto", "hasflag"}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that Windows PowerShell 2.0 does not have, or that the payload rules forbid."""

    line: int
    what: str


@cache
def commands() -> dict[str, tuple[str, frozenset[str]]]:
    """Small name to true name and small parameter names."""
    table = json.loads(TABLE.read_text(encoding="ascii"))
    return {name.lower(): (name, frozenset(one.lower() for one in given)) for name, given in table.items()}


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_pwsh.language()))


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8")


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def check(text: str) -> list[Finding]:
    """All findings of one script, in order."""
    root = _parser().parse(text.encode("utf-8")).root_node
    local = {_text(one).lower() for node in _walk(root) if node.type == "function_statement"
             for one in node.children if one.type == "function_name"}  # fmt: skip
    local = {name.rpartition(":")[2] for name in local}
    found = {finding for node in _walk(root) for finding in _of_node(node, local)}
    return sorted(found)


def _of_node(node: Node, local: set[str]) -> Iterator[Finding]:
    line = node.start_point[0] + 1
    what = _syntax(node) or _word(node) or _statement(node)
    if what:
        yield Finding(line, what)
    elif node.type in ("invocation_expression", "member_access"):
        yield from _of_member(node, line)
    elif node.type == "command":
        yield from _of_command(node, line, local)


def _syntax(node: Node) -> str | None:
    return "a syntax error" if node.is_error or node.is_missing else _NEWER_NODES.get(node.type)


def _word(node: Node) -> str | None:
    """Operators, types, variables and redirections by their text."""
    small = _text(node).lower() if node.end_byte - node.start_byte < 100 else ""
    if small in _NEWER_OPERATORS and (node.type == "comparison_operator" or not node.is_named):
        return f"the operator {small}"
    if node.type == "type_literal" and _type_name(small) in _NEWER_TYPES:
        return f"the type {small}"
    if node.type == "variable" and small in _NEWER_VARIABLES:
        return f"the variable {small}"
    redirects = node.type == "file_redirection_operator" and re.match(r"[3-6*]", small)
    merges = node.type == "merging_redirection_operator" and not small.startswith("2>")
    return f"the redirection {small}" if redirects or merges else None


def _statement(node: Node) -> str | None:
    """What the grammar lets pass and the language does not."""
    text = _text(node)
    if node.type == "attribute_argument" and re.fullmatch(r"\w+", text):
        return f"the attribute argument {text} without a value"
    if node.type == "argument_list" and ",," in text.replace(" ", ""):
        return "an empty element of a list"
    ends = {one.type for one in node.children}
    if node.type == "try_statement" and not ends & {"catch_clauses", "finally_clause"}:
        return "try without catch and finally"
    return None


def _type_name(literal: str) -> str:
    return literal.strip("[] ").removeprefix("system.").partition("[")[0]


def _of_member(node: Node, line: int) -> Iterator[Finding]:
    kind = next((one for one in node.children if one.type == "type_literal"), None)
    name = next((_text(one).lower() for one in node.children if one.type == "member_name"), "")
    if kind is not None:
        owner = _type_name(_text(kind).lower())
        if name == "new":
            yield Finding(line, "::new()")
        if (owner, name) in _NEWER_STATIC:
            yield Finding(line, f"[{owner}]::{name}, newer than .NET 2.0")
    elif name in _NEWER_METHODS:
        yield Finding(line, f".{name}(), newer than .NET 2.0")


def _of_command(node: Node, line: int, local: set[str]) -> Iterator[Finding]:
    name = next((_text(one) for one in node.children if one.type == "command_name"), None)
    if name is None:
        if not any(one.type == "command_invocation_operator" for one in node.children):
            yield Finding(line, "a command whose name is not written out")
        return
    if name.lower() in local or name.lower().endswith(".exe"):
        return
    known = commands().get(name.lower())
    if known is None:
        yield Finding(line, f"the command {name}")
        return
    elements = [one for part in node.children if part.type == "command_elements" for one in part.children]
    given = [one for one in elements if one.type == "command_parameter"]
    for one in given:
        parameter = _text(one).lstrip("-").rstrip(":").lower()
        matching = {full for full in known[1] if full.startswith(parameter)}
        if not matching:
            yield Finding(one.start_point[0] + 1, f"the parameter -{parameter} of {known[0]}")
    if known[0] in ("Where-Object", "ForEach-Object") and any(one.type == "generic_token" for one in elements):
        yield Finding(line, f"{known[0]} without a script block")
