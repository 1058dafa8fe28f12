"""``interlock incident alert-fatigue``: who would still read the alerts in December?

The year of flights with its planted faults goes past three watchers that write
messages: a limit a column at three and at five standard deviations, and
Interlock. Everything is counted here, nothing is remembered from another run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from interlock import alerts, detect, profiles, settings
from interlock.alerts import budget, lifecycle
from interlock.alerts.alert import Alert
from interlock.catalog import AlertRecord
from interlock.engines.duckdb import DuckDB
from interlock.incidents import flights, flights_year
from interlock.incidents.flights_year import Fault
from interlock.incidents.limits_a_column import LimitsAColumn, right
from interlock.names import Severity
from interlock.profiles.profile import Profile

if TYPE_CHECKING:
    from rich.console import RenderableType

COUNTED_FROM = dt.date(2013, 2, 1)  # January is what all of them learn from
THE_DATE = frozenset({"day", "time_hour"})  # nobody draws these on a dashboard


@dataclass(frozen=True, slots=True)
class Load:
    """One day's data as it came; ``fault`` where it was broken first, and the right load follows."""

    day: dt.date
    profile: Profile
    features: detect.Features
    fault: Fault | None = None

    @property
    def real(self) -> bool:
        """Whether an alert about it is about something: a fault, or a day the world was not as usual."""
        return self.fault is not None or self.day in flights.NOT_CLEAN


@dataclass(frozen=True, slots=True)
class Told:
    """What a watcher sent of one load: ``sent`` counts messages, ``pages`` those among them that wake someone."""

    sent: int
    pages: int
    caught: bool
    folded: int = 0


class Watcher(Protocol):
    """Sees loads in order. What is right is learned from, as everywhere: the broken load is replaced."""

    name: str

    def see(self, load: Load) -> Told: ...


@dataclass(slots=True)
class Month:
    """What one watcher sent in a month. ``real`` counts messages about a fault or an unusual day."""

    month: str
    sent: int = 0
    pages: int = 0
    real: int = 0
    folded: int = 0
    faults: int = 0
    caught: int = 0

    def add(self, load: Load, told: Told) -> None:
        self.sent += told.sent
        self.pages += told.pages
        self.folded += told.folded
        self.real += told.sent * load.real
        self.faults += load.fault is not None
        self.caught += load.fault is not None and told.caught


@dataclass(slots=True)
class Watched:
    """A year with one watcher."""

    name: str
    weeks: float = 0.0
    months: list[Month] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def total(self) -> Month:
        """All months as one."""
        sums = {n: sum(getattr(m, n) for m in self.months) for n in Month.__slots__ if n != "month"}
        return Month("year", **sums)

    @property
    def per_week(self) -> float:
        """Messages a week."""
        return self.total().sent / self.weeks

    @property
    def precision(self) -> float | None:
        """The share of messages that were about something; None where there was none."""
        total = self.total()
        return total.real / total.sent if total.sent else None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {
            "year": asdict(self.total()),
            "alerts_per_week": round(self.per_week, 2),
            "precision": None if self.precision is None else round(self.precision, 4),
        }


@dataclass(frozen=True, slots=True)
class AlertFatigue:
    """The same year past three watchers; prints itself with Rich."""

    days: int
    faults: int
    unusual_days: int
    watched: tuple[Watched, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "days": self.days,
            "faults": self.faults,
            "unusual_days": self.unusual_days,
            "watched": [w.to_dict() for w in self.watched],
        }

    def __rich__(self) -> RenderableType:
        from interlock.incidents.shown_fatigue import alert_fatigue

        return alert_fatigue(self)


def run() -> AlertFatigue:
    """Take the year past the watchers. Takes some ten seconds and writes nothing."""
    loads = list(_loads())
    watchers: tuple[Watcher, ...] = (Dashboard(3.0), Dashboard(5.0), Interlock())
    counted = [load for load in loads if load.day >= COUNTED_FROM]
    days = {load.day for load in counted}
    found = tuple(_watched(w, loads, weeks=len(days) / 7) for w in watchers)
    unusual = sum(day in flights.NOT_CLEAN for day in days)
    return AlertFatigue(len(days), sum(x.fault is not None for x in counted), unusual, found)


