"""Plain data: the JSON value type, canonical text and digests."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

JsonValue: TypeAlias = "None | bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue]"
JsonMap: TypeAlias = Mapping[str, JsonValue]


def canonical_json(value: JsonValue) -> str:
    """One text for one value: sorted keys, no blanks, ASCII only; the text that digests are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: JsonValue) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal characters."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()


def text_digest(text: str) -> str:
    """SHA-256 of the UTF-8 text, as 64 hexadecimal characters."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
