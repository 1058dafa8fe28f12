"""Features of many partitions along one list of keys, on the scale they are compared on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import numpy.typing as npt

from interlock.detect import copies
from interlock.detect.features import (
    PATTERN,
    SHARES_MAX,
    SHARES_NUMBER_MAX,
    Array,
    Family,
    Features,
    Key,
)
from interlock.detect.invariants import HIGH, LOW, Places
from interlock.profiles.dependency import EXACT, LOOSE, Dependency, Form

LOSS = "\x00loss:"  # prefix of the name that a model's loss goes by

_SIZES = frozenset({"mean", "stddev", "q05", "q25", "q50", "q75", "q95"})
_IDENTIFIER = re.compile(r"(?i:(?:^|[_\W])(?:id|key|code))$|[a-z](?:Id|ID|Key|Code)$")

Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

_LEAST = {Family.COUNT: 0.5, Family.AMOUNT: 1e-12}  # below, logarithms differ by nothing real

# Extremes and counts that are zero or news are judged as invariants only.
_NO_BASELINE = frozenset(
    {
        *("min", "max", "length_min", "length_max", "earliest", "latest"),
        *("key_duplicates", "row_duplicates", "key_gaps", "nans", "infinities", "negatives"),
        "loss",  # has a threshold of its own
    }
)


@dataclass(frozen=True, slots=True)
class Observation:
    """One partition's features along a layout's keys; NaN where there is none."""

    label: str
    time: dt.datetime | None
    rows: int
    raw: Array
    values: Array  # on the scale of each family
    errors: Array
    domains: Mapping[str, Mapping[str, int]]
    digest: str | None  # names the data (see `copies`)


def _compared(key: Key) -> bool:
    """Whether a feature has a baseline; how large identifiers are says nothing."""
    if key.feature in _SIZES and _IDENTIFIER.search(key.column):
        return False
    return key.feature not in _NO_BASELINE


def _form(key: Key) -> Form | None:
    return Dependency.parse(key.value or "").form if key.feature == "dependency" else None


def _name(key: Key) -> str:
    """What a feature is learned and kept out by: its column, the text of its dependency, the loss of its model."""
    if key.feature == "loss":
        return f"{LOSS}{key.value}"
    return key.value if key.feature == "dependency" and key.value else key.column


class Layout:
    """The list of keys. It only grows; `observe` adds keys it has not met."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.at: dict[Key, int] = {}
        self._indexes: dict[tuple[Key, ...], Index] = {}
        self._shares: dict[str, dict[str, int]] = {}
        self._masks()

    def copy(self) -> Layout:
        twin = Layout.__new__(Layout)
        twin.__dict__.update(self.__dict__)
        twin.keys, twin.at, twin._indexes = list(self.keys), dict(self.at), dict(self._indexes)
        twin._shares = {c: dict(v) for c, v in self._shares.items()}
        return twin

    def observe(self, label: str, time: dt.datetime | None, features: Features) -> Observation:
        """Align one partition's features with the keys."""
        index = self._index(features.keys)
        shares = self._shared(features.domains)
        raw, errors = np.full((2, len(self.keys)), np.nan)
        raw[index], errors[index] = features.values, features.errors
        where = [i for _, places in shares for i in places.values()]
        sizes = [len(places) for _, places in shares]
        counted = [n for counts, places in shares for n in map(counts.get, places, repeat(0))]
        totals = [max(sum(counts.values()), 1) for counts, _ in shares]
        raw[where] = np.array(counted) / np.repeat(totals, sizes)
        errors[where] = np.repeat([total**-0.5 for total in totals], sizes)
        values = self.scaled(raw, time)
        return Observation(
            label, time, features.rows, raw, values, errors, features.domains, copies.digest(features)
        )

    def _shared(
        self, domains: Mapping[str, Mapping[str, int]]
    ) -> list[tuple[Mapping[str, int], dict[str, int]]]:
        """Of each column with a share per value its counts, and where its values' shares are."""
        found, fresh = [], []
        for column, counts in domains.items():
            if column.startswith(PATTERN):
                continue
            known = self._shares.get(column, {})
            new = [] if counts.keys() <= known.keys() else [v for v in counts if v not in known]
            if len(known) + len(new) <= self._shares_max(column):
                found.append((counts, self._shares.setdefault(column, known)))
                fresh += [Key(column, "share", None, v) for v in new]
        self.extend(fresh)
        return found

    def _shares_max(self, column: str) -> int:
        return SHARES_MAX if Key(column, "length_mean") in self.at else SHARES_NUMBER_MAX

    def _index(self, keys: tuple[Key, ...]) -> Index:
        found = self._indexes.get(keys)
        if found is None:
            self.extend([k for k in keys if k not in self.at])
            found = self._indexes[keys] = np.array([self.at[k] for k in keys], dtype=np.intp)
        return found

    def extend(self, keys: list[Key]) -> None:
        """Make room for keys not met before."""
        if not keys:
            return
        for key in keys:
            self.at[key] = len(self.keys)
            if key.feature == "share" and key.value is not None:
                self._shares.setdefault(key.column, {})[key.value] = len(self.keys)
            self.keys.append(key)
        if all(key.feature == "share" for key in keys):
            self._share_masks(keys)
        else:
            self._masks()

    def _masks(self) -> None:
        families = [k.family for k in self.keys]
        self.is_share = np.array([f is Family.SHARE for f in families], dtype=bool)
        self.is_log = np.array([f in _LEAST for f in families], dtype=bool)
        self._least = np.array([_LEAST[f] for f in families if f in _LEAST])
        self.is_moment = np.array([f is Family.MOMENT for f in families], dtype=bool)
        self.compared = np.array([_compared(k) for k in self.keys], dtype=bool)
        self.breaks = np.array([k.feature == "dependency" for k in self.keys], dtype=bool)
        self.losses = np.flatnonzero([k.feature == "loss" for k in self.keys])
        self.names = [_name(k) for k in self.keys]
        self.loose = np.array([_form(k) in LOOSE for k in self.keys], dtype=bool)
        self.exact = np.flatnonzero([_form(k) in EXACT for k in self.keys])
        self.places = Places.of(self.keys)
        self.columns = [self.keys[i].column for i in self.places.nulls]
        self.column_at = number = {c: n for n, c in enumerate(self.columns)}
        owned = [
            (i, number[k.column]) for i, k in enumerate(self.keys) if k.column in number and k.segment is None
        ]
        ranged = [c for c in self.columns if Key(c, "min") in self.at and Key(c, "max") in self.at]
        self.ranged = ranged  # columns of numbers, and where their extremes are
        self.least = np.array([self.at[Key(c, "min")] for c in ranged], dtype=np.intp)
        self.most = np.array([self.at[Key(c, "max")] for c in ranged], dtype=np.intp)
        self.zeros = self._beside("zeros", "min", "max", "q50")
        counted = [self.at.get(Key(self.keys[i].column, "distinct"), -1) for i in self.zeros[:, 0]]
        self.distinct = np.array(counted, dtype=np.intp)  # beside `zeros`; -1 where they are not counted
        self._of: dict[frozenset[str], Mask] = {}
        self.middles = np.array([self._middle(k) for k in self.keys], dtype=np.intp)
        self.owned = np.array([i for i, _ in owned], dtype=np.intp)  # features of a column …
        self.owners = np.array([n for _, n in owned], dtype=np.intp)  # … and which

    def _share_masks(self, shares: list[Key]) -> None:
        """`_masks` after shares of new values alone, which change nothing about the other keys."""
        more = (0, len(shares))
        self.is_share, self.compared = (
            np.pad(m, more, constant_values=True) for m in (self.is_share, self.compared)
        )
        self.is_log, self.is_moment, self.breaks, self.loose = (
            np.pad(m, more) for m in (self.is_log, self.is_moment, self.breaks, self.loose)
        )
        self.middles = np.pad(self.middles, more, constant_values=-1)
        self.names = [*self.names, *(k.column for k in shares)]
        self._of = {}
        owned = [k for k in shares if k.column in self.column_at]
        self.owned = np.array([*self.owned, *(self.at[k] for k in owned)], dtype=np.intp)
        self.owners = np.array([*self.owners, *(self.column_at[k.column] for k in owned)], dtype=np.intp)

    def is_loose(self, name: str) -> bool:
        """Whether this is the text of a dependency that an odd row may break."""
        key = next((k for k in self.keys if k.value == name and k.feature == "dependency"), None)
        return key is not None and _form(key) in LOOSE

    def of_columns(self, columns: frozenset[str]) -> Mask:
        """Which features have any of these `names`."""
        found = self._of.get(columns)
        if found is None:
            found = self._of[columns] = np.array([name in columns for name in self.names], dtype=bool)
        return found

    def single(self, seen: Observation) -> dict[str, float]:
        """Columns of numbers that hold a single one in this partition, with it."""
        least, most = seen.raw[self.least], seen.raw[self.most]
        return {self.ranged[i]: float(least[i]) for i in np.flatnonzero(least == most)}

    def _beside(self, *features: str) -> Index:
        """Where these features of one column stand, a row a column, for columns that have all."""
        found = [[self.at.get(Key(c, f), -1) for f in features] for c in self.columns]
        return np.array([row for row in found if min(row) >= 0], dtype=np.intp).reshape(-1, len(features))

    def _middle(self, key: Key) -> int:
        """Where the middle of an extreme's column is; -1 where there is none, as of moments, which have borders."""
        if key.feature not in LOW | HIGH or key.segment is not None:
            return -1
        return next((self.at[k] for f in ("q50", "length_mean") if (k := Key(key.column, f)) in self.at), -1)

    def scaled(self, raw: Array, time: dt.datetime | None) -> Array:
        """Raw values on the scale of their family (see `Family`)."""
        values = raw.copy()
        with np.errstate(invalid="ignore"):
            values[self.is_share] = 2.0 * np.arcsin(np.sqrt(np.clip(raw[self.is_share], 0.0, 1.0)))
            values[self.is_log] = np.log(np.maximum(raw[self.is_log], self._least))
        if time is not None:
            values[self.is_moment] -= time.timestamp()
        return values

    def plain(self, values: Array, time: dt.datetime | None) -> Array:
        """The inverse of `scaled`."""
        raw = values.copy()
        raw[self.is_share] = np.sin(np.clip(values[self.is_share], 0.0, np.pi) / 2.0) ** 2
        raw[self.is_log] = np.exp(np.clip(values[self.is_log], -50.0, 700.0))
        if time is not None:
            raw[self.is_moment] += time.timestamp()
        return raw

    def row_counts(self, errors: Array) -> Array:
        """How many rows a share was counted over, from its sampling error."""
        return np.round(np.where(self.is_share & (errors > 0), errors, np.nan) ** -2.0)
