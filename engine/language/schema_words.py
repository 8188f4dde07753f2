"""One plain sentence for each way a value can miss its schema."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.language.nearest import did_you_mean, nearest

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What to say about one mistake. ``key`` is the key inside the value that is meant; ``at_key`` says that the key
    leading to the value is meant rather than the value.
    """

    code: str
    message: str
    hint: str | None = None
    key: str | None = None
    at_key: bool = False
    value: Any = None


def words_for(error: "ValidationError") -> tuple[Words, ...]:
    """The sentences for one error; several where one keyword reports several keys."""
    speak = _SPEAKERS.get(str(error.validator), _other)
    return speak(error)


def _name(error: "ValidationError") -> str:
    path = list(error.absolute_path)
    if not path:
        return "the document"
    if isinstance(path[-1], int):
        lists = [one for one in path if isinstance(one, str)]
        return f'item {path[-1] + 1} of "{lists[-1]}"' if lists else f"item {path[-1] + 1}"
    return f'"{_short(path[-1])}"'


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _quoted(value: Any) -> str:
    return f'"{_short(value)}"' if isinstance(value, str) else _short(value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    for types, word in (((int, float), "a number"), (str, "text"), (list, "a list"), (Mapping, "a mapping")):
        if isinstance(value, types):
            return word
    return "nothing"


def _example(error: "ValidationError") -> str | None:
    examples = error.schema.get("examples") if isinstance(error.schema, Mapping) else None
    return f"for example {_plain(examples[0])}" if examples else None


def _plain(value: Any) -> str:
    import json  # noqa: PLC0415 - for findings only

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _unknown_keys(error: "ValidationError") -> tuple[Words, ...]:
    schema: Any = error.schema
    known = list(schema.get("properties", {}))
    instance: Any = error.instance
    found = [key for key in instance if key not in known]
    title = schema.get("title")
    where = f"a {title.lower()}" if title and error.absolute_path else _name(error)
    if not error.absolute_path and title:
        where = f"a {title.lower()} document"
    return tuple(
        Words(
            code="S201",
            message=f'"{_short(key)}" is not a key of {where}',
            hint=did_you_mean(key, [one for one in known if one not in instance], show=30)
            or did_you_mean(key, known, show=30),
            key=key,
        )
        for key in found
    )


def _missing(error: "ValidationError") -> tuple[Words, ...]:
    wanted: Any = error.validator_value
    missing = next((key for key in wanted if f"'{key}' is a required" in error.message), None)
    if missing is None:  # pragma: no cover - the library always names the key
        return _other(error)
    properties: Any = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
    inner = properties.get(missing, {})
    description = inner.get("description") if isinstance(inner, Mapping) else None
    instance: Any = error.instance
    near = nearest(missing, [key for key in dict(instance) if key not in properties])
    hint = f'did you mean to write "{missing}" instead of "{near}"?' if near else description
    return (Words(code="S202", message=f'the key "{missing}" is missing in {_name(error)}', hint=hint, at_key=True),)


def _wrong_type(error: "ValidationError") -> tuple[Words, ...]:
    wanted: Any = error.validator_value
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    message = f"{_name(error)} must be {' or '.join(_KINDS[one] for one in kinds if one != 'null')}"
    hint = _example(error)
    if kinds == ["string"] and isinstance(error.instance, (bool, int, float)):
        hint = "put the value in quotes"
    if "boolean" in kinds and error.instance in ("yes", "no", "on", "off"):
        hint = "yes, no, on and off are text; write true or false"
    elif (
        {"integer", "number"} & set(kinds) and isinstance(error.instance, str) and error.instance.lstrip("-").isdigit()
    ):
        hint = "leave the quotes out"
    found = f"{message}, not {_kind(error.instance)}"
    return (Words(code="S203", message=found, hint=hint, value=error.instance, at_key=error.instance is None),)


def _not_listed(error: "ValidationError") -> tuple[Words, ...]:
    options = [str(one) for one in error.validator_value] if isinstance(error.validator_value, list) else []
    message = f"{_name(error)} cannot be {_quoted(error.instance)}"
    hint = did_you_mean(str(error.instance), options, show=30) if isinstance(error.instance, str) else None
    return (Words(code="S204", message=message, hint=hint or f"one of: {', '.join(options)}", value=error.instance),)


def _not_constant(error: "ValidationError") -> tuple[Words, ...]:
    message = f"{_name(error)} must be {_quoted(error.validator_value)}"
    code = "S208" if list(error.absolute_path) == ["schema"] else "S204"
    return (Words(code=code, message=message, value=error.instance),)


def _wrong_form(error: "ValidationError") -> tuple[Words, ...]:
    if "propertyNames" in list(error.absolute_schema_path)[-2:]:
        return _bad_key(error)
    description = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    hint = _example(error) or description or f"the form is {error.validator_value}"
    if str(error.validator_value).endswith(r"\([^()]+\)$"):
        hint = "write kind(subject), such as approval(operator)"
    message = f"{_name(error)} has not the right form: {_quoted(error.instance)}"
    return (Words(code="S205", message=message, hint=hint, value=error.instance),)


def _wrong_format(error: "ValidationError") -> tuple[Words, ...]:
    if error.validator_value == "duration":
        return (_no_duration(error),)
    message = f"{_name(error)} is not a regular expression: {_quoted(error.instance)}"
    return (Words(code="S205", message=message, value=error.instance),)


def _no_duration(error: "ValidationError") -> Words:
    message = f"{_name(error)} is not a duration: {_quoted(error.instance)}"
    return Words(
        code="S209", message=message, hint="write 30s, 5m, 2h, 1d or a number of seconds", value=error.instance
    )


_BOUNDS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} keys",
    "maxProperties": "must have at most {} keys",
}


