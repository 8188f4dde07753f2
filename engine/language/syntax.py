"""Text of an expression to a parse tree that holds only what the language allows.

Jinja2's parser inside its immutable sandbox reads the text; an allow-list of nodes, filters and tests decides what may
stay. Nothing is ever compiled to code: ``evaluate`` walks the tree.
"""

from dataclasses import dataclass
from functools import lru_cache

from jinja2 import TemplateSyntaxError, nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.language.nearest import did_you_mean

MAX_CHARACTERS = 2000
MAX_DEPTH = 40

NAMESPACES = ("params", "host", "facts", "steps", "run", "result")
FILTERS: dict[str, tuple[int, int]] = {  # name: fewest and most arguments
    "length": (0, 0), "lower": (0, 0), "upper": (0, 0), "trim": (0, 0), "join": (0, 1), "min": (0, 0), "max": (0, 0),
    "sum": (0, 0), "sort": (0, 0), "unique": (0, 0), "first": (0, 0), "last": (0, 0), "map": (0, 0), "select": (1, 2),
    "reject": (1, 2), "selectattr": (2, 3), "rejectattr": (2, 3), "replace": (2, 2), "int": (0, 0), "string": (0, 0),
    "list": (0, 0),
}  # fmt: skip
TESTS: dict[str, int] = {  # name: number of arguments
    "older_than": 1, "newer_than": 1, "at_least_version": 1, "none": 0, "equalto": 1, "in": 1,
    "startingwith": 1, "endingwith": 1,
}  # fmt: skip

