"""What time it is, for transactions: the machine's clock, unless a test sets it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_set: ContextVar[dt.datetime | None] = ContextVar("interlock_clock", default=None)


def now() -> dt.datetime:
    """This moment, in UTC."""
    return _set.get() or dt.datetime.now(dt.UTC)


@contextmanager
def at(moment: dt.datetime) -> Iterator[dt.datetime]:
    """It is ``moment``, and stays so, for the length of a ``with`` block (tests). Of this thread only."""
    token = _set.set(moment)
    try:
        yield moment
    finally:
        _set.reset(token)
