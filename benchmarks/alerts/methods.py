"""Other methods, in a few lines each, over the same profiles as Interlock.

Each judges partitions by the metrics of those before: a score of 1 is where the
method itself would alarm, as published. All see the whole past, good and bad, as Interlock does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.alerts.metrics import Array, Metrics

SOME = 1e-9
CERTAIN = 1e7  # beyond any z score: a broken constraint is no matter of degree


@dataclass(frozen=True)
class Judged:
    """Scores of partitions, and for each the column that stands out most ("" for the table)."""

    scores: Array
    columns: tuple[str, ...]


Judge = Callable[[Metrics, Metrics], Judged]  # the past, the partitions now


@dataclass(frozen=True)
class Method:
    name: str
    source: str
    judge: Judge


def z_score(past: Metrics, now: Metrics) -> Judged:
    """The largest distance from a metric's mean in standard deviations, over all metrics; alarms at 3.

    Shewhart, Economic Control of Quality of Manufactured Product, 1931.
    """
    return _largest(_z(past.values, now.values) / 3.0, now)


def redyuk(past: Metrics, now: Metrics) -> Judged:
    """Mean distance to the five nearest past partitions, metrics scaled to 0 … 1; alarms beyond 99% of the past.

    Redyuk, Kaoudi, Markl, Schelter: Automating Data Quality Validation for Dynamic Data
    Ingestion, EDBT 2021 (average k nearest neighbours, k = 5, contamination 1%). Its
    index of peculiarity is not in our profiles; lengths of texts stand in for it.
    """
    names = ("completeness", "distinct", "top", "mean", "stddev", "min", "max", "length_mean")
    past, now = past.of(names), now.of(names)
    low, high = _quiet(np.nanmin, past.values), _quiet(np.nanmax, past.values)
    wide = np.where(high > low, high - low, 1.0)
    known, new = _zero((past.values - low) / wide), _zero((now.values - low) / wide)
    limit = np.quantile(_neighbours(known, known, 5, skip=True), 0.99) + SOME
    apart = _parts(known, new)
    return Judged(_neighbours(known, new, 5) / limit, _names(now, apart))


def gate(past: Metrics, now: Metrics) -> Judged:
    """Distance to the three nearest past partitions in z scores averaged over clusters of columns; alarms past 95%.

    Shankar, Fawaz, Gyllstrom, Parameswaran: Moving Fast With Broken Data, 2023
    (arXiv 2303.06094), as in ``gate-drift`` 0.1.5: the partition is part of its own
    normalisation, clusters from ten columns on. The library also compares column names by
    a language model that has to be fetched; here columns cluster by their values alone.
    """
    names = ("completeness", "mean", "p50", "distinct", "top", "p95")
    past, now = past.of(names), now.of(names)
    groups = _clusters(past)
    known = _standard(past.values, past.values)
    limit = np.quantile(_neighbours(known @ groups, known @ groups, 3, skip=True), 0.95) + SOME
    scores, parts = [], []
    for row in now.values:
        both = np.vstack([past.values, row])
        both = _standard(both, both)
        at = np.abs(both) if groups.shape[0] != groups.shape[1] else both
        scores.append(float(_neighbours(at[:-1] @ groups, at[-1:] @ groups, 3)[0]) / limit)
        parts.append(np.abs(both[-1]))
    return Judged(np.array(scores), _names(now, np.array(parts)))


def validate_by_history(past: Metrics, now: Metrics) -> Judged:
    """The smallest chance, by Chebyshev's inequality or the normal tail, of any metric lying this far off.

    Tu, He, Cui, Ge, Zhang, Han, Zhang, Chaudhuri: Auto-Validate by History, KDD 2023: the
    part for single distributions. Metrics that drift are differenced first; the chance budget
    is shared by all metrics so that a clean partition alarms once in a hundred. Which constraints
    to keep is not learned from synthetic faults here: all are kept.
    """
    names = (
        *("rows", "completeness", "distinct", "uniqueness", "top", "mean", "stddev", "min", "max", "p50"),
        *("negatives", "length_mean", "length_min", "length_max"),
    )
    past, now = past.of(names), now.of(names)
    values, fresh = past.values, now.values
    steps = np.diff(values, axis=0)
    drifts = _quiet(np.nanstd, steps) < _quiet(np.nanstd, values)
    z = np.where(drifts, _z(steps, fresh - values[-1]), _z(values, fresh))
    averages = np.array([metric in ("completeness", "mean", "length_mean") for _, metric in now.names])
    chance = np.where(averages, _log_normal_tail(z), -np.log(np.maximum(z, 1.0) ** 2))
    budget = math.log(0.01 / max(len(now.names), 1))
    return _largest(chance / budget, now)


def deequ(past: Metrics, now: Metrics) -> Judged:
    """Rates of change and running normals over a history of metrics, and constraints suggested once.

    Schelter, Lange, Schmidt, Celikel, Biessmann, Grafberger: Automating Large-Scale Data
    Quality Verification, VLDB 2018, and Deequ's documentation: ``OnlineNormal`` at three
    deviations on each metric, ``RelativeRateOfChange`` of the size within 0.5 … 2, and of its suggested
    constraints those on completeness, sign and uniqueness, from the first 60 partitions.
    """
    names = ("rows", "completeness", "distinct", "mean", "stddev", "min", "max", "length_min", "length_max")
    some, new = past.of(names), now.of(names)
    z = _z(some.values, new.values) / 3.0
    size = now.names.index(("", "rows"))
    change = now.values[:, size] / max(past.values[-1, size], 1.0)
    rate = np.maximum(change, 1.0 / np.maximum(change, SOME)) / 2.0
    z[:, new.names.index(("", "rows"))] = np.maximum(z[:, new.names.index(("", "rows"))], rate)
    found, broken = _largest(z, new), _suggested(past, now)
    scores = np.where(broken.scores > SOME, CERTAIN * (1.0 + broken.scores), 0.0)
    return Judged(
        np.maximum(found.scores, scores),
        tuple(
            b if s > f else a
            for a, b, f, s in zip(found.columns, broken.columns, found.scores, scores, strict=True)
        ),
    )


def _suggested(past: Metrics, now: Metrics) -> Judged:
    """By how much (0 … 1) constraints suggested from the first 60 partitions are broken.

    One that a partition since has broken is left out: its owner would have dropped it.
    """
    parts, kept = _breaks(past, now.values), ~(_breaks(past, past.values[60:]) > SOME).any(axis=0)
    return _largest(parts * kept, now)


def _breaks(past: Metrics, values: Array) -> Array:
    first, parts = past.values[:60], np.zeros_like(values)
    for i, (_, metric) in enumerate(past.names):
        column, value = first[:, i], values[:, i]
        if metric == "completeness":
            mean = float(np.nanmean(column))
            rows = float(np.nansum(past.values[:60, past.names.index(("", "rows"))]))
            least = 1.0 if mean == 1.0 else mean - 1.96 * math.sqrt(mean * (1 - mean) / max(rows, 1.0))
            least = 1.0 if mean == 1.0 else math.floor(least * 100) / 100
            parts[:, i] = np.maximum(least - value, 0.0)
        elif metric == "negatives" and not np.nansum(column):
            parts[:, i] = _zero(value)
        elif metric == "uniqueness" and np.nanmin(column, initial=1.0) == 1.0:
            parts[:, i] = _zero(1.0 - value)
    return _zero(parts)


METHODS: tuple[Method, ...] = (
    Method("z score", "Shewhart 1931", z_score),
    Method("Redyuk et al.", "EDBT 2021", redyuk),
    Method("GATE", "arXiv 2303.06094", gate),
    Method("Auto-Validate-by-History", "KDD 2023", validate_by_history),
    Method("Deequ-style", "VLDB 2018", deequ),
)

# --- arithmetic ------------------------------------------------------------------------


def _quiet(how: Callable[..., Array], values: Array) -> Array:
    """Along partitions; 0 for a metric that was never there."""
    safe = np.where(np.isnan(values).all(axis=0), 0.0, values)
    return np.asarray(how(safe, axis=0))


def _zero(values: Array) -> Array:
    return np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=1e12, neginf=-1e12)


def _standard(past: Array, now: Array) -> Array:
    """Signed z scores; a metric that never moved counts in millionths of its level."""
    mean, spread = _quiet(np.nanmean, past), _quiet(np.nanstd, past)
    spread = np.maximum(spread, 1e-6 * np.abs(mean) + SOME)
    return np.clip(_zero((now - mean) / spread), -1e6, 1e6)


def _z(past: Array, now: Array) -> Array:
    return np.abs(_standard(past, now))


def _log_normal_tail(z: Array) -> Array:
    """Logarithm of the normal distribution's two tails beyond z, from its asymptotic series past 5."""
    near = np.log([max(math.erfc(min(v, 5.0) / math.sqrt(2)), 1e-300) for v in z.ravel()]).reshape(z.shape)
    far = -0.5 * z**2 - np.log(np.maximum(z, 1.0) * math.sqrt(math.pi / 2))
    return np.where(z > 5, far, near)


