"""What tells that one file is a copy of another, or of its beginning, without reading either again."""

import hashlib
from array import array

from engine.evidence.encoding import Readable

_BLOCK = 16 * 1024
_SIZE = 8


class Print:
    """A stream that remembers what was read of it: its first block, and what all whole blocks up to each add up to."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._sum = hashlib.blake2b(digest_size=_SIZE)
        self._part = bytearray()
        self.head = b""
        self.bytes = 0
        self.whole = b""
        self.blocks = array("Q")

    def read(self, count: int = -1, /) -> bytes:
        """As of a stream."""
        found = self._stream.read(count)
        self.bytes += len(found)
        self._part += found
        while len(self._part) >= _BLOCK:
            self._block(bytes(self._part[:_BLOCK]))
            del self._part[:_BLOCK]
        return found

    def _block(self, block: bytes) -> None:
        self.head = self.head or block
        self._sum.update(block)
        self.blocks.append(int.from_bytes(self._sum.digest(), "big"))

    def ended(self) -> "Print":
        """Itself, once all was read."""
        self.head = self.head or bytes(self._part)
        self._sum.update(self._part)
        self.whole = self._sum.digest()
        return self

    def begins_with(self, other: "Print") -> bool:
        """True if the first whole blocks are those of the other one; of one below a block or of the same length, if all
        of it is.
        """
        whole = len(other.blocks)
        if self.bytes < other.bytes or not self.head.startswith(other.head):
            return False
        if self.bytes == other.bytes:
            return self.whole == other.whole
        return whole == 0 or self.blocks[whole - 1] == other.blocks[-1]
