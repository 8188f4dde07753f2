"""A document against its JSON Schema: every mistake as a finding with its place, the user's own line and a remedy.

The schemas are the packaged ones; whether they themselves are valid is a test's business, not every run's. jsonschema
is imported on first use.
"""

import json
import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from engine.language.durations import parse_duration
from engine.language.located import Located, Path
from engine.language.schema_words import Words, words_for
from engine.model.data import JsonMap
from engine.model.diagnostic import Diagnostic, sort_key
from engine.model.packaged import schema_text

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

MOST_FINDINGS = 50


@cache
def packaged_schema(kind: str) -> JsonMap:
    """The packaged schema of a kind of document."""
    loaded: JsonMap = json.loads(schema_text(kind))
    return loaded


@cache
def _packaged_validator(kind: str) -> "Validator":
    return _validator(packaged_schema(kind))


def _validator(schema: JsonMap) -> "Validator":
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415 - costs 70 ms, so only when needed

    formats = FormatChecker(formats=())
    # Each text is judged by its own word: the draft's "duration" is ISO 8601, a runbook's is 30s.
    formats.checkers = {"duration": (_is_duration, ()), "regex": (_is_regex, ())}
    return Draft202012Validator(schema, format_checker=formats)


def _is_duration(value: object) -> bool:
    return not isinstance(value, str) or parse_duration(value) is not None


def _is_regex(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def check_document(kind: str, located: Located) -> tuple[Diagnostic, ...]:
    """What is wrong with the document by the packaged schema of its kind."""
    return _findings(_packaged_validator(kind).iter_errors(located.value), located)


def check_against(schema: JsonMap, located: Located) -> tuple[Diagnostic, ...]:
    """What is wrong with the document by a given schema."""
    return _findings(_validator(schema).iter_errors(located.value), located)


def mistakes(schema: JsonMap, value: Any) -> tuple[tuple[Path, Words], ...]:
    """What is wrong with a plain value: the path of each mistake, its sentence and hint."""
    found = _leaves(_validator(schema).iter_errors(value))
    return tuple((tuple(error.absolute_path), words) for error in found for words in words_for(error))


def _leaves(errors: "Iterable[ValidationError]") -> "list[ValidationError]":
    found: list[ValidationError] = []
    for error in errors:
        found.extend(_narrowed(error))
        if len(found) >= MOST_FINDINGS:
            break
    return found


def _narrowed(error: "ValidationError") -> "list[ValidationError]":
    """For a choice, the mistakes of the one branch that the user must have meant; else the error itself."""
    if error.validator not in ("anyOf", "oneOf") or not error.context:
        return [error]
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    fitting = [one for one in branches.values() if not any(_is_other_kind(inner) for inner in one)]
    if len(fitting) == 1:
        return _leaves(fitting[0])
    return [error]


def _is_other_kind(error: "ValidationError") -> bool:
    return error.validator in ("type", "const", "enum") and not error.relative_path


def _findings(errors: "Iterable[ValidationError]", located: Located) -> tuple[Diagnostic, ...]:
    found = [one for error in _leaves(errors) for one in _located(error, located)]
    return tuple(sorted(found, key=sort_key))


def _located(error: "ValidationError", located: Located) -> list[Diagnostic]:
    path: Path = tuple(error.absolute_path)
    return [_finding(words, path, located) for words in words_for(error)]


def _finding(words: Words, path: Path, located: Located) -> Diagnostic:
    if words.key is not None:
        origin, mark = located.key_at((*path, words.key)), len(words.key)
    elif words.at_key and path:
        origin, mark = located.key_at(path), len(str(path[-1])) if isinstance(path[-1], str) else 1
    else:
        origin = located.text_at(path)
        mark = _width(words.value)
    return located.error(words.code, words.message, origin, hint=words.hint, mark=mark)


def _width(value: Any) -> int:
    if isinstance(value, str):
        return len(value.split("\n", 1)[0])
    if isinstance(value, bool) or value is None:
        return len(str(value))
    return len(json.dumps(value)) if isinstance(value, (int, float)) else 1
