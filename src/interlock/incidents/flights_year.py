"""``interlock demo``: a year of real flights, planted faults, one blizzard.

January and February run in shadow: everything is published, alarms are only
alerts, and the table learns. From March on what was learned blocks. Faults are
planted into real days; the blizzard of 8 and 9 February is real.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import interlock
from interlock.gates.verdict import Verdict
from interlock.incidents import flights
from interlock.names import Decision, Severity

if TYPE_CHECKING:
    import duckdb
    from rich.console import RenderableType

Progress = Callable[[int, int], None]

ENFORCED_FROM = dt.date(2013, 3, 1)
ALONE_FROM = dt.date(2013, 12, 11)  # from here on one day a call, to time it
BLIZZARD = (dt.date(2013, 2, 8), dt.date(2013, 2, 9))
RATE_FROM = 60  # partitions after which false alarms are counted: two months to learn from


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong on one day. ``columns`` are right answers to "which column?"."""

    day: dt.date
    name: str
    columns: tuple[str, ...]
    rows: str  # SQL over ``day``, the rows of that day


FAULTS = (
    Fault(
        dt.date(2013, 3, 14),
        "distance came in kilometres",
        ("distance",),
        "SELECT * REPLACE (round(distance * 1.609344)::INTEGER AS distance) FROM day",
    ),
    Fault(
        dt.date(2013, 4, 9),
        "dep_time is null in every fifth row",
        ("dep_time",),
        "SELECT * REPLACE (CASE WHEN flight % 5 <> 0 THEN dep_time END AS dep_time) FROM day",
    ),
    Fault(
        dt.date(2013, 5, 15),
        "half of air_time turned negative",
        ("air_time",),
        "SELECT * REPLACE (CASE WHEN flight % 2 = 0 THEN -air_time ELSE air_time END AS air_time) FROM day",
    ),
    Fault(dt.date(2013, 6, 18), "the load ran twice", (), "SELECT * FROM day UNION ALL SELECT * FROM day"),
    Fault(
        dt.date(2013, 8, 6),
        "origin and dest were swapped",
        ("origin", "dest"),
        "SELECT * REPLACE (dest AS origin, origin AS dest) FROM day",
    ),
    Fault(
        dt.date(2013, 9, 24),
        "the feed of United was lost",
        ("carrier",),
        "SELECT * FROM day WHERE carrier <> 'UA'",
    ),
    Fault(
        dt.date(2013, 10, 22),
        "dep_delay came in seconds",
        ("dep_delay",),
        "SELECT * REPLACE (dep_delay::INTEGER * 60 AS dep_delay) FROM day",
    ),
)


@dataclass(frozen=True, slots=True)
class Caught:
    """What the gate made of a planted fault."""

    day: str
    fault: str
    caught: bool
    decision: str
    title: str | None
    columns: tuple[str, ...]
    among_first_two: bool


@dataclass(frozen=True, slots=True)
class Loud:
    """A day that raised a ticket or a page without a planted fault."""

    day: str
    severity: str
    decision: str
    title: str
    alerts: int
    why: str | None  # what the world did that day; None for a false alarm


@dataclass(slots=True)
class FlightsYear:
    """The year in numbers; prints itself with Rich."""

    workspace: str
    rows: int = 0
    partitions: int = 0
    published: int = 0
    faults: list[Caught] = field(default_factory=list)
    blizzard: list[Loud] = field(default_factory=list)
    real: list[Loud] = field(default_factory=list)
    false_alarms: list[Loud] = field(default_factory=list)
    clean_days: int = 0
    early_false_alarms: int = 0
    early_clean_days: int = 0
    alone: int = 0  # days written one by one, which the two times are of
    median_s: float = 0.0
    slowest_s: float = 0.0
    total_s: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def __rich__(self) -> RenderableType:
        from interlock.incidents.shown import flights_year

        return flights_year(self)


