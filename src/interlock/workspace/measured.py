"""What the catalog knows of every table, counted in a number of statements that no table or partition changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interlock.alerts.feedback import Precision
from interlock.alerts.slo import Standing, standing
from interlock.catalog import PartitionRecord, Reader, TableRecord, alerts, counts, tables
from interlock.catalog.counts import Counts, Held
from interlock.constraints.objectives import objective
from interlock.constraints.table_contract import Slo
from interlock.errors import LedgerError
from interlock.ledger import Ledger
from interlock.names import partition_time
from interlock.workspace.health import by_problem, in_short, released

if TYPE_CHECKING:
    from interlock.gates.site import Site
    from interlock.ledger import Report

_ZONES_DAYS = 2  # labels of hours may name any time zone


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read. Those that count everything also count tables that are not among ``tables``."""

    tables: tuple[str, ...]
    partitions: Counts
    held: Mapping[str, Held]
    verdicts: Counts
    judged: Mapping[str, float]
    alerts: Counts
    silenced: Counts
    precision: Mapping[str, Precision]
    standings: Mapping[str, Standing]
    triggers: Counts
    ledger: int | None
    unplaced: int
    now: dt.datetime
    verified: Report | None = None


def read(
    site: Site,
    promised: Callable[[TableRecord], Slo | None],
    only: Collection[str] | None = None,
    verified: Report | None = None,
) -> Facts:
    """Everything in one consistent view. ``only`` names the tables that are told of, None for all."""
    now = dt.datetime.now(dt.UTC)
    with site.catalog.read() as rx:
        records = [r for r in tables.list_(rx) if only is None or r.name in only]
        objectives = {r.name: slo for r in records if (slo := promised(r)) is not None}
        held = {h.table: h for h in counts.held(rx)}
        return Facts(
            tables=tuple(r.name for r in records),
            partitions=counts.partitions(rx),
            held=held,
            verdicts=counts.verdicts(rx),
            judged=counts.last_judged(rx),
            alerts=counts.alerts(rx),
            silenced=counts.silenced(rx),
            precision={name: Precision.of(said) for name, said in alerts.feedback(rx).items()},
            standings=standings(rx, objectives, held, now),
            triggers=counts.triggers(rx),
            ledger=_ledger_size(site),
            unplaced=counts.unplaced(rx),
            now=now,
            verified=verified,
        )


def promised(record: TableRecord, written: Slo | None) -> Slo | None:
    """A table's objective: the contract's, else its own, else None."""
    stored = record.settings.get("slo")
    return written if written is not None or stored is None else objective(**stored)


def standings(
    rx: Reader, objectives: Mapping[str, Slo], held: Mapping[str, Held], now: dt.datetime
) -> dict[str, Standing]:
    """How each table stands to its objective; only what its window may hold is looked at.

    A partition is as healthy as its newest verdict, or healthy where a person
    released it in spite of that one.
    """
    if not objectives:
        return {}
    since = {name: _since(held.get(name), promise) for name, promise in objectives.items()}
    versions: dict[str, list[PartitionRecord]] = {name: [] for name in objectives}
    for version in counts.versions(rx, since):
        versions[version.table].append(version)
    spared = frozenset[str]().union(*(released(v) for v in versions.values()))
    newest = counts.newest_verdicts(rx, since, spared)
    alarms = counts.alarms(rx, newest.values())
    problems: dict[str, dict[str, str | None]] = {name: {} for name in objectives}
    for (name, label), verdict in newest.items():
        problems[name][label] = in_short(alarms.get(verdict))
    return {
        name: standing(name, promise, by_problem(versions[name], problems[name]), now)
        for name, promise in objectives.items()
    }


def stands(rx: Reader, table: str, objective: Slo, now: dt.datetime) -> Standing:
    """How one table stands to its objective: what `standings` says of it."""
    held = {h.table: h for h in counts.held(rx, table)}
    return standings(rx, {table: objective}, held, now)[table]


def _since(held: Held | None, promise: Slo) -> str:
    """A label no later than the first of an objective's window; empty where labels are no dates."""
    newest = partition_time(held.date_max) if held is not None and held.date_max is not None else None
    if newest is None:
        return ""
    return (newest.date() - dt.timedelta(days=promise.window_days + _ZONES_DAYS)).isoformat()


def _ledger_size(site: Site) -> int | None:
    """Entries under the checkpoint; None where it cannot be read, which `interlock ledger verify` explains."""
    try:
        return Ledger(site.ledger).size
    except LedgerError:
        return None
