"""Reading the binary formats of protocol section 7, strictly."""

from __future__ import annotations

from ..crypto.field import SCALAR_SIZE, decode_scalar
from ..errors import EncodingError


class Reader:
    """A cursor over bytes from outside; every short or out-of-range read is an EncodingError.

    Args:
        data: the whole encoding.
        what: its name, for errors.
    """

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._what = what
        self._at = 0

    def _where(self) -> str:
        return f"{self._what} byte {self._at}"

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        end = self._at + length
        if end > len(self._data):
            raise EncodingError(
                self._where(), f"{length} more bytes", str(len(self._data) - self._at)
            )
        chunk = self._data[self._at : end]
        self._at = end
        return chunk

    def u32(self) -> int:
        """The next 4 bytes, big-endian."""
        return int.from_bytes(self.take(4), "big")

    def count(self, name: str, limit: int) -> int:
        """A u32 that counts `name`, at most `limit`."""
        where = self._where()
        count = self.u32()
        if count > limit:
            raise EncodingError(where, f"at most {limit} {name}", str(count))
        return count

    def scalar(self) -> int:
        """The next 32 bytes as a scalar below r."""
        where = self._where()
        try:
            return decode_scalar(self.take(SCALAR_SIZE))
        except EncodingError as error:
            raise EncodingError(where, error.expected, error.got) from None

    def finish(self) -> None:
        """Nothing may be left."""
        left = len(self._data) - self._at
        if left:
            raise EncodingError(self._where(), "the end", f"{left} more bytes")
