"""Pieces of bytes as a file to read from: what one store gives is what another takes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import BinaryIO, cast


def as_file(pieces: Iterable[bytes]) -> BinaryIO:
    """Reads one piece after the other; none of them may be empty."""
    return cast("BinaryIO", _Pieces(pieces))


class _Pieces(io.RawIOBase):
    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._left = iter(pieces), b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return self._left + b"".join(self._pieces)
        piece = self._left or next(self._pieces, b"")
        self._left = piece[size:]
        return piece[:size]

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)
