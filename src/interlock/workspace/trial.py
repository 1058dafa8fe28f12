"""A backtest of a table: on what was published, less what a person or a gate kept out of the clean days."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from interlock import backtest, detect
from interlock import profiles as profiling
from interlock.catalog import PartitionRecord, Reader, State, accepts, partitions, profiles
from interlock.engines.duckdb import DuckDB
from interlock.gates import fingerprint
from interlock.gates.site import Site
from interlock.profiles.profile import Profile
from interlock.workspace import request

if TYPE_CHECKING:
    from interlock.workspace.table import Table

RELEASED = "released from quarantine by a person"
ACCEPTED = "the first of a new normal that was accepted"
QUARANTINED = "in quarantine, or dropped from it"
NAMED = "named as not clean"


def run(
    table: Table,
    sensitivities: Sequence[detect.Sensitivity],
    *,
    partitions: int,
    not_clean: Collection[str],
    seed: int,
    progress: Callable[[int, int], None],
) -> backtest.Backtest:
    """See `Table.backtest`; ``not_clean`` are labels. The table's own sensitivity is tried too."""
    rules = request.rules(table)
    spared = frozenset({table.partition} if table.partition else ())
    with DuckDB() as engine:
        rows, left_out = past(table.workspace.site, engine, table.name, table.history(), not_clean)
        return backtest.run(
            engine,
            table.name,
            rows,
            backtest.Site(rules.key, rules.segments, spared),
            list(dict.fromkeys([*map(detect.as_sensitivity, sensitivities), rules.sensitivity])),
            current=rules.sensitivity,
            partitions=partitions,
            seed=seed,
            left_out=left_out,
            progress=progress,
        )


def past(
    site: Site, engine: DuckDB, table: str, history: detect.History, not_clean: Collection[str]
) -> tuple[list[backtest.Past], dict[str, int]]:
    """The published partitions in the order of ``history``, and how many are kept from readers, by reason.

    Files that do not lie on this machine are copied into the engine's folder when they are asked for.
    """
    with site.catalog.read() as rx:
        current = {p.label: p for p in partitions.current(rx, table)}
        held = _held(rx, table, current)
        accepted = {a.since for a in accepts.list_(rx, table)}
    there = site.files.sizes(p.path for p in current.values() if p.path)
    rows = [
        backtest.Past(
            row,
            _Profile(site, current[row.label].id or 0),
            _file(site, engine, current[row.label], there),
            _left_out(row, row.label in accepted, row.label in not_clean),
        )
        for row in history.rows
        if row.label in current
    ]
    return rows, {QUARANTINED: len(held)} if held else {}


def _left_out(row: detect.Row, accepted: bool, named: bool) -> str | None:
    if row.new_normal or accepted:
        return ACCEPTED
    if row.trusted:
        return RELEASED
    return NAMED if named else None


def _held(rx: Reader, table: str, current: Collection[str]) -> set[str]:
    """Labels of which a version was quarantined and nothing is published."""
    kept = (State.QUARANTINED, State.DROPPED)
    return {p.label for p in partitions.all_(rx, table) if p.state in kept and p.label not in current}


def _file(
    site: Site, engine: DuckDB, record: PartitionRecord, there: Collection[str]
) -> Callable[[], Path] | None:
    path = record.path or ""
    if fingerprint.is_of_time(record.digest):  # somebody else's, where it is
        return (lambda: Path(path)) if Path(path).exists() else None
    return (lambda: site.files.local(path, engine.temporary())) if path in there else None


@dataclass
class _Profile:
    """A stored profile, read when it is first asked for."""

    site: Site
    partition_id: int

    def __call__(self) -> Profile:
        return self.profile

    @cached_property
    def profile(self) -> Profile:
        with self.site.catalog.read() as rx:
            return profiling.from_document(profiles.document(rx, self.partition_id) or {})
