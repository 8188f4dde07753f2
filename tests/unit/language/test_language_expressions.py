"""Expressions: values, refusals, secrets, and that nothing gets out of the sandbox."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.evaluate import value_of
from engine.language.expression import (
    ExpressionFailed,
    evaluate,
    evaluate_condition,
    parse_expression,
    parse_template,
    render,
)
from engine.language.syntax import MAX_CHARACTERS, NAMESPACES, Fault, parse
from engine.model.diagnostic import Diagnostic
from engine.model.expression import Expression, Template
from engine.model.origin import Origin
from engine.model.secret import Secret

AT = Origin("f.yaml", 3, 11)
SPACES = {
    "params": {"n": 5, "name": "OMCFG", "none": None, "secret": Secret("hunter2"), "items": [3, 1, 2]},
    "host": {"name": "SM01", "groups": ["servers"], "vars": {"site": "north"}},
    "facts": {"build": "7.5.1561.0"},
    "steps": {
        "a": {"status": "ok", "changed": True, "skipped": False, "found": True, "hosts": {"SM01": {"changed": True}}},
        "b": {"status": "skipped", "changed": False, "skipped": True, "hosts": {}},
        "many": {"hosts": {"SM01": {"changed": True}, "SM02": {"changed": False}}},
        "list": {"services": [{"name": "A", "state": "Stopped"}, {"name": "B", "state": "Running"}]},
    },
    "run": {"id": "r1", "check": False},
}


def value(text: str) -> object:
    found = parse_expression(text, AT)
    assert isinstance(found, Expression), found
    return evaluate(found, SPACES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("params.n + 1 - 3", 3),
        ("-params.n", -5),
        ("1 < params.n <= 5", True),
        ("params.name == 'OMCFG' and not run.check", True),
        ("'MC' in params.name", True),
        ("'servers' in host.groups", True),
        ("'x' not in host.groups", True),
        ("facts.build is older_than('7.5.7487.0')", True),
        ("facts.build is older_than('7.5.1561')", False),
        ("facts.build is at_least_version('7.5.1561')", True),
        ("'7.10' is newer_than('7.9.9')", True),
        ("'a' ~ params.n ~ run.check", "a5false"),
        ("'yes' if steps.a.changed else 'no'", "yes"),
        ("steps.b.skipped or steps.b.found", True),
        ("steps.many.hosts['SM02'].changed", False),
        ("steps.many.hosts[host.name].changed", True),
        ("params.items | sort", [1, 2, 3]),
        ("params.items | max", 3),
        ("params.items | sum", 6),
        ("params.items[0]", 3),
        ("steps.list.services | selectattr('state', 'equalto', 'Stopped') | map(attribute='name') | join(', ')", "A"),
        ("steps.list.services | rejectattr('state', 'in', ['Stopped']) | length", 1),
        ("params.none is none", True),
        ("params.none == 5", False),
        ("params.items", [3, 1, 2]),
        ("' x ' | trim | upper | replace('X', 'yy')", "yy"),
        ("'12' | int + 1", 13),
        ("[1, 2] + [3]", [1, 2, 3]),
    ],
)
def test_values(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps.b.found", "was skipped"),
        ("steps.many.changed", "several hosts"),
        ("params.missing", 'has no "missing"'),
        ("params.n.x", "is a number"),
        ("steps.zzz.x", 'steps has no "zzz"'),
        ("result.x", "cannot be read here"),
        ("params.n == '5'", "never be equal"),
        ("params.name < 3", "no order"),
        ("params.n and true", "not true or false"),
        ("not params.items", "not true or false"),
        ("'x' is older_than('7')", "not a version"),
        ("params.items ~ 'x'", "a list cannot become part of a text"),
        ("params.none ~ 'x'", "nothing (null)"),
        ("params.secret == 'x'", "a secret"),
        ("'p' ~ params.secret", "a secret"),
        ("[params.secret] | join", "a secret"),
        ("'x' if params.n == 4", "no else"),
        ("params.items[9]", "3 items"),
        ("[] | first", "at least one item"),
        ("params.items | map(attribute='x') | list", 'has no "x"'),
    ],
)
def test_failures_are_sentences(text: str, words: str) -> None:
    with pytest.raises(ExpressionFailed) as caught:
        value(text)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "params.name.__class__",
        "().__class__.__bases__",
        "''.format",
        "steps.items",
        "host.vars.keys",
        "params['__init__']",
        "run.__globals__",
    ],
)
def test_no_way_out_of_the_data(text: str) -> None:
    found = parse_expression(text, AT)
    if isinstance(found, Expression):
        with pytest.raises(ExpressionFailed):
            evaluate(found, SPACES)


@pytest.mark.parametrize(
    "text",
    [
        "'a' * 9",
        "2 ** 9",
        "x()",
        "steps.a()",
        "{}",
        "params.items[1:]",
        "7 / 2",
        "cycler",
        "range(9)",
        "a if",
        "params | attr('x')",
    ],
)
def test_refused_when_read(text: str) -> None:
    assert isinstance(parse_expression(text, AT), Diagnostic)


def test_a_condition_must_be_boolean() -> None:
    found = parse_expression("params.n", AT)
    assert isinstance(found, Expression)
    with pytest.raises(ExpressionFailed, match="not true or false"):
        evaluate_condition(found, SPACES)


def test_a_lone_template_keeps_the_type_and_a_text_does_not() -> None:
    tree = {"n": template("{{ params.n }}"), "t": (template("n={{ params.n }} {{ '}}' }}"),), "plain": "{x}", "s": 1}
    assert render(tree, SPACES) == {"n": 5, "t": ["n=5 }}"], "plain": "{x}", "s": 1}


def template(text: str) -> Template:
    found = parse_template(text, AT)
    assert isinstance(found, Template), found
    return found


def test_a_secret_passes_alone_and_never_in_a_text() -> None:
    assert render(template("{{ params.secret }}"), SPACES) == Secret("hunter2")
    with pytest.raises(ExpressionFailed, match="secret"):
        render(template("pw={{ params.secret }}"), SPACES)


def test_what_a_host_says_is_never_rendered() -> None:
    spaces = {**SPACES, "facts": {"build": "{{ params.secret }}"}}
    assert render(template("{{ facts.build }}"), spaces) == "{{ params.secret }}"
    assert render(template("b {{ facts.build }}"), spaces) == "b {{ params.secret }}"


def test_the_names_read_are_known() -> None:
    found = parse_expression("steps.a.found and params['n'] > 1 or 'x' in host.groups", AT)
    assert isinstance(found, Expression)
    assert found.names == (("host", "groups"), ("params", "n"), ("steps", "a", "found"))


def test_findings_mark_the_part_that_is_meant() -> None:
    found = parse_template("one {{ params.n }} two {{ parms.n }}", AT)
    assert isinstance(found, Diagnostic)
    assert (found.origin, found.mark) == (Origin("f.yaml", 3, 11 + 26), len("parms"))


def test_long_and_deep_expressions_are_refused() -> None:
    for text in ("(" * 900 + "1" + ")" * 900, "not " * 300 + "true", "1" * (MAX_CHARACTERS + 1)):
        found = parse_expression(text, AT)
        assert isinstance(found, Diagnostic)


words = st.sampled_from(
    [*NAMESPACES, "a", "b", ".", ".", "[", "]", "(", ")", "|", " is ", " and ", " not ", "==", "<", "+", "-", "~",
     "'x'", "5", " in ", " if ", " else ", "length", "first", "map(attribute='x')", "items", "__class__", "n",
     "name", ",", "none", "true", "\\", "{{", "*"]
)  # fmt: skip


@given(text=st.lists(words, max_size=14).map("".join) | st.text(max_size=30))
def test_any_text_gives_plain_data_a_finding_or_a_failure(text: str) -> None:
    found = parse_expression(text, AT)
    if isinstance(found, Diagnostic):
        return
    try:
        result = value_of(text, SPACES)
    except ExpressionFailed:
        return
    assert result is None or isinstance(result, (bool, int, float, str, list, tuple, dict, Secret))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("params.x == \u201ca\u201d", "write straight quotes"),
        ('params.x == "a', "a quote is not closed"),
        ("params.x * 2 == 4", "only + and - are allowed"),
    ],
)
def test_a_slip_in_an_expression_has_a_cure(text: str, hint: str) -> None:
    fault = parse(text)
    assert isinstance(fault, Fault)
    assert hint in (fault.hint or "")
