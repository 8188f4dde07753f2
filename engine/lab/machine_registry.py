"""A Windows registry as state: keys and value names without case, typed values, 64-bit view."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

RegistryData: TypeAlias = int | str | bytes | tuple[str, ...]

KINDS = ("String", "ExpandString", "Binary", "DWord", "MultiString", "QWord")


@dataclass(frozen=True, slots=True)
class RegistryValue:
    """A value with its kind, by .NET's names: String, ExpandString, Binary, DWord, MultiString, QWord."""

    name: str
    kind: str
    data: RegistryData


@dataclass(slots=True)
class RegistryKey:
    """One key's own values; its path as first written."""

    path: str
    values: dict[str, RegistryValue] = field(default_factory=dict)


@dataclass(slots=True)
class Registry:
    r"""Keys by path as ``HKLM\SYSTEM\...``."""

    keys: dict[str, RegistryKey] = field(default_factory=dict)

    def make_key(self, path: str) -> RegistryKey:
        """The key, created with those above it."""
        path = path.replace("HKEY_LOCAL_MACHINE", "HKLM").strip("\\")
        found = self.keys.get(path.lower())
        if found:
            return found
        head, _, _ = path.rpartition("\\")
        if head:
            self.make_key(head)
        return self.keys.setdefault(path.lower(), RegistryKey(path))

    def key(self, path: str) -> RegistryKey | None:
        """The key of that path, in any case."""
        return self.keys.get(path.replace("HKEY_LOCAL_MACHINE", "HKLM").strip("\\").lower())

    def set(self, path: str, name: str, data: RegistryData, kind: str | None = None) -> None:
        """Write a value; without a kind the data's type decides."""
        key = self.make_key(path)
        old = key.values.get(name.lower())
        spelt = old.name if old else name
        key.values[name.lower()] = RegistryValue(spelt, kind or _kind_of(data), data)

    def get(self, path: str, name: str) -> RegistryValue | None:
        """The value, or None where the key or the value is not there."""
        key = self.key(path)
        return key.values.get(name.lower()) if key else None

    def data(self, path: str, name: str) -> RegistryData | None:
        """The value's data, or None."""
        value = self.get(path, name)
        return None if value is None else value.data

    def remove(self, path: str, name: str) -> bool:
        """Delete a value; false if there was none."""
        key = self.key(path)
        return key is not None and key.values.pop(name.lower(), None) is not None

    def remove_key(self, path: str) -> None:
        """Delete a key with everything below it."""
        prefix = path.strip("\\").lower()
        for one in [key for key in self.keys if key == prefix or key.startswith(prefix + "\\")]:
            del self.keys[one]

    def children(self, path: str) -> list[str]:
        """Names of the keys right below, ordered without case."""
        prefix = path.strip("\\").lower() + "\\"
        below = [self.keys[key].path[len(prefix) :] for key in sorted(self.keys) if key.startswith(prefix)]
        return [name for name in below if "\\" not in name]

    def __iter__(self) -> Iterator[RegistryKey]:
        """All keys, ordered by path."""
        return iter([self.keys[key] for key in sorted(self.keys)])


def _kind_of(data: RegistryData) -> str:
    match data:
        case bytes():
            return "Binary"
        case tuple():
            return "MultiString"
        case int():
            return "DWord"
        case _:
            return "String"
