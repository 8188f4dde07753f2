"""Expressions checked before the run: every unknown name and every kind that cannot fit, and nothing that is right."""

import pytest

from engine.language.expression import parse_expression, parse_template
from engine.language.typecheck import Scope, check_condition, check_types, type_of
from engine.model.diagnostic import Diagnostic
from engine.model.origin import Origin

AT = Origin("f.yaml", 30, 11)


def closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


FLAG, TEXT, COUNT = {"type": "boolean"}, {"type": "string"}, {"type": "integer"}
SERVICES = {"type": "array", "items": closed(name=TEXT, state=TEXT)}
SCOPE = Scope(
    namespaces={  # type: ignore[arg-type]
        "params": closed(n=COUNT, name=TEXT, untyped={}),
        "host": closed(name=TEXT, groups={"type": "array", "items": TEXT}, vars={"type": "object"}),
        "facts": closed(build=TEXT),
        "steps": closed(
            ask=closed(answer={"type": "string", "enum": ["timed_out", "succeeded"]}, changed=FLAG, skipped=FLAG),
            check_backups=closed(all_restorable=FLAG, services=SERVICES, note={"type": ["string", "null"]}),
            many=closed(hosts={"type": "object", "additionalProperties": closed(changed=FLAG)}),
        ),
    },
    later={"reboot": Origin("f.yaml", 50, 9)},
    places={"ask": Origin("f.yaml", 10, 9), "check_backups": Origin("f.yaml", 18, 9)},
)


def findings(text: str) -> list[Diagnostic]:
    found = parse_expression(text, AT)
    assert not isinstance(found, Diagnostic), found
    return check_condition(found, SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        "steps.ask.answer == 'timed_out' and not steps.ask.skipped",
        "steps.check_backups.services | selectattr('state', 'equalto', 'Stopped') | length > 0",
        "(steps.check_backups.services | first).name == 'OMCFG'",
        "steps.check_backups.services[0].name == 'OMCFG'",
        "steps.many.hosts['SM01'].changed",
        "steps.many.hosts[host.name].changed",
        "steps.check_backups.note is none or steps.check_backups.note == 'x'",
        "facts.build is older_than('7.5.7487.0')",
        "host.vars.anything.at.all == 3",
        "'servers' in host.groups",
        "params.n + 1 > 3",
        "params.untyped",
        "params.untyped > 3",
        "params.name in ['a', 'b']",
        "(true if params.n > 1 else false)",
    ],
)
def test_what_is_right_passes(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize(
    ("text", "code", "offset", "hint"),
    [
        ("steps.chek_backups.all_restorable", "R402", 0, 'did you mean "check_backups" (line 18)?'),
        ("steps.reboot.changed", "R403", 0, "move it before this step; it is on line 50"),
        ("steps.ask.anser == 'x'", "R405", 0, 'did you mean "answer"?'),
        ("true and params.m == 1", "R401", 9, "known here: n, name, untyped"),
        ("facts.bild == 'x'", "R405", 0, 'did you mean "build"?'),
        ("run.check", "R401", 0, None),
        ("result.x", "R401", 0, "result is read in wait.until only"),
        ("steps.many.changed", "R405", 0, "known here: hosts"),
        ("steps.ask.answer", "E304", 0, 'compare it with a text, such as == "Running"'),
        ("not params.n", "E304", 4, "compare it with a number, such as > 0"),
        ("params.n == '5'", "E307", 0, "a number stands without quotes"),
        ("steps.ask.changed == 'true'", "E307", 0, "a boolean needs no comparison: write it alone or with not"),
        ("params.name < 3", "E307", 0, "compare versions with older_than"),
        ("steps.ask.answer == 'timedout'", "E308", 21, 'did you mean "timed_out"?'),
        ("params.n is older_than('7')", "E307", 0, None),
        ("params.n | lower == 'x'", "E307", 11, None),
        ("params.n - params.name > 1", "E307", 0, None),
        ("3 in params.name", "E307", 5, None),
        ("'a' in params.n", "E307", 7, None),
        ("params.n.x == 1", "R405", 0, None),
        ("steps.check_backups.services | map(attribute='sate') | first == 'x'", "R405", 0, None),
    ],
)
def test_what_is_wrong_is_told(text: str, code: str, offset: int, hint: str | None) -> None:
    (found,) = findings(text)
    assert found.code == code
    assert found.origin == Origin("f.yaml", 30, 11 + offset)
    if hint is not None:
        assert found.hint == hint
    assert found.mark >= 1


def test_each_expression_of_a_template_is_checked_at_its_place() -> None:
    found = parse_template("a {{ params.n }} b {{ params.m }} {{ host.groups }}", AT)
    assert not isinstance(found, Diagnostic)
    first, second = check_types(found, SCOPE)
    assert (first.code, first.origin) == ("R401", Origin("f.yaml", 30, 11 + 22))
    assert (second.code, second.message) == ("E307", "a list cannot become part of a text")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{{ params.n }}", COUNT),
        ("n{{ params.n }}", TEXT),
        ("{{ host.groups | length }}", COUNT),
        ("{{ params.untyped }}", {}),
    ],
)
def test_the_kind_of_a_template_is_known(text: str, kind: dict[str, object]) -> None:
    found = parse_template(text, AT)
    assert not isinstance(found, Diagnostic)
    assert type_of(found, SCOPE) == kind
