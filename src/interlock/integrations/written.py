"""A file that is written to ``vault://``: kept in a temporary file until it is closed."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import BinaryIO, cast

from interlock.vault.stores.protocol import CHUNK_BYTES

Keep = Callable[[BinaryIO], object]


class Written(io.BufferedRandom):
    """Bytes on their way; ``keep`` is called with all of them when it is closed, and raises where it cannot.

    A ``with`` block that an exception leaves keeps nothing, this file's own and one around what
    writes to it (fsspec's, pandas', PyArrow's). With ``later`` nothing is kept before `commit`.
    """

    _keep: Keep | None = None

    def __init__(
        self, keep: Keep, folder: str | os.PathLike[str] | None = None, *, later: bool = False
    ) -> None:
        temporary = tempfile.TemporaryFile(prefix="interlock-", dir=folder, buffering=0)  # noqa: SIM115
        super().__init__(temporary, CHUNK_BYTES)
        self._keep = keep
        self._later = later
        self._waiting: BinaryIO | None = None
        self._error = sys.exception()  # what was being handled before anything was written

    def close(self) -> None:
        """Keep what was written. Once; closing again does nothing."""
        if self.closed:
            return
        try:
            if self._keep is not None and not self._left_by_an_exception():
                self.flush()
                if self._later:
                    self._waiting = os.fdopen(os.dup(self.fileno()), "rb", buffering=0)
                else:
                    self.raw.seek(0)
                    self._keep(cast("BinaryIO", self.raw))
        finally:
            self._keep = None if self._waiting is None else self._keep
            super().close()

    def commit(self) -> None:
        """Keep what waits since it was closed."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and self._keep is not None:
            with waiting:
                waiting.seek(0)
                self._keep(waiting)

    def discard(self) -> None:
        """Keep nothing."""
        self._keep = None
        if self._waiting is not None:
            self._waiting.close()
        self.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close() if kind is None else self.discard()

    def _left_by_an_exception(self) -> bool:
        """Whether a caller is an ``__exit__`` that was handed an exception raised since this was opened."""
        error, frame = sys.exception(), sys._getframe()
        while error is not None and error is not self._error and frame.f_back is not None:
            frame = frame.f_back
            if frame.f_code.co_name == "__exit__" and _holds(frame.f_locals.values(), error):
                return True
        return False

    def __del__(self) -> None:
        if self._keep is not None:
            self.close()  # here, since what it raises is hidden where the interpreter calls it


class Text(io.TextIOWrapper):
    """The same for text."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and isinstance(self.buffer, Written):
            self.buffer.discard()
        self.close()


def _holds(values: Iterable[object], error: BaseException) -> bool:
    """Whether one of these is ``error``, or a tuple with it, as the arguments of an ``__exit__`` are."""
    return any(v is error or (isinstance(v, tuple) and any(x is error for x in v)) for v in values)
