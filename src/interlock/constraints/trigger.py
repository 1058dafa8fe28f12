"""A trigger as a value: on which verdicts, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Event(StrEnum):
    """What a verdict can be: its outcome, its decision, or the raising of an alert."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    PUBLISHED = "published"
    QUARANTINED = "quarantined"
    ADMITTED = "admitted"
    REFUSED = "refused"
    ALERT = "alert"


class RepairAction(StrEnum):
    """What becomes of a row that breaks a row-level constraint."""

    NULL = "null"  # its column is set to NULL
    CLAMP = "clamp"  # its column is moved to the nearest allowed value
    DROP = "drop"  # the row goes


@dataclass(frozen=True, slots=True)
class Repair:
    """Mend rows that break the constraint of this name, before the partition is published."""

    constraint: str
    action: RepairAction


@dataclass(frozen=True, slots=True)
class Trigger:
    """An action on a verdict: notify an address, run a command, or repair rows.

    ``notify`` is an Apprise address; ``$NAME`` in it is read from the
    environment. ``run`` is a command and its arguments, never a shell line.
    ``attempts`` and ``timeout_s`` default to the settings.
    """

    on: tuple[Event, ...] = (Event.FAIL,)
    notify: str | None = None
    run: tuple[str, ...] = ()
    repair: Repair | None = None
    attempts: int | None = None
    timeout_s: float | None = None
