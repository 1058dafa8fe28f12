"""The faults: what breaks, how many rows of it, and which columns are the right answer.

A fault changes at least its share of rows: rows are drawn among those in which the
value would really change, and a column without enough of them is no place for it.
Rows and columns are drawn by seed. Left alone are columns that name the partition
or hold one value. Values are put beside other rows (shuffled, off-by-one join)
only in columns that follow from others of the row: elsewhere no reader could tell.
Single values of a unique identifier are not frozen or merged into one another
except as "mixed-up keys", which breaks the key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.alerts.change import WAYS, Way, kind_of
from benchmarks.alerts.derived import differs, recomputed
from benchmarks.alerts.tables import Table

Frame = pd.DataFrame
Rng = np.random.Generator
STRENGTHS = (0.01, 0.05, 0.2)  # of rows
DIRECT, UPSTREAM, CONFINED, ROWS = "direct", "upstream", "confined", "rows"
LAGS = {0.01: 1, 0.05: 7, 0.2: 28}  # a stale partition has no share: how many partitions old it is

UPSTREAM_WAYS = (
    "nulls", "unit ×100", "unit ×1.609", "sign flipped", "default 0", "default -1", "default 9999",
    "frozen value", "noise", "time zone +5 h", "shuffled", "off-by-one join", "outliers", "clipped",
)  # fmt: skip
CONFINED_WAYS = (
    "nulls", "unit ×100", "unit ×1.609", "sign flipped", "default 0", "default 9999", "frozen value",
    "default 'unknown'", "letter case", "padding", "category merged", "time zone +5 h",
)  # fmt: skip


@dataclass(frozen=True)
class Broken:
    """A partition with a fault in it.

    ``columns`` are where the fault is, empty where it is the rows. ``touched`` are all whose
    values it changed, those made from the broken ones among them. ``share`` is the
    share of rows that changed.
    """

    label: str
    kind: str
    place: str
    strength: float
    columns: tuple[str, ...]
    touched: tuple[str, ...]
    share: float
    frame: Frame


@dataclass(frozen=True)
class Site:
    """A partition to break, with what a fault may need to know around it."""

    table: Table
    label: str
    frame: Frame
    rng: Rng

    def rows(self, strength: float) -> int:
        """How many rows a strength is, at least one."""
        return max(1, int(np.ceil(strength * len(self.frame))))

    def before(self, partitions: int) -> Frame | None:
        labels = list(self.table.partitions)
        at = labels.index(self.label) - partitions
        return self.table.partitions[labels[at]] if at >= 0 else None

    distinct: Mapping[str, int]  # of each column

    def columns(self) -> list[str]:
        """Columns that may break, in random order: neither naming the partition nor of a single value."""
        free = [c for c, n in self.distinct.items() if c not in self.table.dated and n > 1]
        return [free[i] for i in self.rng.permutation(len(free))]


Kind = Callable[[Site, float], Broken | None]


# --- values ----------------------------------------------------------------------------


def _fits(site: Site, column: str, way: Way) -> bool:
    values = site.frame[column]
    if kind_of(values) not in way.on or (way.bound and column not in site.table.bound):
        return False
    unique = site.distinct[column] > 0.95 * max(values.count(), 1)
    return not (unique and kind_of(values) == "text" and way.name in ("frozen value", "category merged"))


def _changed(site: Site, column: str, way: Way) -> tuple[pd.Series, np.ndarray]:
    """The values instead, in the column's own type, and the rows in which they really differ."""
    was = site.frame[column]
    new = way.change(was, site.rng)
    if site.table.types[column] == "BIGINT":
        new = new.round()
    real = differs(new, was)
    if not way.nulls:
        real &= new.notna().to_numpy()
    return new, np.flatnonzero(real)


def _put(frame: Frame, column: str, rows: np.ndarray, new: pd.Series) -> Frame:
    values = frame[column].copy()
    values.iloc[rows] = new.iloc[rows]
    return frame.assign(**{column: values})


def _broken(
    site: Site, kind: str, place: str, strength: float, columns: tuple[str, ...], frame: Frame
) -> Broken:
    """A fault that left rows where they were."""
    made = [d.column for d in site.table.derived] if place == UPSTREAM else []
    parts = {c: differs(frame[c], site.frame[c]) for c in dict.fromkeys((*columns, *made))}
    touched = tuple(c for c, d in parts.items() if d.any())
    share = float(np.mean(np.logical_or.reduce([parts[c] for c in columns])))
    return Broken(site.label, kind, place, strength, columns, touched, share, frame)


