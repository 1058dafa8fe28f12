"""History: the published partitions of a table, in order, and what they teach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from interlock.detect import calendar, memory
from interlock.detect.features import Features
from interlock.detect.watch import Watch
from interlock.names import partition_time


@dataclass(frozen=True, slots=True)
class Row:
    """One published partition.

    ``trusted`` where a person released it: what it broke is no invariant.
    ``new_normal`` where a person accepted it: levels start anew from it too.
    """

    label: str
    features: Features
    trusted: bool = False
    new_normal: bool = False


def _order(row: Row) -> float:
    moment = partition_time(row.label)
    return moment.timestamp() if moment else float("-inf")


@dataclass(frozen=True, slots=True)
class History:
    """Partitions by time (as given where labels are no dates). Immutable; `append` shares the past.

    >>> History.of([]).labels
    ()
    """

    rows: tuple[Row, ...] = ()
    _memory: bytes | None = field(default=None, compare=False, repr=False)
    _watch: list[Watch] = field(default_factory=list, compare=False, repr=False)

    @classmethod
    def of(cls, rows: Iterable[Row], *, memory: bytes | None = None) -> History:
        """A history of rows in any order; those whose labels are no dates keep theirs.

        ``memory`` is what an earlier `memory` gave: if its rows are the first of
        these, only the rest is learned from.
        """
        return cls(tuple(sorted(rows, key=_order)), memory)

    def memory(self) -> bytes:
        """What these partitions teach, as bytes to keep for the next process. A cache, safe to lose."""
        return memory.dump(self.watch(), self.rows)

    def remembered(self) -> int:
        """How many of the first rows the given memory already covers."""
        return memory.covered(self._memory, self.rows) if self._memory else 0

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(row.label for row in self.rows)

    def append(self, label: str, features: Features, *, trusted: bool = False) -> History:
        """With one more partition. Cheap when it is the latest one; a label already there is replaced."""
        row = Row(label, features, trusted)
        latest = not self.rows or _order(self.rows[-1]) <= _order(row)
        if not latest or label in self.labels:
            return History.of([*(r for r in self.rows if r.label != label), row])
        return self._followed(row)

    def replayed(self) -> Iterator[tuple[Row, History]]:
        """Each partition beside the history before it, as it was judged when it came."""
        before = History()
        for row in self.rows:
            yield row, before
            before = before._followed(row)

    def _followed(self, row: Row) -> History:
        longer = History((*self.rows, row))
        if self._seasons() == longer._seasons():
            watch = self.watch().copy()
            _learn(watch, row)
            longer._watch.append(watch)
        return longer

    def without(self, label: str) -> History:
        """The same partitions but this one: what judges a partition that is written again."""
        if label not in self.labels:
            return self
        return History.of((r for r in self.rows if r.label != label), memory=self._memory)

    def accepted(self, since: str) -> History:
        """The same partitions with a new normal that starts at ``since``."""
        moment = partition_time(since)
        if moment is None:
            at = self.labels.index(since) if since in self.labels else None
        else:
            at = next((i for i, r in enumerate(self.rows) if _order(r) >= moment.timestamp()), None)
        if at is None:
            return self
        rows = list(self.rows)
        rows[at] = replace(rows[at], trusted=True, new_normal=True)
        return History(tuple(rows), self._memory)

    def watch(self) -> Watch:
        """What these partitions teach; computed once. Don't change it."""
        if not self._watch:
            known = memory.load(self._memory, self.rows) if self._memory else None
            watch, count = (
                known if known and known[0].seasons == self._seasons() else (Watch(self._seasons()), 0)
            )
            for row in self.rows[count:]:
                _learn(watch, row)
            self._watch.append(watch)
        return self._watch[0]

    def _seasons(self) -> int:
        return calendar.seasons(calendar.times([r.label for r in self.rows[:8]]))


def _learn(watch: Watch, row: Row) -> None:
    if not row.features.rows:
        return
    seen = watch.observe(row.label, partition_time(row.label), row.features)
    watch.admit(seen, watch.score(seen), trusted=row.trusted, new_normal=row.new_normal)