def _out_of_bounds(error: "ValidationError") -> tuple[Words, ...]:
    bound: Any = error.validator_value
    if bound == 1 and error.validator in ("minLength", "minItems", "minProperties"):
        message = f"{_name(error)} is empty"
    else:
        message = f"{_name(error)} {_BOUNDS[str(error.validator)].format(bound)}"
        if isinstance(error.instance, (int, float)):
            message = f"{message}, not {error.instance}"
    return (Words(code="S206", message=message, hint=_example(error), value=error.instance),)


def _twice(error: "ValidationError") -> tuple[Words, ...]:
    return (Words(code="S206", message=f"{_name(error)} holds an item twice", hint="keep one of them"),)


def _bad_key(error: "ValidationError") -> tuple[Words, ...]:
    key = error.instance
    wanted: Any = error.validator_value
    message = f'the name "{_short(key)}" in {_name(error)} has not the right form'
    hint = (
        "lower case letters, digits and underscores, a letter first" if "_]" in str(wanted) else f"the form is {wanted}"
    )
    return (Words(code="S205", message=message, hint=hint, key=str(key)),)


def _choice(error: "ValidationError") -> tuple[Words, ...]:
    schema: Any = error.schema
    branches = error.validator_value if isinstance(error.validator_value, list) else []
    if any(isinstance(one, Mapping) and one.get("format") == "duration" for one in branches):
        return (_no_duration(error),)
    kinds = [one.get("type") for one in branches if isinstance(one, Mapping)]
    words = list(dict.fromkeys(_KINDS[one] for one in kinds if isinstance(one, str)))
    message = f"{_name(error)} must be {' or '.join(words)}, not {_kind(error.instance)}" if words else ""
    if not words or _kind(error.instance) in words:
        message = f"{_name(error)} fits none of the allowed forms: {_quoted(error.instance)}"
    hint = _example(error) or schema.get("description")
    return (Words(code="S207", message=message, hint=hint, value=error.instance),)


def _other(error: "ValidationError") -> tuple[Words, ...]:
    return (Words(code="S207", message=f"{_name(error)} is not allowed here", value=error.instance),)


_SPEAKERS: Mapping[str, Callable[["ValidationError"], tuple[Words, ...]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing,
    "type": _wrong_type,
    "enum": _not_listed,
    "const": _not_constant,
    "pattern": _wrong_form,
    "format": _wrong_format,
    "uniqueItems": _twice,
    "anyOf": _choice,
    "oneOf": _choice,
    **dict.fromkeys(_BOUNDS, _out_of_bounds),
}
