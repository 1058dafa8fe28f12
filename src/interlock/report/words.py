"""Counts, ages and states as a tired person reads them."""

from __future__ import annotations

import datetime as dt
import re

from interlock.report.facts import Answer, Load, Standing
from interlock.words import count

_THRESHOLD = re.compile(r" \(alarm at [^)]*\)")
_UNITS = ((86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute"))

ANSWERS = {
    Answer.PASS: "passed",
    Answer.ALERTED: "published with an alert",
    Answer.INCONCLUSIVE: "inconclusive",
    Answer.FAIL: "failed",
}
STANDINGS = {
    Standing.PUBLISHED: "published",
    Standing.ADMITTED: "admitted",
    Standing.RELEASED: "stopped, then released by a person",
    Standing.QUARANTINED: "in quarantine",
    Standing.REPLACED: "replaced by a later load",
    Standing.DROPPED: "stopped, then dropped",
}


def brief(words: str) -> str:
    """What was seen or expected, without how the threshold came about."""
    return _THRESHOLD.sub("", words)


def age(moment: dt.datetime, now: dt.datetime) -> str:
    """``3 hours ago``; whole units, the largest that fits."""
    seconds = (now - moment).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 60 else "just now"


def span(seconds: float) -> str:
    """``3 hours``; whole units, the largest that fits."""
    unit_s, name = next(((s, n) for s, n in _UNITS if seconds >= s), _UNITS[-1])
    return count(int(seconds // unit_s), name)


def size(size_bytes: int) -> str:
    """``412 kB``."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{max(round(size_bytes / 1e3), 1)} kB"


def became(load: Load) -> str:
    """What the gate said of a load and where it is now."""
    return f"{ANSWERS[load.answer]} · {STANDINGS[load.standing]}"