def _largest(parts: Array, now: Metrics) -> Judged:
    return Judged(parts.max(axis=1), _names(now, parts))


def _names(now: Metrics, parts: Array) -> tuple[str, ...]:
    return tuple(now.names[i][0] for i in parts.argmax(axis=1))


def _distances(known: Array, new: Array) -> Array:
    """Euclidean, (new, known)."""
    square = (new**2).sum(axis=1)[:, None] + (known**2).sum(axis=1)[None, :] - 2 * new @ known.T
    return np.sqrt(np.maximum(square, 0.0))


def _neighbours(known: Array, new: Array, k: int, *, skip: bool = False) -> Array:
    """Mean distance to the k nearest; ``skip`` leaves out the nearest, which is the point itself."""
    near = np.partition(_distances(known, new), k, axis=1)[:, : k + 1]
    near.sort(axis=1)
    return np.asarray(near[:, 1:].mean(axis=1) if skip else near[:, :k].mean(axis=1))


def _parts(known: Array, new: Array) -> Array:
    """How far each metric lies from the nearest past partition's."""
    return np.abs(new - known[_distances(known, new).argmin(axis=1)])


def _clusters(past: Metrics) -> Array:
    """(metrics, clusters × metrics) averaging over clusters of columns; the identity below ten columns."""
    columns = sorted({c for c, _ in past.names})
    if len(columns) < 10:
        return np.eye(len(past.names))
    z = _standard(past.values, past.values)
    kinds = sorted({m for _, m in past.names})
    vectors = np.zeros((len(columns), len(kinds) * len(z)))
    for i, (column, metric) in enumerate(past.names):
        at = kinds.index(metric) * len(z)
        vectors[columns.index(column), at : at + len(z)] = z[:, i]
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), SOME)
    alike = unit @ unit.T
    of = _linked(1.0 - alike, _dimensions(alike))
    pairs = sorted({(of[columns.index(c)], m) for c, m in past.names})
    groups = np.zeros((len(past.names), len(pairs)))
    for i, (column, metric) in enumerate(past.names):
        groups[i, pairs.index((of[columns.index(column)], metric))] = 1.0
    return groups / groups.sum(axis=0)