_ALLOWED = (
    nodes.Name, nodes.Const, nodes.List, nodes.Getattr, nodes.Getitem, nodes.Compare, nodes.Operand, nodes.And,
    nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Neg, nodes.Concat, nodes.CondExpr, nodes.Filter, nodes.Test,
    nodes.Keyword, nodes.Tuple,
)  # fmt: skip
_WORDS: dict[type[nodes.Node], str] = {
    nodes.Mul: "the operator *", nodes.Div: "the operator /", nodes.FloorDiv: "the operator //",
    nodes.Mod: "the operator %", nodes.Pow: "the operator **", nodes.Call: "a call", nodes.Dict: "a mapping",
    nodes.Slice: "a slice", nodes.Pos: "a leading +",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is no expression: the finding's code, sentence, hint, and which part of the text is meant."""

    code: str
    message: str
    hint: str | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """A checked expression and the dotted paths it reads."""

    node: nodes.Expr
    names: tuple[tuple[str, ...], ...]


_READER = ImmutableSandboxedEnvironment(autoescape=False)
_READER.globals.clear()


@lru_cache(maxsize=4096)
def parse(text: str) -> "Tree | Fault":
    """The tree of an expression, or what is wrong with it."""
    if len(text) > MAX_CHARACTERS:
        return Fault(
            "E306", f"the expression is longer than {MAX_CHARACTERS} characters", "split it over several steps"
        )
    if not text.strip():
        return Fault("E301", "the expression is empty", "write a condition such as steps.check.changed")
    if "{{" in text or "{%" in text:
        return Fault("E301", "an expression is written without braces here", "leave {{ and }} out", part="{")
    try:
        parser = Parser(_READER, text.strip(), state="variable")
        node = parser.parse_expression()
        if not parser.stream.eos:
            rest = str(parser.stream.current.value)
            return Fault("E301", f'"{rest}" is not expected here', _syntax_hint(text, rest), part=rest)
    except TemplateSyntaxError as error:
        return Fault("E301", f"this is not an expression: {_plain(error.message)}", _syntax_hint(text, ""))
    except (RecursionError, ValueError, OverflowError, MemoryError):
        return Fault("E306", "the expression is nested too deeply", "split it over several steps")
    fault = _check(node, 1)
    return fault or Tree(node, tuple(sorted(set(_paths(node)))))


def _plain(message: str | None) -> str:
    text = (message or "unreadable").rstrip(".")
    return text.replace("end of template", "the end").replace("end of print statement", "the end")


def _syntax_hint(text: str, rest: str) -> str | None:
    if any(quote in text for quote in "\u201c\u201d\u201e\u2018\u2019"):
        return "write straight quotes, as a text editor for programs does"
    if text.count('"') % 2 or text.count("'") % 2:
        return "a quote is not closed"
    if rest == "=" or " = " in text:
        return "equality is written =="
    if "&&" in text or "||" in text or "!" in text.replace("!=", ""):
        return "write and, or, not"
    return None


def _check(node: nodes.Node, depth: int) -> Fault | None:
    if depth > MAX_DEPTH:
        return Fault("E306", "the expression is nested too deeply", "split it over several steps")
    fault = _check_one(node)
    if fault is not None:
        return fault
    for child in node.iter_child_nodes():
        fault = _check(child, depth + 1)
        if fault is not None:
            return fault
    return None


def _check_one(node: nodes.Node) -> Fault | None:
    if not isinstance(node, _ALLOWED):
        what = _WORDS.get(type(node), f"this ({type(node).__name__.lower()})")
        hint = "only + and - are allowed: give the value itself" if isinstance(node, nodes.BinExpr) else None
        if isinstance(node, nodes.Call):
            hint = "defaults belong in params; compare a step's skipped first"
        return Fault("E302", f"{what} is not allowed in an expression", hint)
    if isinstance(node, nodes.Const) and isinstance(node.value, int) and abs(node.value) >= 2**63:
        return Fault("E302", "the number is too large", None)
    if isinstance(node, nodes.Name) and node.name not in NAMESPACES:
        return _unknown_name(node.name)
    if isinstance(node, nodes.Filter):
        return _check_filter(node)
    if isinstance(node, nodes.Test):
        return _check_test(node.name, len(node.args), bool(node.kwargs or node.dyn_args or node.dyn_kwargs))
    return None


def _unknown_name(name: str) -> Fault:
    hint = did_you_mean(name, NAMESPACES) or ""
    return Fault("R401", f'"{name}" is not a name an expression can read', f"{hint}; text needs quotes", part=name)


def _check_filter(node: nodes.Filter) -> Fault | None:
    name = node.name
    if node.node is None or name not in FILTERS:
        hint = "an input's default belongs in params" if name == "default" else did_you_mean(name, FILTERS, show=20)
        return Fault("E303", f'the filter "{name}" does not exist', hint, part=name)
    fewest, most = FILTERS[name]
    keywords = {one.key for one in node.kwargs}
    wanted = {"attribute"} if name == "map" else set()
    if node.dyn_args or node.dyn_kwargs or keywords != wanted or not fewest <= len(node.args) <= most:
        return Fault("E303", f'the filter "{name}" does not take these arguments', _usage(name), part=name)
    if name in ("select", "reject", "selectattr", "rejectattr"):
        return _check_chosen_test(node)
    if name == "map" and not _is_text(node.kwargs[0].value):
        return Fault("E303", 'the filter "map" does not take these arguments', _usage(name), part=name)
    return None


def _check_chosen_test(node: nodes.Filter) -> Fault | None:
    first = 1 if node.name.endswith("attr") else 0
    if not all(_is_text(one) for one in node.args[: first + 1]):
        return Fault(
            "E303", f'the filter "{node.name}" does not take these arguments', _usage(node.name), part=node.name
        )
    test = node.args[first]
    return _check_test(test.value if isinstance(test, nodes.Const) else "", len(node.args) - first - 1, keywords=False)


def _is_text(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str)


def _usage(name: str) -> str | None:
    return {
        "map": "write map(attribute='name')",
        "select": "write select('startingwith', 'SM')",
        "reject": "write reject('startingwith', 'SM')",
        "selectattr": "write selectattr('state', 'equalto', 'Stopped')",
        "rejectattr": "write rejectattr('state', 'equalto', 'Stopped')",
        "join": "write join(', ')",
        "replace": "write replace('old', 'new')",
    }.get(name)


def _check_test(name: str, arguments: int, keywords: bool) -> Fault | None:  # noqa: FBT001 - internal
    if name in ("defined", "undefined"):
        hint = "every name is checked before the run; of a step that may be skipped ask steps.ID.skipped"
        return Fault("E303", f'the test "{name}" is not part of the language', hint, part=name)
    if name not in TESTS:
        return Fault("E303", f'the test "{name}" does not exist', did_you_mean(name, TESTS), part=name)
    if keywords or arguments != TESTS[name]:
        needs = "no argument" if TESTS[name] == 0 else "one argument"
        return Fault(
            "E303", f'the test "{name}" takes {needs}', f'write is {name}("7.5")' if TESTS[name] else None, part=name
        )
    return None


def path_of(node: nodes.Node) -> tuple[str, ...] | None:
    """The dotted path if the node is nothing but names: ``steps.ask.answer`` or ``host.vars["site"]``."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        before = path_of(node.node)
        return None if before is None else (*before, node.attr)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        before = path_of(node.node)
        return None if before is None else (*before, node.arg.value)
    return None


def _paths(node: nodes.Node) -> list[tuple[str, ...]]:
    whole = path_of(node)
    if whole is not None:
        return [whole]
    found: list[tuple[str, ...]] = []
    for child in node.iter_child_nodes():
        found.extend(_paths(child))
    return found
