"""What a contract says about one table, as frozen values; YAML and Python spell the same ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from interlock.constraints.constraint import Constraint

EVENTS = ("pass", "fail", "inconclusive", "published", "quarantined", "alert", "recovered")
ACTIONS = ("notify", "webhook", "run", "repair")
REPAIRS = ("null", "clamp", "drop")
ON_VIOLATION = ("refuse", "quarantine")


@dataclass(frozen=True, slots=True)
class Repair:
    """Rows that break ``constraint`` are changed and counted: value to NULL, to the limit, or row dropped."""

    constraint: str
    action: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """On verdict event ``on`` (`EVENTS`) do ``action`` (`ACTIONS`).

    ``target`` is an address to notify, a URL to post to, a command's words, or a
    `Repair`. ``attempts`` and ``timeout_s`` None: as in the settings.
    """

    on: str
    action: str
    target: str | tuple[str, ...] | Repair
    attempts: int | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Slo:
    """A service level objective of a table.

    Over any ``window_days`` of partitions the share ``healthy`` was published
    without a ticket or page. ``fresh``: the partition of a day is there by that
    time of the day after, in the time zone ``zone``; None promises no time.
    """

    healthy: float = 0.99
    window_days: int = 30
    fresh: dt.time | None = None
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of each day, in local time, in which nobody is told of a ticket; ``start`` may be after ``end``."""

    start: dt.time
    end: dt.time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """How much a table's owner is told. ``budget`` tickets a week; None: as in the settings.

    ``cooldown`` is how soon a cause must be back for its old alert to go on.
    """

    budget: int | None = None
    quiet: Quiet | None = None
    cooldown: dt.timedelta | None = None


NO_POLICY = AlertPolicy()  # says nothing: the settings hold


@dataclass(frozen=True, slots=True)
class MassChange:
    """How much of a table may go or change: in one transaction, and within ``window``.

    ``share`` of its rows, but ``rows`` may always; ``updates``: rows that were changed count like rows that went.
    Deleted rows are kept for the time ``keep``, None: not at all.
    """

    share: float = 0.2
    window: dt.timedelta = dt.timedelta(days=1)
    rows: int = 100
    updates: bool = True
    keep: dt.timedelta | None = None


@dataclass(frozen=True, slots=True)
class TableContract:
    """One table of ``interlock.yaml``. The default says nothing.

    ``attach`` is the glob of a table judged in place, None for a managed one.
    ``postgres`` is the PostgreSQL table that a managed one is published to.
    ``source`` names what feeds it; tables that share one break together.
    ``enforce`` True: every learned constraint blocks; or the names of those that do.
    ``sensitivity``: ``low``, ``normal``, ``high`` or the false alarms a year that are
    accepted; None leaves it to the table's own setting.
    ``on_violation``: what a row rule in a database does with a row that is loaded, `ON_VIOLATION`.
    ``at_commit`` True: every constraint about a partition that can be is judged there when a transaction ends; or the
    names of those that are.
    ``allow_samples``: failing rows may be shown whole, not by key only.
    ``mass_change`` None: any share of its rows may go at once.
    """

    partition: str | None = None
    key: tuple[str, ...] = ()
    owner: str | None = None
    sensitive: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    attach: str | None = None
    postgres: str | None = None
    source: str | None = None
    allow_samples: bool = False
    enforce: bool | tuple[str, ...] = False
    slo: Slo | None = None
    sensitivity: str | float | None = None
    constraints: tuple[Constraint, ...] = ()
    triggers: tuple[Trigger, ...] = field(default=())
    alerts: AlertPolicy = NO_POLICY
    mass_change: MassChange | None = None
    on_violation: str = "refuse"
    at_commit: bool | tuple[str, ...] = False


def notices(notify: Iterable[str]) -> tuple[Trigger, ...]:
    """The triggers of addresses that hear every alert."""
    return tuple(Trigger("alert", "notify", address) for address in notify)
