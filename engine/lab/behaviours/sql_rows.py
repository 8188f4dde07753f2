"""What a query answers: columns and rows."""

from dataclasses import dataclass

from engine.model.data import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Columns (name and type) and rows."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[JsonValue, ...], ...]
