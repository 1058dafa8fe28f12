"""What a fault makes of values: one function for each way values go wrong.

Each takes a column's values and gives what would stand there instead, along the
same rows; null where a row cannot go wrong this way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

Rng = np.random.Generator
Change = Callable[[pd.Series, Rng], pd.Series]

TEXT, NUMBER, MOMENT = "text", "number", "moment"


def kind_of(values: pd.Series) -> str:
    """``text``, ``number`` or ``moment``; true and false count as text."""
    return {"f": NUMBER, "i": NUMBER, "M": MOMENT}.get(values.dtype.kind, TEXT)


@dataclass(frozen=True)
class Way:
    """A way values go wrong. ``on`` are the kinds of columns it can happen to.

    ``nulls``: null is what it makes. ``bound``: only columns that follow from others, because
    elsewhere nobody could tell a row's value from another row's.
    """

    name: str
    on: tuple[str, ...]
    change: Change
    nulls: bool = False
    bound: bool = False


def _times(factor: float) -> Change:
    return lambda s, r: s * factor


def _put(value: object) -> Change:
    return lambda s, r: pd.Series(value, index=s.index, dtype=s.dtype).where(s.notna())


def _null(values: pd.Series, rng: Rng) -> pd.Series:
    return pd.Series(None, index=values.index, dtype=values.dtype)


def _case(values: pd.Series, rng: Rng) -> pd.Series:
    return values.str.swapcase()


def _encoding(values: pd.Series, rng: Rng) -> pd.Series:
    """UTF-8 read as Latin-1: the first vowel was an accented one."""
    return values.str.replace(r"[AEIOUaeiou]", "Ã©", n=1, regex=True)


def _typo(values: pd.Series, rng: Rng) -> pd.Series:
    """Two neighbouring letters change places, somewhere."""

    def typo(text: object) -> object:
        if not isinstance(text, str) or len(text) < 2:
            return text
        at = int(rng.integers(0, len(text) - 1))
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]

    return values.map(typo).astype(values.dtype)


def _cut(values: pd.Series, rng: Rng) -> pd.Series:
    """A field of half the longest length: what does not fit is lost."""
    return values.str.slice(0, max(1, int(values.str.len().max() or 2) // 2))


def _frequent(values: pd.Series, rng: Rng) -> pd.Series:
    """Everything becomes the most frequent value: a join or a default that always finds the same."""
    return pd.Series(values.mode().iloc[0], index=values.index, dtype=values.dtype).where(values.notna())


def _renamed(values: pd.Series, rng: Rng) -> pd.Series:
    return values + "_v2"


def _new(values: pd.Series, rng: Rng) -> pd.Series:
    return pd.Series("other", index=values.index, dtype=values.dtype).where(values.notna())


def _noise(values: pd.Series, rng: Rng) -> pd.Series:
    """Errors of two standard deviations, in the column's own precision."""
    noisy = values + rng.normal(0, 2 * float(values.std() or 0), len(values))
    return noisy.round(_decimals(values))


def _outliers(values: pd.Series, rng: Rng) -> pd.Series:
    """Five to ten times as far above the largest value as the values reach."""
    reach = float(values.max() - values.min())
    far = pd.Series(values.max() + reach * rng.uniform(5, 10, len(values)), index=values.index)
    return far.where(values.notna()).round()


def _clipped(values: pd.Series, rng: Rng) -> pd.Series:
    """A sensor or a type that ends at the median: larger values stop there."""
    return values.clip(upper=float(values.median()))


def _coarse(values: pd.Series, rng: Rng) -> pd.Series:
    """Precision lost: two figures fewer than the largest value has."""
    figures = int(np.ceil(np.log10(max(float(values.abs().max()), 1e-9) + 1e-12)))
    return values.round(1 - figures)


def _whole(values: pd.Series, rng: Rng) -> pd.Series:
    return np.floor(values)


def _held(values: pd.Series, rng: Rng) -> pd.Series:
    """A reading that hangs: one row's value goes on and on."""
    known = values.dropna()
    one = known.iloc[int(rng.integers(0, len(known)))] if len(known) else None
    return pd.Series(one, index=values.index, dtype=values.dtype).where(values.notna())


def _shuffled(values: pd.Series, rng: Rng) -> pd.Series:
    return pd.Series(values.to_numpy()[rng.permutation(len(values))], index=values.index, dtype=values.dtype)


def _neighbour(values: pd.Series, rng: Rng) -> pd.Series:
    return values.shift(1, fill_value=values.iloc[-1]) if len(values) else values


def _later(values: pd.Series, rng: Rng) -> pd.Series:
    """Of dates, a midnight read in a zone behind: the day before."""
    dates = bool((values.dropna() == values.dropna().dt.normalize()).all())
    return values - pd.Timedelta(days=1) if dates else values + pd.Timedelta(hours=5)


def _epoch(values: pd.Series, rng: Rng) -> pd.Series:
    return pd.Series(pd.Timestamp(0), index=values.index, dtype=values.dtype).where(values.notna())


def _day_month(values: pd.Series, rng: Rng) -> pd.Series:
    """3 April read as 4 March; null where no such day exists."""
    day, month = values.dt.day, values.dt.month
    parts = {"year": values.dt.year, "month": day, "day": month}
    swapped = pd.to_datetime(pd.DataFrame(parts).where(day <= 12), errors="coerce")
    return (swapped + (values - values.dt.normalize())).astype(values.dtype)


def _decimals(values: pd.Series) -> int:
    known = values.dropna()
    return next((d for d in range(5) if np.allclose(known, known.round(d), atol=1e-9)), 6)


WAYS: dict[str, Way] = {
    way.name: way
    for way in (
        Way("nulls", (TEXT, NUMBER, MOMENT), _null, nulls=True),
        Way("unit ×100", (NUMBER,), _times(100)),
        Way("unit ×1000", (NUMBER,), _times(1000)),
        Way("unit ×1.609", (NUMBER,), _times(1.609344)),
        Way("sign flipped", (NUMBER,), _times(-1)),
        Way("default -1", (NUMBER,), _put(-1.0)),
        Way("default 0", (NUMBER,), _put(0.0)),
        Way("default 9999", (NUMBER,), _put(9999.0)),
        Way("default 'unknown'", (TEXT,), _put("unknown")),
        Way("empty text", (TEXT,), _put("")),
        Way("letter case", (TEXT,), _case),
        Way("encoding damage", (TEXT,), _encoding),
        Way("padding", (TEXT,), lambda s, r: s + " "),
        Way("typos", (TEXT,), _typo),
        Way("cut short", (TEXT,), _cut),
        Way("category merged", (TEXT,), _frequent),
        Way("category renamed", (TEXT,), _renamed),
        Way("new category", (TEXT,), _new),
        Way("time zone +5 h", (MOMENT,), _later),
        Way("default 1970", (MOMENT,), _epoch),
        Way("day and month swapped", (MOMENT,), _day_month),
        Way("frozen value", (NUMBER, TEXT), _held),
        Way("noise", (NUMBER,), _noise),
        Way("outliers", (NUMBER,), _outliers),
        Way("clipped", (NUMBER,), _clipped),
        Way("rounded", (NUMBER,), _coarse),
        Way("fraction lost", (NUMBER,), _whole),
        Way("shuffled", (TEXT, NUMBER, MOMENT), _shuffled, bound=True),
        Way("off-by-one join", (TEXT, NUMBER, MOMENT), _neighbour, bound=True),
    )
}
