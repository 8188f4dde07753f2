"""Documents that are right: the runbook with every key, the shipped schemas, the start-up promise of the reader."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.language.load import load_baseline, load_document, load_inventory, load_runbook, load_scenario
from engine.language.located import split_lines
from engine.language.yamltext import read_yaml
from engine.model.expression import Template
from engine.model.packaged import root
from engine.model.status import Effect

WHOLE = Path(__file__).parents[2] / "cases" / "language" / "valid" / "whole.runbook.yaml"


def test_a_runbook_with_every_key_is_built() -> None:
    spec, findings = load_runbook(WHOLE.read_bytes(), "whole.yaml")
    assert findings == ()
    assert spec is not None
    assert spec.purpose == "To hold every key once."
    assert spec.params["password"].secret
    assert not spec.params["password"].has_default
    assert spec.params["limit_ms"].schema == {"type": "integer", "minimum": 30001}
    assert (spec.targets["server"].exactly, spec.targets["all_of_them"].at_least) == (1, 2)
    look, ending = spec.steps
    assert look.effect is Effect.PERMANENT
    assert [str(one) for one in look.requires] == ["approval(operator)", "baseline-unchanged(estate)"]
    assert look.requires[1].max_age_s == 5400
    assert look.retry is not None
    assert (look.retry.attempts, look.retry.delay_s, look.retry.backoff, look.retry.max_delay_s) == (3, 1, 1.5, 60)
    assert look.wait is not None
    assert (look.wait.every_s, look.wait.timeout_s, look.timeout_s) == (2, 5400, 0.25)
    assert look.wait.until.names == (("result", "state"),)
    assert (ending.hosts, ending.on_failure, ending.retry and ending.retry.attempts) == ((), "abort", 2)


def test_arguments_keep_templates_and_places() -> None:
    spec, _ = load_runbook(WHOLE.read_bytes(), "whole.yaml")
    assert spec is not None
    step = spec.steps[0]
    nested = step.args["nested"]["list"]  # type: ignore[index,call-overload]
    assert nested[0] == 1
    assert isinstance(nested[1], Template)
    assert nested[2]["deep"].names == (("host", "name"),)
    lines = split_lines(WHOLE.read_text(encoding="utf-8"))
    for path, text in (("name", "OMCFG"), ("name:", "name:"), ("nested.list.2.deep", "a {{"), ("script", "first line")):
        place = step.arg_origins[path]
        assert lines[place.line - 1][place.column - 1 :].startswith(text), path


def test_comments_do_not_change_the_digest_but_content_does() -> None:
    text = WHOLE.read_text(encoding="utf-8")
    first, _ = load_runbook(text, "a")
    second, _ = load_runbook(f"# more\n{text}", "b")
    third, _ = load_runbook(text.replace("OMCFG", "OMSDK"), "a")
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.digest == second.digest != third.digest


def test_all_mistakes_are_told_at_once_in_the_order_of_the_text() -> None:
    text = WHOLE.read_text(encoding="utf-8").replace("hosts: [server", "hots: [server").replace("250ms", "soon")
    spec, findings = load_runbook(text, "x")
    assert spec is None
    assert [one.code for one in findings] == ["S201", "S209"]
    assert findings[0].hint == 'did you mean "hosts"?'


@pytest.mark.parametrize("path", sorted(root("schemas").glob("*.schema.json")), ids=lambda path: path.name)
def test_packaged_schemas_are_valid_and_speak(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(path.name)
    assert schema["title"]
    assert schema["description"]


def test_baseline_and_scenario() -> None:
    good = 'hosts:\n  SM01: {role: management-server, versions: {binaries: "7.5.1561.0", databases: {A: unknown}}}\n'
    document, findings = load_baseline(good, "b.yaml")
    assert findings == ()
    assert document is not None
    assert document.origin("hosts", "SM01", "role").line == 2
    _, findings = load_baseline(good.replace('"7.5.1561.0"', "7.5"), "b.yaml")
    assert [(one.code, one.hint) for one in findings] == [("S203", "put the value in quotes")] or findings[
        0
    ].code == "S207"
    scenario = "schema: scenario/v1\nname: a\ntitle: A\nrunbook: x.yaml\nexpect: {status: done}\n"
    document, findings = load_scenario(scenario, "s.yaml")
    assert document is not None
    assert findings == ()


def test_bytes_that_are_not_utf8_are_a_finding_with_their_place() -> None:
    _, findings = load_runbook("name: ä".encode("cp1252"), "x")
    assert [str(one) for one in findings] == ["x:1:7: error Y110: the file is not UTF-8"]
    _, findings = load_runbook("name: a".encode("utf-16"), "x")
    assert "UTF-16" in findings[0].message


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    for text in ("\ufeffa: 1", "\ufeffa: 1".encode()):
        located, findings = read_yaml(text, "x")
        assert findings == ()
        assert located is not None
        assert located.value == {"a": 1}
        assert located.keys[("a",)].column == 1


def test_yaml_12_scalars() -> None:
    located, _ = read_yaml(
        "[yes, no, on, 1_000, 12:30, 2013-02-02, 1.0.0, ~, true, 0o17, 0x1F, -3, 1.5e3, '017', ]", "x"
    )
    assert located is not None
    assert located.value == [
        "yes", "no", "on", "1_000", "12:30", "2013-02-02", "1.0.0", None, True, 15, 31, -3, 1500.0, "017",
    ]  # fmt: skip


def test_aliases_are_followed_up_to_a_limit() -> None:
    located, findings = read_yaml("a: &x [1, 2]\nb: *x\n", "x")
    assert findings == ()
    assert located is not None
    assert located.value == {"a": [1, 2], "b": [1, 2]}
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(9)
    )
    _, findings = read_yaml(bomb, "x")
    assert [one.code for one in findings] == ["Y104"]


yamlish = st.text(st.sampled_from("abc:-{}[]\"'|>&*!#%@`\n\t ,?0179.~<\x00\x85\u2028\ud800é"), max_size=60)


@given(text=yamlish | st.text(max_size=60) | st.binary(max_size=60))
def test_no_text_breaks_the_reader_and_places_are_real(text: str | bytes) -> None:
    for kind in ("runbook", "inventory"):
        loaded = load_inventory(text, "f") if kind == "inventory" else load_document(kind, text, "f")
        decoded = text if isinstance(text, str) else text.decode("utf-8-sig", "replace")
        count = len(split_lines(decoded))
        for one in loaded[1]:
            assert one.origin is not None
            assert 1 <= one.origin.line <= count
            assert one.origin.column >= 1


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(value=st.dictionaries(st.text("abcxyz", min_size=1), plain, min_size=1, max_size=5))
def test_json_is_read_as_what_it_is_and_every_part_has_its_place(value: dict[str, object]) -> None:
    text = json.dumps(value, indent=1)
    located, findings = read_yaml(text, "f")
    assert findings == ()
    assert located is not None
    assert located.value == value
    lines = split_lines(text)
    for path, place in located.keys.items():
        assert lines[place.line - 1][place.column - 1 :].startswith(json.dumps(path[-1]))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("x: {description: d, type: array, default: [1], items: {type: strng}}", "S204"),
        ("x: {description: d, type: object, default: {a: b}, properties: {a: {pattern: '('}}}", "S205"),
        ("x: {description: d, type: array, default: [1], items: {type: string}}", "S210"),
        ("x: {description: d, type: array, default: [1], items: {$ref: '#/nowhere'}}", "S201"),
        ("x: {description: d, secret: true, default: hunter2}", "S211"),
        ("x-y: {description: d}", "S205"),
    ],
)
def test_a_parameter_that_declares_nonsense_is_refused(line: str, code: str) -> None:
    text = WHOLE.read_text(encoding="utf-8").replace("params:\n", f"params:\n  {line}\n")
    _, findings = load_runbook(text, "x")
    assert [one.code for one in findings] == [code]
    assert "hunter2" not in repr(findings)
