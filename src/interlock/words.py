"""Counts, moments and long texts as every message writes them."""

from __future__ import annotations

import datetime as dt


def count(how_many: int, what: str) -> str:
    """``1 partition``, ``2 partitions``."""
    return f"{how_many:,} {what}{'' if how_many == 1 else 's'}"


def minute(moment: dt.datetime | None) -> str:
    """``2013-06-01 08:30 UTC``; nothing for no moment. A naive one is in UTC."""
    if moment is None:
        return ""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return aware.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def short(text: str, length: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