def run(keep: str | Path = "interlock-demo", *, progress: Progress | None = None) -> FlightsYear:
    """Take the year through the gate into a new workspace at ``keep`` (or ``keep-2``, … where taken)."""
    place = _free(Path(keep))
    story = FlightsYear(str(place))
    began = time.perf_counter()
    with by_day() as days, interlock.open(place) as ws:
        table = ws.table("flights", partition="day", key=list(flights.KEY))
        took: list[float] = []
        done = 0
        for stretch in _stretches(days.all):
            if stretch[0] == ENFORCED_FROM:
                table.enforce()
            if (fault := _FAULT_OF.get(stretch[0])) is not None:
                _plant(story, table, days, fault, took)
            verdicts = _write(table, days, stretch, took)
            for day, verdict in zip(stretch, verdicts, strict=True):
                _record(story, days.all.index(day), day, verdict)
                if verdict.decision is Decision.QUARANTINED:
                    table.release(day, flights.NOT_CLEAN.get(day, "looked at it: nothing wrong"))
            done += len(stretch)
            if progress is not None:
                progress(done, len(days.all))
        story.rows, story.partitions = days.rows, len(days.all)
        story.published = len(table.partitions())
    took.sort()
    story.alone, story.median_s, story.slowest_s = len(took), took[len(took) // 2], took[-1]
    story.total_s = time.perf_counter() - began
    return story


_FAULT_OF = {f.day: f for f in FAULTS}


def _stretches(every: list[dt.date]) -> Iterator[list[dt.date]]:
    """Days that go through the gate in one call: a day with a fault and the last ones each alone."""
    stretch: list[dt.date] = []
    for day in every:
        alone = day in _FAULT_OF or day >= ALONE_FROM
        if stretch and (alone or day == ENFORCED_FROM):
            yield stretch
            stretch = []
        stretch.append(day)
        if alone:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _plant(story: FlightsYear, table: interlock.Table, days: Days, fault: Fault, took: list[float]) -> None:
    """The broken day meets the gate first; the corrected load follows."""
    verdict = _timed(took, lambda: table.write(days.broken(fault.day, fault), fault.day))
    story.faults.append(_caught(fault, verdict))
    if verdict.decision is Decision.QUARANTINED:
        table.drop(fault.day, f"planted: {fault.name}")


def _write(table: interlock.Table, days: Days, stretch: list[dt.date], took: list[float]) -> list[Verdict]:
    """One day by `write`; several by `backfill`, which judges each by those before it."""
    if len(stretch) == 1:
        return [_timed(took, lambda: table.write(days.clean(stretch[0]), stretch[0]))]
    verdicts = table.backfill(days.between(stretch[0], stretch[-1]))
    return sorted(verdicts, key=lambda v: v.partition)


def _timed(took: list[float], act: Callable[[], Verdict]) -> Verdict:
    began = time.perf_counter()
    verdict = act()
    took.append(time.perf_counter() - began)
    return verdict


def _caught(fault: Fault, verdict: Verdict) -> Caught:
    loud = [a for a in verdict.alerts if a.severity is not Severity.INFO]
    columns = tuple(c for a in loud for c in a.columns)
    return Caught(
        day=fault.day.isoformat(),
        fault=fault.name,
        caught=bool(loud),
        decision=verdict.decision.value,
        title=loud[0].title if loud else None,
        columns=columns[:2],
        among_first_two=not fault.columns or bool(set(columns[:2]) & set(fault.columns)),
    )


def _record(story: FlightsYear, number: int, day: dt.date, verdict: Verdict) -> None:
    """Count a day as it came: quiet, loud for a reason in the world, or a false alarm."""
    why = flights.NOT_CLEAN.get(day)
    late = number >= RATE_FROM
    if why is None:
        story.clean_days += late
        story.early_clean_days += not late
    stopped = verdict.decision is Decision.QUARANTINED  # then a mere note was loud enough
    loud = [a for a in verdict.alerts if stopped or a.severity is not Severity.INFO]
    if not loud:
        return
    found = Loud(
        day.isoformat(), loud[0].severity.value, verdict.decision.value, loud[0].title, len(loud), why
    )
    if day in BLIZZARD:
        story.blizzard.append(found)
    elif why is not None:
        story.real.append(found)
    elif late:
        story.false_alarms.append(found)
    else:
        story.early_false_alarms += 1


@dataclass(slots=True)
class Days:
    """The flights, a day at a time."""

    connection: duckdb.DuckDBPyConnection
    all: list[dt.date]
    rows: int

    def clean(self, day: dt.date) -> duckdb.DuckDBPyRelation:
        return self.connection.sql("SELECT * FROM flights WHERE day = $day", params={"day": day})

    def between(self, first: dt.date, last: dt.date) -> duckdb.DuckDBPyRelation:
        query = "SELECT * FROM flights WHERE day BETWEEN $first AND $last"
        return self.connection.sql(query, params={"first": first, "last": last})

    def broken(self, day: dt.date, fault: Fault) -> duckdb.DuckDBPyRelation:
        query = f"WITH day AS (SELECT * FROM flights WHERE day = $day) {fault.rows}"
        return self.connection.sql(query, params={"day": day})


@contextmanager
def by_day() -> Iterator[Days]:
    import duckdb

    connection = duckdb.connect()
    try:
        connection.execute(
            "CREATE TABLE flights AS SELECT * FROM read_parquet($path)", {"path": str(flights.path())}
        )
        all_days = [
            row[0] for row in connection.sql("SELECT DISTINCT day FROM flights ORDER BY day").fetchall()
        ]
        count = connection.sql("SELECT count(*) FROM flights").fetchall()[0][0]
        yield Days(connection, all_days, int(count))
    finally:
        connection.close()


def _free(wanted: Path) -> Path:
    """``wanted``, or the first of ``wanted-2``, ``wanted-3``, … that does not exist."""
    place, number = wanted, 1
    while place.exists():
        number += 1
        place = wanted.with_name(f"{wanted.name}-{number}")
    return place