def direct(way: Way) -> Kind:
    """Values of one column, in rows anywhere; nothing is made from them afterwards."""

    def plant(site: Site, strength: float) -> Broken | None:
        wanted = site.rows(strength)
        for column in site.columns():
            if not _fits(site, column, way):
                continue
            new, rows = _changed(site, column, way)
            if len(rows) >= wanted:
                frame = _put(site.frame, column, site.rng.choice(rows, wanted, replace=False), new)
                return _broken(site, way.name, DIRECT, strength, (column,), frame)
        return None

    return plant


def upstream(way: Way) -> Kind:
    """Values of a column that others are made from: they are made from the broken values."""

    def plant(site: Site, strength: float) -> Broken | None:
        wanted, derived = site.rows(strength), site.table.derived
        sources = {s for d in derived for s in d.sources}
        for column in site.columns():
            if column not in sources or not _fits(site, column, way):
                continue
            new, rows = _changed(site, column, way)
            if len(rows) < wanted:
                continue
            frame = _put(site.frame, column, site.rng.choice(rows, wanted, replace=False), new)
            found = _broken(
                site, way.name, UPSTREAM, strength, (column,), recomputed(frame, site.frame, derived)
            )
            if len(found.touched) > 1:
                return found
        return None

    return plant


def confined(way: Way) -> Kind:
    """Values of one column where the rows come from one source: one airline, one store."""

    def plant(site: Site, strength: float) -> Broken | None:
        wanted = site.rows(strength)
        for column in site.columns():
            if not _fits(site, column, way):
                continue
            new, rows = _changed(site, column, way)
            for by in site.table.sources:
                if by == column:
                    continue
                within = _smallest(site.frame[by], rows, wanted)
                if within is not None:
                    frame = _put(site.frame, column, site.rng.choice(within, wanted, replace=False), new)
                    return _broken(site, way.name, CONFINED, strength, (column,), frame)
        return None

    return plant


def _smallest(by: pd.Series, rows: np.ndarray, wanted: int) -> np.ndarray | None:
    """The rows of the smallest source that has enough of them."""
    sources = by.iloc[rows]
    counts = sources.value_counts()
    counts = counts[counts >= wanted]
    if not len(counts):
        return None
    return rows[(sources == counts.idxmin()).to_numpy()]


def swapped(site: Site, strength: float) -> Broken | None:
    """Two columns of one type hold each other's values, in a share of rows."""
    wanted, columns, types = site.rows(strength), site.columns(), site.table.types
    for i, a in enumerate(columns):
        for b in columns[i + 1 :]:
            if types[a] != types[b] or kind_of(site.frame[a]) != kind_of(site.frame[b]):
                continue
            first, second = site.frame[a], site.frame[b]
            rows = np.flatnonzero(differs(first, second))
            if len(rows) >= wanted:
                rows = site.rng.choice(rows, wanted, replace=False)
                frame = _put(_put(site.frame, a, rows, second), b, rows, first)
                return _broken(site, "swapped columns", DIRECT, strength, (a, b), frame)
    return None


def filled(site: Site, strength: float) -> Broken | None:
    """Nulls came filled in: with the mean, or the most frequent value."""
    wanted = site.rows(strength)
    for column in site.columns():
        values = site.frame[column]
        rows = np.flatnonzero(values.isna())
        if len(rows) < wanted or kind_of(values) == "moment":
            continue
        one = values.mean().round(1) if kind_of(values) == "number" else values.mode().iloc[0]
        one = round(one) if site.table.types[column] == "BIGINT" else one
        new = pd.Series(one, index=values.index, dtype=values.dtype)
        frame = _put(site.frame, column, site.rng.choice(rows, wanted, replace=False), new)
        return _broken(site, "nulls filled", DIRECT, strength, (column,), frame)
    return None


def mixed_keys(site: Site, strength: float) -> Broken | None:
    """A share of rows hold the key of other rows."""
    key, wanted = site.table.key, site.rows(strength)
    if not key or site.frame.duplicated(list(key)).any():
        return None
    frame, rng = site.frame.copy(), site.rng
    if wanted * 2 > len(frame):
        return None
    rows = rng.permutation(len(frame))[: 2 * wanted]
    into, source = rows[:wanted], rows[wanted:]
    for column in key:
        values = frame[column].copy()
        values.iloc[into] = site.frame[column].iloc[source]
        frame[column] = values
    return _broken(site, "mixed-up keys", DIRECT, strength, key, frame)


