"""Methods beside each other at the same false-alarm rate, and how sure the difference is.

A method's scores of a table's clean partitions and of its faults are all this needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
REPLICATES = 1_000


def caught_at(clean: Array, faults: Array, alarms: float) -> Array:
    """How far (0 … 1) each fault is caught by a threshold that ``alarms`` of the ``clean`` scores pass.

    A fault that ties with the threshold counts by the chance of being drawn among the ties, as
    the clean partitions that tie do; so every method pays exactly for the alarms it is given.

    >>> caught_at(np.array([1.0, 2.0, 3.0]), np.array([0.5, 2.5, 4.0]), alarms=1)
    array([0., 0., 1.])
    """
    if alarms >= len(clean):
        return np.ones(len(faults))
    limit = np.sort(clean)[::-1][int(alarms)]  # the loudest clean score that may not alarm
    above, ties = int((clean > limit).sum()), int((clean == limit).sum())
    return (faults > limit) + (faults == limit) * (alarms - above) / ties


@dataclass(frozen=True)
class Outcome:
    """One method on one table.

    ``clean`` and ``alarmed`` run along the table's clean partitions: score, and
    whether it alarmed by its own threshold. ``scores``, ``caught`` and ``first`` (the right
    column named first) run along its faults. ``decision_ms`` is the time for a partition.
    """

    clean: Array
    alarmed: Array
    scores: Array
    caught: Array
    first: Array
    decision_ms: float


@dataclass(frozen=True)
class Trial:
    """One table's faults: the partition each was planted in, as a number."""

    table: str
    labels: Numbers


@dataclass(frozen=True)
class Difference:
    """Recall of ours less that of the peer, at our false-alarm rate, with its 95% interval."""

    ours: float
    peer: float
    low: float
    high: float
    faults: int

    @property
    def behind(self) -> bool:
        """Significantly so."""
        return self.high < 0


def differences(
    trials: Sequence[Trial],
    ours: Mapping[str, Outcome],
    peer: Mapping[str, Outcome],
    groups: Mapping[str, Mapping[str, Array]],
    seed: int,
) -> dict[str, Difference]:
    """For each group (name → table → mask of its faults): the paired difference.

    Resamples each table's clean partitions and the partitions faults were planted in;
    the peer's threshold is set anew in each replicate, from the clean partitions drawn.
    """
    rng = np.random.default_rng(seed)
    sums = np.zeros((REPLICATES + 1, len(groups), 3))
    for trial in trials:
        mine, theirs = ours[trial.table], peer[trial.table]
        none = np.zeros(len(trial.labels))
        masks = np.stack([of.get(trial.table, none) for of in groups.values()])
        for i in range(REPLICATES + 1):
            clean, weight = _drawn(trial, len(mine.clean), rng if i else None)
            at = caught_at(theirs.clean[clean], theirs.scores, float(mine.alarmed[clean].sum()))
            sums[i] += masks @ (weight[:, None] * np.stack((mine.caught, at, np.ones(len(at))), axis=1))
    return {name: _difference(sums[:, g]) for g, name in enumerate(groups) if sums[0, g, 2]}


def _drawn(trial: Trial, clean: int, rng: np.random.Generator | None) -> tuple[Numbers, Array]:
    """Clean partitions, and how often each fault's partition was drawn; as they are without ``rng``."""
    if rng is None:
        return np.arange(clean), np.ones(len(trial.labels))
    there = np.unique(trial.labels)
    times = np.bincount(rng.integers(0, len(there), len(there)), minlength=len(there))
    return rng.integers(0, clean, clean), times[np.searchsorted(there, trial.labels)].astype(float)


def _difference(sums: Array) -> Difference:
    kept = sums[1:][sums[1:, 2] > 0]
    apart = (kept[:, 0] - kept[:, 1]) / kept[:, 2]
    low, high = np.quantile(apart, (0.025, 0.975)) if len(apart) else (0.0, 0.0)
    mine, theirs, count = sums[0]
    return Difference(mine / count, theirs / count, float(low), float(high), int(count))


def precision(recall: float, false_alarms: float, prevalence: float) -> float:
    """Of alarms, how many are right where this share (0 … 1) of partitions is faulty."""
    right, wrong = prevalence * recall, (1 - prevalence) * false_alarms
    return right / (right + wrong) if right + wrong else 0.0
