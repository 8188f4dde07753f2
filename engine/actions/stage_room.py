"""Is there room for staged copies? Files of several copies share volumes; what one has already is not needed anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.actions.base import whole
from engine.model.data import JsonMap


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What one volume must take and what it has. ``volume`` is empty if no local volume holds the folder."""

    folder: str
    volume: str
    need: int
    free: int

    @property
    def lacks(self) -> bool:
        """True if there is not enough."""
        return self.need > self.free

    @property
    def words(self) -> str:
        """What is wrong, as a sentence without its full stop."""
        if not self.volume:
            return f"no local volume holds {self.folder}"
        return f"{self.volume} has {self.free} bytes free and {self.need} are needed"

    def plain(self) -> JsonMap:
        """As plain data."""
        return {"folder": self.folder, "volume": self.volume, "need_bytes": self.need, "free_bytes": self.free}


def rooms(needs: Sequence[tuple[str, int]], looks: Sequence[Mapping[str, object]], extra: int) -> tuple[Room, ...]:
    """One for each volume, in the order of the folders; ``extra`` bytes stay free on each that gets anything."""
    found: dict[str, Room] = {}
    for (folder, need), look in zip(needs, looks, strict=False):
        volume = str(look.get("volume") or "") if look.get("found") is True else ""
        key = volume.lower() or folder.lower()
        before = found.get(key)
        more = need + (before.need if before else extra)
        free = whole(look.get("free_bytes")) if volume else 0
        found[key] = Room(folder=before.folder if before else folder, volume=volume, need=more, free=free)
    return tuple(found.values())
