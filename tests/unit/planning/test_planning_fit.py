"""Fitting a value to a schema: a full validator's answer for known values, the benefit of the doubt for the rest."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.model.data import digest
from engine.model.expression import Template
from engine.model.origin import Origin
from engine.planning.fit import is_known, keywords, misfits, shown
from engine.planning.plan_json import _argument_from, argument_to_json, frozen

HERE = Origin("r.yaml", 3, 5)
UNKNOWN = Template("{{ facts.x }}", HERE, (("facts", "x"),))

scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, 1.0, "", "a", "ab", "abc", "x"])
names = st.sampled_from(["a", "b", "ab"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
leaves = st.one_of(
    st.builds(lambda kind: {"type": kind}, st.sampled_from(["null", "boolean", "integer", "number", "string"])),
    st.builds(lambda kind: {"type": kind}, st.sampled_from([["string", "array"], ["integer", "null"], "object"])),
    st.builds(lambda options: {"enum": options}, st.lists(scalars, min_size=1, max_size=3)),
    st.builds(lambda value: {"const": value}, scalars),
    st.builds(
        lambda word, limit: {word: limit},
        st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]),
        st.integers(-3, 3),
    ),
    st.builds(
        lambda word, limit: {word: limit},
        st.sampled_from(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]),
        st.integers(0, 3),
    ),
    st.sampled_from([{"multipleOf": 2}, {"pattern": "^a"}, {"uniqueItems": True}, {"required": ["a"]}, True, False]),
    st.sampled_from([{"dependentRequired": {"a": ["b"]}}, {"propertyNames": {"pattern": "^a"}}]),
)


def wider(inner):
    pairs = st.dictionaries(names, inner, max_size=2)
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        st.builds(lambda one, other: {"properties": one, "additionalProperties": other}, pairs, inner),
        st.builds(lambda one: {"properties": one, "patternProperties": {"b$": False}}, pairs),
        st.builds(lambda one, other: {"prefixItems": one, "items": other}, several, inner),
        st.builds(lambda one: {"items": one}, inner),
        st.builds(lambda word, one: {word: one}, st.sampled_from(["anyOf", "allOf", "oneOf"]), several),
        st.builds(lambda one: {"not": one}, inner),
        st.builds(lambda a, b, c: {"if": a, "then": b, "else": c}, inner, inner, inner),
    )


schemas = st.recursive(leaves, wider, max_leaves=5)


@settings(max_examples=400, deadline=None)
@given(schemas, values)
def test_agrees_with_a_full_validator_on_known_values(schema, value):
    assert (not any(misfits(value, schema))) == Draft202012Validator(schema).is_valid(value)


def hidden(value, draw):
    if draw(st.integers(0, 3)) == 0:
        return UNKNOWN
    if isinstance(value, dict):
        return {key: hidden(item, draw) for key, item in value.items()}
    return [hidden(item, draw) for item in value] if isinstance(value, list) else value


@settings(max_examples=300, deadline=None)
@given(schemas, values, st.data())
def test_what_fits_still_fits_with_parts_unknown(schema, value, data):
    if Draft202012Validator(schema).is_valid(value):
        assert not list(misfits(hidden(value, data.draw), schema))


def test_findings_say_what_is_meant():
    schema = {
        "type": "object",
        "properties": {"state": {"enum": ["running", "stopped"]}},
        "additionalProperties": False,
    }
    (found,) = misfits({"state": "runing"}, schema)
    assert (found.place, found.hint) == ("state", 'did you mean "running"?')
    (found,) = misfits({"sate": "running"}, schema)
    assert (found.is_key, found.hint) == (True, 'did you mean "state"?')
    assert shown({"a": UNKNOWN}) == '{"a": "{{ facts.x }}"}'
    assert shown("x" * 90).endswith("...")
    assert not is_known([1, {"a": UNKNOWN}])
    assert "type" in keywords()


templates = st.builds(
    lambda text, line: Template(text, Origin("r.yaml", line, 1), (("facts", "x"),)), st.text(), st.integers(1, 9)
)
keys = st.text(max_size=4) | st.sampled_from(["$template", "$map", "names", "at", "file", "digest"])
arguments = st.recursive(
    scalars | st.text() | templates,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(arguments)
def test_arguments_come_back_exactly(value):
    assert _argument_from(json.loads(json.dumps(argument_to_json(value)))) == value


@given(st.dictionaries(st.text(max_size=3), values, max_size=5))
def test_a_digest_does_not_depend_on_the_order_of_keys(value):
    turned = dict(reversed(value.items()))
    assert digest(turned) == digest(value)


@pytest.mark.parametrize("value", [[1, [2]], {"a": [1]}, "x"])
def test_frozen_has_tuples_for_lists(value):
    assert json.loads(json.dumps(frozen(value))) == value


@pytest.mark.parametrize(
    ("value", "is_told"),
    [
        ('steps.console.answer == "connects"', True),
        ("not steps.a.skipped and params.b > 1", True),
        ("many", False),
        ("C:\\upsteps.txt", False),
        (5, False),
    ],
)
def test_an_expression_without_braces_is_told_of(value: object, is_told: bool) -> None:
    (found,) = misfits(value, {"type": "boolean"})
    assert (found.hint is not None and "braces" in found.hint) is is_told
