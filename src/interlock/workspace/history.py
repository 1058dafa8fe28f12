"""A table's history in memory: read from the catalog once, and kept for as long as nothing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock import detect
from interlock.catalog import Reader, accepts, partitions, profiles
from interlock.catalog.records import CURRENT
from interlock.gates import quarantine
from interlock.names import Decision
from interlock.workspace import remembered

if TYPE_CHECKING:
    from interlock.gates.site import Site
    from interlock.gates.verdict import Verdict

Stamp = tuple[tuple[int, int], int]  # of `partitions.stamp`, and how many new normals were accepted


class Kept:
    """The history of one table, between calls. Whatever another process changes is noticed by its stamp."""

    def __init__(self, site: Site, table: str) -> None:
        self._site, self._table = site, table
        self._kept: tuple[Stamp, detect.History] | None = None

    def history(self) -> detect.History:
        """The published partitions' features, in order."""
        with self._site.catalog.read() as rx:
            stamp = _stamp(rx, self._table)
            if self._kept is not None and self._kept[0] == stamp:
                return self._kept[1]
            history = _load(rx, self._site, self._table)
        remembered.keep(self._site, self._table, history)
        self._kept = (stamp, history)
        return history

    def put(self, history: detect.History) -> None:
        """Keep what a backfill has just learned instead of loading it again."""
        with self._site.catalog.read() as rx:
            self._kept = (_stamp(rx, self._table), history)
        remembered.keep(self._site, self._table, history)

    def append(self, verdict: Verdict) -> None:
        """After our own write, append to what is kept instead of loading it again."""
        if self._kept is None or verdict.decision is not Decision.PUBLISHED:
            return
        (((count, ids), accepted), history), self._kept = self._kept, None
        with self._site.catalog.read() as rx:
            stamp = _stamp(rx, self._table)
            own = partitions.one(rx, self._table, verdict.partition)
        # Anything else, an earlier day or another process's write between, is loaded anew.
        last = max(map(partitions.label_order, history.labels), default=None)
        follows = last is None or last < partitions.label_order(verdict.partition)
        if own is not None and follows and stamp == ((count + 1, ids + (own.id or 0)), accepted):
            history = history.append(verdict.partition, detect.features(verdict.profile))
            self._kept = (stamp, history)
            if len(history.rows) % remembered.EVERY == 0:
                remembered.keep(self._site, self._table, history)


def _stamp(rx: Reader, table: str) -> Stamp:
    return partitions.stamp(rx, table), len(accepts.list_(rx, table))


def _load(rx: Reader, site: Site, table: str) -> detect.History:
    released = quarantine.released_labels(rx, table)
    names: dict[int, tuple[str, ...]] = {}
    rows = []
    for row in profiles.history(rx, table, states=CURRENT):
        if row.vector_schema not in names:
            names[row.vector_schema] = profiles.vector_schema(rx, row.vector_schema)
        features = detect.Features.unpack(names[row.vector_schema], row.vector, row.domains)
        rows.append(detect.Row(row.label, features, trusted=row.label in released))
    history = detect.History.of(rows, memory=remembered.read(site, table))
    for accept in accepts.list_(rx, table):
        history = history.accepted(accept.since)
    return history
