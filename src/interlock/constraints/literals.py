"""Constants: how a text becomes a date or time, and a number a 32-bit float."""

from __future__ import annotations

import datetime as dt
import struct

from interlock.engines.schema import Kind

Moment = dt.date | dt.datetime | dt.time


def moment(text: str, kind: Kind) -> Moment | None:
    """An ISO 8601 text as a value of ``kind``; None where it is none.

    A zoned timestamp without an offset is taken as UTC; a timestamp or date
    with an offset is refused, since the offset would be lost.
    """
    try:
        if kind is Kind.DATE:
            return dt.date.fromisoformat(text.strip())
        if kind is Kind.TIME:
            time = dt.time.fromisoformat(text.strip())
            return time if time.tzinfo is None else None
        value = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if kind is Kind.TIMESTAMPTZ:
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
    return value if value.tzinfo is None else None


def narrow(number: float) -> float:
    """The 32-bit float nearest to ``number``, as a 64-bit one: what a FLOAT column can hold."""
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