# --- rows ------------------------------------------------------------------------------


def _of_rows(site: Site, kind: str, strength: float, columns: tuple[str, ...], frame: Frame) -> Broken:
    return Broken(site.label, kind, ROWS, strength, columns, columns, strength, frame.reset_index(drop=True))


def duplicated(site: Site, strength: float) -> Broken | None:
    """A part of the load came twice."""
    rows = site.rng.choice(len(site.frame), site.rows(strength), replace=False)
    frame = pd.concat([site.frame, site.frame.iloc[rows]])
    return _of_rows(site, "duplicated rows", strength, (), frame)


def truncated(site: Site, strength: float) -> Broken | None:
    """The load broke off: its last rows are missing."""
    frame = site.frame.iloc[: len(site.frame) - site.rows(strength)]
    return _of_rows(site, "truncated load", strength, (), frame)


def thinned(site: Site, strength: float) -> Broken | None:
    """Rows are missing here and there: a filter, or a join that found nothing."""
    gone = site.rng.choice(len(site.frame), site.rows(strength), replace=False)
    return _of_rows(site, "rows lost", strength, (), site.frame.drop(index=gone))


def lost_source(site: Site, strength: float) -> Broken | None:
    """All rows of one source are missing: the smallest source of at least this share of the rows."""
    wanted = site.rows(strength)
    sources = [site.table.sources[i] for i in site.rng.permutation(len(site.table.sources))]
    for by in sources:
        counts = site.frame[by].value_counts()
        counts = counts[(counts >= wanted) & (counts <= 0.6 * len(site.frame))]
        if len(counts):
            frame = site.frame[site.frame[by] != counts.idxmin()]
            return _of_rows(site, "lost source", strength, (by,), frame)
    return None


def stale(site: Site, strength: float) -> Broken | None:
    """An earlier partition under this one's date: one, seven or twenty-eight before."""
    before = site.before(LAGS[strength])
    if before is None:
        return None
    dated = {c: site.frame[c].iloc[0] for c in site.table.dated}
    return _of_rows(site, "stale partition", strength, (), before.assign(**dated))


def old_rows(site: Site, strength: float) -> Broken | None:
    """Rows of the partition before came again, under their own date."""
    before = site.before(1)
    if before is None or len(before) < site.rows(strength):
        return None
    rows = site.rng.choice(len(before), site.rows(strength), replace=False)
    return _of_rows(site, "old rows again", strength, (), pd.concat([site.frame, before.iloc[rows]]))


ROW_KINDS: dict[str, Kind] = {
    "duplicated rows": duplicated,
    "truncated load": truncated,
    "rows lost": thinned,
    "lost source": lost_source,
    "stale partition": stale,
    "old rows again": old_rows,
}
KINDS: dict[tuple[str, str], Kind] = {
    **{(DIRECT, name): direct(way) for name, way in WAYS.items()},
    (DIRECT, "swapped columns"): swapped,
    (DIRECT, "nulls filled"): filled,
    (DIRECT, "mixed-up keys"): mixed_keys,
    **{(ROWS, name): kind for name, kind in ROW_KINDS.items()},
    **{(UPSTREAM, name): upstream(WAYS[name]) for name in UPSTREAM_WAYS},
    **{(CONFINED, name): confined(WAYS[name]) for name in CONFINED_WAYS},
}


def planted(table: Table, labels: tuple[str, ...], seed: int) -> Iterator[Broken]:
    """Every kind and strength on each of these partitions that can show it, each in a place of its own."""
    number = {label: i for i, label in enumerate(table.partitions)}
    for label in labels:
        frame = table.partitions[label]
        distinct = {c: int(n) for c, n in frame.nunique().items()}
        for k, kind in enumerate(KINDS.values()):
            for s, strength in enumerate(STRENGTHS):
                rng = np.random.default_rng([seed, number[label], k, s])
                found = kind(Site(table, label, frame, rng, distinct), strength)
                if found is not None:
                    yield found


def spread(labels: tuple[str, ...], count: int, seed: int) -> tuple[str, ...]:
    """``count`` of these labels, one drawn from each of as many equal stretches."""
    rng = np.random.default_rng([seed, 1])
    parts = [p for p in np.array_split(np.arange(len(labels)), count) if len(p)]
    return tuple(labels[int(rng.choice(p))] for p in parts)