def _dimensions(alike: Array) -> int:
    """How many principal components hold 95% of the similarities' variance."""
    singular = np.linalg.svd(alike - alike.mean(axis=0), compute_uv=False) ** 2
    return int(np.searchsorted(np.cumsum(singular) / max(singular.sum(), SOME), 0.95)) + 1


def _linked(apart: Array, clusters: int) -> list[int]:
    """Average linkage: the cluster of each column."""
    of, sizes, apart = np.arange(len(apart)), np.ones(len(apart)), apart.copy()
    np.fill_diagonal(apart, np.inf)
    for _ in range(len(of) - clusters):
        a, b = sorted(divmod(int(apart.argmin()), len(of)))
        joined = (sizes[a] * apart[a] + sizes[b] * apart[b]) / (sizes[a] + sizes[b])
        apart[a, :], apart[:, a] = joined, joined
        apart[b, :], apart[:, b], apart[a, a] = np.inf, np.inf, np.inf
        sizes[a] += sizes[b]
        of[of == b] = a
    return [sorted(set(of)).index(i) for i in of]


def first(past: Metrics, count: int) -> Metrics:
    """The first ``count`` partitions."""
    return Metrics(past.names, past.values[:count])


def some(of: Metrics, rows: Sequence[int]) -> Metrics:
    return Metrics(of.names, of.values[list(rows)])
