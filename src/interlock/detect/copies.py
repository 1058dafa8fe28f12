"""Partitions that came before: the same data under another label is a load that ran for the wrong date.

Two partitions are one if every number that was measured of them is the same, apart from
columns of a single value, such as the date that they are loaded under, and from moments.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from interlock.detect.features import Family, Features, Key
from interlock.detect.invariants import AFTER, SETTLES

_SELDOM = 1 / 150  # of the partitions that may be copies for one more to be news
_VARIED_MIN = 3  # columns of several values, below which two partitions may be alike by chance
_ROWS_MIN = 8  # the same
_ASKED = frozenset({"dependency", "loss"})  # not measured of every partition

Index = npt.NDArray[np.intp]


class Copies:
    """The partitions that came, by a digest of their data, and how often one came again."""

    def __init__(self) -> None:
        self.first: dict[str, str] = {}  # the label each came under first
        self.partitions = 0
        self.episodes = 0  # times that copies came, however many in a row; of the first partitions each
        self.run = 0  # copies in a row just now

    def copy(self) -> Copies:
        twin = Copies()
        twin.__dict__.update(vars(self), first=dict(self.first))
        return twin

    def original(self, digest: str | None) -> str | None:
        """The label of the partition that this one repeats, where that is news; None where it is not.

        A table that often holds the same again, such as a list that seldom changes, may do so. A
        source that stands still is known to after `SETTLES` copies in a row.
        """
        before = self.episodes - (self.run > 0)
        if digest is None or before > _SELDOM * self.partitions or self.run > SETTLES:
            return None
        return self.first.get(digest)

    def admit(self, digest: str | None, label: str) -> None:
        self.partitions += 1
        if digest is None:
            return
        again = digest in self.first
        self.episodes += again and (not self.run or self.partitions <= AFTER)
        self.run = self.run + 1 if again else 0
        self.first.setdefault(digest, label)


def digest(features: Features) -> str | None:
    """Names a partition's data; None where there is too little to tell partitions apart by."""
    several, always = _places(features.keys)
    varied = [at for alone, at in several.values() if not _single(features.values, alone)]
    if features.rows < _ROWS_MIN or len(varied) < _VARIED_MIN:
        return None
    numbers = features.values[np.concatenate([always, *varied])]
    with np.errstate(over="ignore"):
        rounded = numbers.astype("<f4")  # rows in another order sum to something else in the last digits
    return hashlib.sha256(f"{features.rows}".encode() + rounded.tobytes()).hexdigest()[:32]


def _single(values: npt.NDArray[np.float64], alone: tuple[int, int, int]) -> bool:
    """Whether a column holds one value or none: its distinct values say so, or its extremes."""
    distinct, least, most = alone
    if distinct >= 0:
        return not values[distinct] > 1
    return least >= 0 and not values[least] < values[most]


@lru_cache(maxsize=256)
def _places(keys: tuple[Key, ...]) -> tuple[dict[str, tuple[tuple[int, int, int], Index]], Index]:
    """For each column where its distinct values and extremes are, and its numbers; then where the table's are."""
    at = {key: i for i, key in enumerate(keys)}
    columns: dict[str, list[int]] = {}
    table: list[int] = []
    for i, key in enumerate(keys):
        if key.feature in _ASKED or key.family is Family.MOMENT or key.segment is not None:
            continue
        (columns.setdefault(key.column, []) if key.column else table).append(i)
    several = {
        c: (
            (at.get(Key(c, "distinct"), -1), at.get(Key(c, "min"), -1), at.get(Key(c, "max"), -1)),
            np.array(places, dtype=np.intp),
        )
        for c, places in columns.items()
    }
    return several, np.array(table, dtype=np.intp)