def _watched(watcher: Watcher, loads: Sequence[Load], weeks: float) -> Watched:
    found = Watched(watcher.name, weeks)
    for load in loads:
        told = watcher.see(load)
        if load.day < COUNTED_FROM:
            continue
        name = f"{load.day:%Y-%m}"
        if not found.months or found.months[-1].month != name:
            found.months.append(Month(name))
        found.months[-1].add(load, told)
        if load.fault is not None and not told.caught:
            found.missed.append(load.fault.name)
    return found


# --- the watchers ---------------------------------------------------------------------


class Dashboard:
    """A limit a column."""

    def __init__(self, limit: float) -> None:
        self.name = f"a limit a column, |z| > {limit:g}"
        self._limits = LimitsAColumn(limit, ignored=THE_DATE)

    def see(self, load: Load) -> Told:
        broken = self._limits.broken(load.features)
        sent = self._limits.send(broken)
        if load.fault is None:
            self._limits.learn(load.features)
        caught = load.fault is not None and right(broken, load.fault.columns)
        return Told(len(sent), sum(sent), caught)


class Interlock:
    """What was learned, grouped by cause, told once, within an owner's budget; nobody answers any alert."""

    name = "Interlock"

    def __init__(self) -> None:
        self._history = detect.History()
        self._known: Mapping[int, AlertRecord] = {}

    def see(self, load: Load) -> Told:
        label = load.day.isoformat()
        learned = detect.learn(self._history)
        found = learned.judge_features(load.features, label)
        grouped = alerts.group(found, table="flights", label=label, learned=learned, profile=load.profile)
        notices = self._told(load, grouped)
        if load.fault is None:
            self._history = self._history.append(label, load.features)
        return Told(
            sent=len(notices),
            pages=sum(n.record.severity == Severity.PAGE for n in notices),
            caught=load.fault is not None and _names(grouped, load.fault.columns),
            folded=sum(n.when == budget.DIGEST for n in notices),
        )

    def _told(self, load: Load, grouped: tuple[Alert, ...]) -> list[budget.Notice]:
        """Alerts through their life and the week's budget, as the write gate does it, on the day's own clock."""
        at, limits = dt.datetime.combine(load.day, dt.time(9), dt.UTC), settings.current()
        seen = lifecycle.Sighting(
            "flights", load.day.isoformat(), "", at, grouped, frozenset(load.profile.columns)
        )
        growth, cooldown = limits.alert_growth, dt.timedelta(seconds=limits.alert_cooldown_s)
        step = lifecycle.follow(
            self._known, seen, lifecycle.Limits(growth, cooldown), max(self._known, default=0) + 1
        )
        week = budget.week_of(at)
        used = budget.spent([r for r in step.known.values() if r.told_week == week])
        notices = budget.due(step.known.values(), budget.Means(limits.alert_budget, None, used, growth), at)
        told = [budget.told(n, week) for n in notices]
        self._known = step.known | {r.id: r for r in told}
        return [n for n in notices if n.what != budget.RECOVERED]


def _names(grouped: Sequence[Alert], columns: Sequence[str]) -> bool:
    """Whether a loud alert names one of a fault's columns among its first two; any alert where it has none."""
    loud = [a for a in grouped if a.severity is not Severity.INFO]
    first = [c for a in loud for c in a.columns][:2]
    return bool({*columns} & {*first}) if columns else bool(loud)


# --- the year -------------------------------------------------------------------------


def _loads() -> Iterator[Load]:
    """Each day's load, a broken one before the right one."""
    planted = {fault.day: fault for fault in flights_year.FAULTS}
    engine = DuckDB()
    try:
        year = profiles.compute_by(engine, engine.relation(str(flights.path())), "day", key=flights.KEY)
        with flights_year.by_day() as days:
            for label, profile in year.items():
                day = dt.date.fromisoformat(label)
                if (fault := planted.get(day)) is not None:
                    broken = engine.relation(days.broken(day, fault))
                    yield _load(day, profiles.compute(engine, broken, key=flights.KEY), fault)
                yield _load(day, profile)
    finally:
        engine.close()


def _load(day: dt.date, profile: Profile, fault: Fault | None = None) -> Load:
    return Load(day, profile, detect.features(profile), fault)
