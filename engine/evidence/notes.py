"""What is missing, in the order it was met, without repetition and in bounds."""

from engine.model.triage import Concern, Missing

KEPT = 200


class Notes:
    """The gaps of one reading; beyond ``KEPT`` they are counted."""

    def __init__(self) -> None:
        self._kept: dict[Missing, None] = {}
        self._dropped = 0

    def __call__(self, missing: Missing) -> None:
        """Take one."""
        if missing in self._kept:
            return
        if len(self._kept) < KEPT:
            self._kept[missing] = None
        else:
            self._dropped += 1

    def __len__(self) -> int:
        return len(self._kept) + self._dropped

    def all(self) -> tuple[Missing, ...]:
        """Every one, and how many more there were."""
        if not self._dropped:
            return tuple(self._kept)
        why = f"{self._dropped} more are not listed"
        return (*self._kept, Missing(what="more problems", why=why, concerns=Concern.ANYTHING))
