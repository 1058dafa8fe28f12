"""What history expects of a partition, beside what the partition is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from interlock.detect.baseline import zeroed
from interlock.detect.calendar import season
from interlock.detect.features import Key
from interlock.detect.layout import Observation
from interlock.detect.watch import Mask, Watch

_LOCATIONS = ("min", "max", "q05", "q25", "q50", "q75", "q95")
_SWAP_GAIN = 0.4  # a swap must bring both columns this much closer
_SHAPE = ("mean", "stddev", "q05", "q25", "q50", "q75", "q95", "length_mean", "distinct")
_NEAR = 6.0  # swings; a column farther from another's past does not look like it
_NEARLY = 1.0 + 1e-9  # sums in another order differ in their last bits
_FAR = 10.0  # swings; farther says no more


class Expected:
    """A partition's features beside their expected values, in plain units."""

    def __init__(self, watch: Watch, seen: Observation) -> None:
        self._watch, self._seen = watch, seen
        at = season(seen.time, watch.seasons)
        self._scaled = watch.baseline.expected(at)
        self._swing = watch.baseline.deviation(self._scaled, seen.errors) * watch.baseline.tail()
        self._plain = watch.layout.plain(self._scaled, seen.time)

    def pair(self, column: str, feature: str) -> tuple[float, float] | None:
        """Observed and expected value of a feature, or None."""
        at = self._watch.layout.at.get(Key(column, feature))
        if at is None or np.isnan(self._seen.raw[at]) or np.isnan(self._plain[at]):
            return None
        return float(self._seen.raw[at]), float(self._plain[at])

    def direction(self, column: str, feature: str) -> float:
        """Positive where a feature lies above what is expected; 0 where unknown."""
        pair = self.pair(column, feature)
        return pair[0] - pair[1] if pair else 0.0

    def ratio(self, column: str) -> float | None:
        """By what factor a column's mean and spread both changed; None if they disagree."""
        pairs = [p for f in ("mean", "stddev", "q95") if (p := self.pair(column, f)) is not None]
        ratios = [a / b for a, b in pairs if a * b > 0]
        if len(ratios) < 2 or len(ratios) < len(pairs):
            return None
        middle = sorted(ratios)[len(ratios) // 2]
        return middle if all(abs(np.log(r / middle)) < 0.12 for r in ratios) else None

    def spread_ratio(self, column: str) -> float | None:
        """By what factor a column's standard deviation changed."""
        pair = self.pair(column, "stddev")
        return pair[0] / pair[1] if pair and pair[0] * pair[1] > 0 else None

    def multiples_of(self, column: str, factor: float) -> bool:
        """Whether every extreme and quantile of a column is a whole multiple of ``factor``."""
        values = [p[0] for f in _LOCATIONS if (p := self.pair(column, f)) is not None and p[0] != 0]
        return len(values) >= 3 and all(abs(v / factor - round(v / factor)) < 1e-9 for v in values)

    def swapped(self, threshold: float) -> tuple[str, str, float] | None:
        """Two columns that left their own past for each other's, and how clearly; None where there are none.

        Only columns that are at least half way to an alarm are looked at. A
        swap explains both at once, so less surprise of each is needed.
        """
        loud = self._watch.by_column(
            self._watch.baseline.surprise(
                self._seen.values, self._seen.errors, season(self._seen.time, self._watch.seasons)
            )
        )
        columns = [
            c
            for c, size in zip(self._watch.layout.columns, loud, strict=True)
            if size >= threshold / 2 and c not in self._watch.dated.follows
        ]
        for a, b in self.alike(columns):
            far = self._distance(a, a) + self._distance(b, b)
            return a, b, 2.0 * far / threshold
        return None

    def alike(self, columns: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Pairs of columns that each look like the other's past, in the order given."""
        may = self._may_look_like(columns)
        for i, j in np.argwhere(np.triu(may & may.T, 1)):
            if self.looks_like(columns[i], columns[j]) and self.looks_like(columns[j], columns[i]):
                yield columns[i], columns[j]

    @np.errstate(invalid="ignore", over="ignore")
    def _may_look_like(self, columns: Sequence[str]) -> Mask:
        """Pairs that `looks_like` may be true of, and some more. Most are too far apart in their first feature."""
        layout = self._watch.layout
        at = np.array([[layout.at.get(Key(c, f), -1) for c in columns] for f in _SHAPE], dtype=np.intp)
        seen, level = np.where(at >= 0, (self._seen.values[at], self._scaled[at]), np.nan)
        swing = self._swing[at]
        known = (~np.isnan(seen)).T.astype(float) @ ~np.isnan(level)
        own = zeroed(np.minimum(np.abs(seen - level) / swing, _FAR)) ** 2
        near = np.minimum(_SWAP_GAIN**2 * own.sum(axis=0) / np.maximum(known.diagonal(), 1), _NEAR**2)
        near[known.diagonal() < 2] = _NEAR**2
        first, second = np.nonzero(known >= 2)
        left = _NEARLY * near[first] * known[first, second]  # of the squared distance
        for feature in range(len(_SHAPE)):
            far = np.abs(seen[feature, first] - level[feature, second]) / swing[feature, second]
            left -= zeroed(np.minimum(far, _FAR)) ** 2
            kept = np.flatnonzero(left >= 0)
            first, second, left = first[kept], second[kept], left[kept]
        may = np.zeros((len(columns), len(columns)), dtype=bool)
        may[first, second] = True
        may[[self._has_new(c) for c in columns]] = True
        return may

    def _has_new(self, column: str) -> bool:
        """Whether a column holds a value that it never held."""
        domain, now = self._watch.domains.get(column), self._seen.domains.get(column)
        return domain is not None and now is not None and not now.keys() <= domain.seen.keys()

    def looks_like(self, column: str, other: str) -> bool:
        """Whether ``column`` now fits what is expected of ``other`` better than of itself, and well."""
        domains = self._watch.domains
        if column in domains and other in domains and column in self._seen.domains:
            now = self._seen.domains[column].keys()
            if now and not any(domains[n].open for n in (column, other)):
                own = len(now & domains[column].seen.keys()) / len(now)
                its = len(now & domains[other].seen.keys()) / len(now)
                if own != 1.0 or its != 1.0:
                    return its >= 0.9 and its > own
        return self._distance(column, other) < min(_SWAP_GAIN * self._distance(column, column), _NEAR)

    def _distance(self, column: str, other: str) -> float:
        """How far a column's features are from what is expected of another: root mean square, in its swings."""
        layout = self._watch.layout
        far = []
        for feature in _SHAPE:
            mine, its = layout.at.get(Key(column, feature)), layout.at.get(Key(other, feature))
            if (
                mine is None
                or its is None
                or np.isnan(self._scaled[its])
                or np.isnan(self._seen.values[mine])
            ):
                continue
            far.append(abs(self._seen.values[mine] - self._scaled[its]) / self._swing[its])
        return float(np.sqrt(np.mean(np.minimum(far, _FAR) ** 2))) if len(far) >= 2 else float("inf")
