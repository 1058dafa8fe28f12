"""The history of columns: a few statistics each, with the range that held before and the points that broke it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from interlock.detect.features import FAMILIES, TABLE, Family, Key
from interlock.detect.wording import words
from interlock.names import Severity
from interlock.report.facts import WHOLE, Column, Load, Partition, Point, Series, Subject
from interlock.report.read import Past, Vectors

_REVEALS = frozenset(f for f, family in FAMILIES.items() if family in (Family.REAL, Family.MOMENT)) | {
    "stddev"
}
_MOST = 3  # statistics drawn of a column


def columns(
    past: Past, shown: Sequence[Partition], subject: Subject, *, most: int
) -> tuple[tuple[Column, ...], int]:
    """The whole table, then columns by how loudly and how often they broke something, then the rest.

    With how many columns are left out past the first ``most``.
    """
    names = list(past.types)
    broke: Counter[str] = Counter()
    worst: dict[str, tuple[int, float]] = {}
    for load in (load for p in shown for load in p.loads):
        for finding in load.findings:
            for name in finding.columns or (WHOLE,):
                broke[name] += 1
                loud = (finding.severity.rank, -finding.score)
                worst[name] = min(worst.get(name, loud), loud)
    names += [name for name in broke if name not in past.types and name != WHOLE]
    place = {name: i for i, name in enumerate(names)}
    known = _known(past, shown)
    ranked = sorted(names, key=lambda n: (*worst.get(n, (9, 0.0)), -broke[n], place[n]))
    found = tuple(
        Column(
            name=name,
            type=past.types.get(name, "").lower(),
            broke=broke[name],
            severity=list(Severity)[worst[name][0]] if name in worst else None,
            sensitive=subject.hides(name),
            series=tuple(_series(past, shown, name, known.get(name, ()), subject)),
        )
        for name in (WHOLE, *ranked[:most])
    )
    return found, max(len(ranked) - most, 0)


def _series(
    past: Past, shown: Sequence[Partition], column: str, known: Iterable[str], subject: Subject
) -> Iterator[Series]:
    drawn = _statistics(column, known, shown, subject)
    for statistic in drawn:
        yield _one(past, shown, Key(column, statistic), drawn)


def _known(past: Past, shown: Sequence[Partition]) -> dict[str, set[str]]:
    """The statistics that any load shown has, by column."""
    keys = set().union(*(past.vectors.get(load.id, {}) for p in shown for load in p.loads))
    found: dict[str, set[str]] = {}
    for key in keys:
        found.setdefault(key.column, set()).add(key.feature)
    return found


def _statistics(column: str, known: Iterable[str], shown: Sequence[Partition], subject: Subject) -> list[str]:
    """What is drawn of a column: what broke most often first, then what says most of it."""
    there = {s for s in known if not hidden(column, s, subject)}
    broken = Counter(
        f.statistic
        for p in shown
        for load in p.loads
        for f in load.findings
        if f.of(column) and not f.segment
    )
    usual = ("rows",) if column == WHOLE else ("mean" if "mean" in there else "distinct", "nulls")
    wanted = [*usual, *(statistic for statistic, _ in broken.most_common())]
    return [s for s in dict.fromkeys(wanted) if s in there][:_MOST]


def hidden(column: str, statistic: str, subject: Subject) -> bool:
    """Whether a statistic is not to be shown, since it tells of a sensitive column's values."""
    return statistic in _REVEALS and subject.hides(column)


def _one(past: Past, shown: Sequence[Partition], key: Key, drawn: Sequence[str]) -> Series:
    low, high = _range(past, shown, key)
    lows, highs, values = [], [], []
    for p in shown:
        lows.append(low)
        highs.append(high)
        now = value(past.vectors, p.read, key)
        values.append(now)
        if now is not None and _clean(p.read, key.column):
            low, high = (now, now) if low is None or high is None else (min(low, now), max(high, now))
    return Series(
        statistic=key.feature,
        words=words(key).removesuffix(f" of {key.column}") if key.column != TABLE else words(key),
        family=key.family.value,
        values=tuple(values),
        low=tuple(lows),
        high=tuple(highs),
        points=tuple(_points(past.vectors, shown, key, drawn)),
    )


def _range(past: Past, shown: Sequence[Partition], key: Key) -> tuple[float, float] | tuple[None, None]:
    """The smallest and largest value before the first partition shown."""
    counted = past.partitions[: len(past.partitions) - len(shown)]
    loads = [p.read for p in counted if _clean(p.read, key.column)]
    ids = [*past.before, *(load.id for load in loads if load is not None)]
    known = [v for id_ in ids if (v := past.vectors.get(id_, {}).get(key)) is not None]
    return (min(known), max(known)) if known else (None, None)


def _points(vectors: Vectors, shown: Sequence[Partition], key: Key, drawn: Sequence[str]) -> Iterator[Point]:
    for place, p in enumerate(shown):
        for load in p.loads:
            at = value(vectors, load, key)
            if at is not None and _broke(load, key, drawn):
                yield Point(place, at, load.standing.read)


def value(vectors: Vectors, load: Load | None, key: Key) -> float | None:
    """A feature of a load; None where there is none."""
    return vectors.get(load.id, {}).get(key) if load is not None else None


def _clean(load: Load | None, column: str) -> bool:
    """Whether nothing of a column broke in what readers see."""
    return load is not None and not any(f.of(column) for f in load.findings)


def _broke(load: Load, key: Key, drawn: Sequence[str]) -> bool:
    """Whether this statistic broke something; the first one drawn answers for those that are not."""
    broken = {f.statistic for f in load.findings if f.of(key.column)}
    return key.feature in broken or (key.feature == drawn[0] and bool(broken - {*drawn}))
