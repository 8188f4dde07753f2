"""Secrets as a type: stars in every print, no JSON, no pickling, opened in one place."""

from dataclasses import dataclass, field
from typing import NoReturn, final

from engine.model.origin import Origin

STARS = "********"


@final
class Secret:
    """A value that does not show itself. Only connections and the masking registry call ``reveal``."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The value itself."""
        return self.__value

    def __repr__(self) -> str:
        return STARS

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return STARS

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.__value == other.reveal()

    def __hash__(self) -> int:
        return hash(("Secret", self.__value))


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret comes from: ``env:NAME``, ``file:PATH``, ``prompt:LABEL``, ``keyring:SERVICE/NAME``."""

    scheme: str
    name: str
    origin: Origin | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}"
