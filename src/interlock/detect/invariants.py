"""Invariants: what held in every partition of history, and the odds of a chance break.

Three kinds, each held for all features at once as arrays: shares that were
always zero, smallest and largest values, and the order or equality of two
columns' null counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from interlock.detect import odds
from interlock.detect.baseline import zeroed
from interlock.detect.features import Array, Key

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]

NEVER = frozenset(
    {
        *("key_duplicates", "row_duplicates", "key_gaps", "nulls", "zeros", "negatives"),
        *("nans", "infinities"),
        "dependency",
    }
)
STEADY = frozenset({"rows"})  # an extreme only while it is scheduled, not drawn
LOW = frozenset({"min", "length_min", "earliest", "q05"}) | STEADY
HIGH = frozenset({"max", "length_max", "latest", "q95"}) | STEADY
AFTER = 7  # partitions before an invariant is believed
SETTLES = 5  # partitions in a row after which even a loud change is normal: the world has changed
EPISODES = 2  # times that what need not hold was broken for a while, after which it is known to happen
_FORGIVEN = 2  # partitions that broke an invariant, published before anyone noticed
_BAD_SHARE = 0.03  # of partitions that may have been bad ones
_BAD_ROWS = 0.04  # of its rows, from which a partition that breaks a relation is one …
_BAD_ROWS_MIN = 3  # … and how many they must be
_FORGIVEN_AFTER = 15  # partitions since without a break, for each that broke it
_RANGE_SHARE = 0.15  # of the way from the middle to the record: a scale for records that hardly vary
_EQUAL_EVIDENCE = 7  # partitions in which two null counts agreed and were not zero
_ORDER_EVIDENCE = 10  # partitions in which the smaller one reached the larger, never passing it


def bad_ones(partitions: float) -> float:
    """How many of so many partitions may have been bad ones that nobody noticed."""
    return max(_FORGIVEN, _BAD_SHARE * partitions)


def _matches(keys: Sequence[Key], names: frozenset[str], *, segments: bool = False) -> Index:
    return np.array(
        [i for i, k in enumerate(keys) if k.feature in names and (segments or k.segment is None)],
        dtype=np.intp,
    )


class Never:
    """Shares that are zero. Arrays run along all features; ``partitions`` and ``rows`` count since the last break."""

    def __init__(self, width: int = 0) -> None:
        self.partitions = np.zeros(width)
        self.rows = np.zeros(width)
        self.breaks = np.zeros(width)  # partitions that were learned from although not zero
        self.bad = np.zeros(width)  # those of them in which so many rows broke it that they were bad ones
        self.known = np.zeros(width)  # partitions in all

    @property
    def clean(self) -> Mask:
        """Which were zero in every partition."""
        return np.asarray(self.breaks == 0)

    def believed(self) -> Mask:
        """Which were zero for long enough: always, or since a few bad partitions that nobody noticed.

        A few are two, or as many as few of many are where a break was so large that it was no odd row.
        """
        needed = np.maximum(AFTER, _FORGIVEN_AFTER * np.minimum(self.breaks, _FORGIVEN))
        few = (self.breaks - self.bad <= _FORGIVEN) & (self.bad <= _BAD_SHARE * self.known)
        return np.asarray(((self.breaks <= _FORGIVEN) | few) & (self.partitions >= needed))

    def score(self, values: Array, rows: Array, watched: Index, relations: Mask, chance: Array) -> Array:
        """How surprising shares are that were zero, of which ``chance`` may be no more than chance.

        Of what bad partitions broke more often only ``relations`` are judged, and large breaks:
        a season may bring what a column never held; it breaks no relation.
        """
        found = np.zeros(len(values))
        told = (values > 0) & ((self.breaks <= _FORGIVEN) | (relations & _many(values, rows)))
        held = watched[self.believed()[watched] & told[watched]]
        count = np.round(values[held] * rows[held])
        found[held] = odds.score(odds.never_seen(count, rows[held], self.rows[held], chance[held]))
        return found

    def admit(self, values: Array, rows: Array, admitted: Mask) -> None:
        here = admitted & ~np.isnan(values)
        broken = here & (values > 0)
        self.partitions = np.where(broken, 0.0, self.partitions + here)
        self.rows = np.where(broken, 0.0, self.rows + np.where(here, zeroed(rows), 0.0))
        self.breaks = self.breaks + broken
        self.bad = self.bad + (broken & _many(values, rows))
        self.known = self.known + here


def _many(values: Array, rows: Array) -> Mask:
    """Which are so many rows that the partition was a bad one."""
    share = zeroed(values)
    return np.asarray((share >= _BAD_ROWS) & (np.round(share * zeroed(rows)) >= _BAD_ROWS_MIN))


class Rare:
    """Dependencies that few rows break: how many rows of a partition may. Arrays run along all features.

    Rows come as a Poisson process of the past's rate. Where they come in bursts, past partitions were
    more surprising than that on average, and nothing is said.
    """

    def __init__(self, width: int = 0) -> None:
        self.partitions = np.zeros(width)
        self.events = np.zeros(width)
        self.rows = np.zeros(width)
        self.usual = np.zeros(width)  # mean surprise of past partitions, in nats
        self.most = np.zeros(width)  # largest share of any
        self.bursts = np.ones(width)  # the variance of the events of a partition over their mean
        self.bad = np.zeros(width)  # partitions in which so many rows broke it that they were bad ones
        self.fair = np.zeros(width)  # largest share of any other

    def surprise(self, values: Array, rows: Array, watched: Index) -> Array:
        """-log P of so many rows or more; 0 where there are no more than usual or nothing is known."""
        found = np.zeros(len(values))
        known = (self.partitions[watched] >= AFTER) & ~np.isnan(values[watched]) & (self.events[watched] > 0)
        at = watched[known & (self.events[watched] <= _RARE_SHARE * self.rows[watched])]
        events = self.events[at]
        rate = (events + np.sqrt(events) + 1.0) / self.rows[at] * rows[at]
        found[at] = -odds.poisson_tail(np.round(values[at] * rows[at]), rate) / np.maximum(
            self.bursts[at], 1.0
        )
        return found

    def score(self, values: Array, rows: Array, watched: Index) -> Array:
        surprise = self.surprise(values, rows, watched)
        looks = math.log(max(int(np.count_nonzero(self.events[watched])), 1))
        steady = (self.usual <= _RARE_STEADY) & (zeroed(values) > self._most(values, rows))
        return np.where(steady, odds.score(np.minimum(looks - surprise, 0.0)), 0.0)

    def _most(self, values: Array, rows: Array) -> Array:
        """The largest share that is known to happen; where few partitions were bad ones, not theirs."""
        few = (self.bad <= _BAD_SHARE * self.partitions) & _many(values, rows)
        return np.where(few, np.minimum(_RARE_FAIR * self.fair, self.most), self.most)

    def admit(self, values: Array, rows: Array, watched: Index) -> None:
        here = ~np.isnan(values)
        surprise = np.minimum(self.surprise(values, rows, watched), _RARE_CUT)
        gain = np.maximum(1.0 / (self.partitions + 1.0), _RARE_GAIN)
        self.usual = np.where(here, self.usual + gain * (surprise - self.usual), self.usual)
        expected = np.maximum(self.events, 1.0) / np.maximum(self.rows, 1.0) * zeroed(rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            burst = zeroed((zeroed(values) * zeroed(rows) - expected) ** 2 / expected)
        grown = here & (self.partitions >= AFTER)
        self.bursts += np.where(grown, gain * (np.minimum(burst, _RARE_BURST) - self.bursts), 0.0)
        self.partitions = self.partitions + here
        self.most = np.maximum(self.most, zeroed(values))
        many = _many(values, rows)
        self.bad = self.bad + many
        self.fair = np.where(many, self.fair, np.maximum(self.fair, zeroed(values)))
        kept = np.where(here, 1.0 - _RARE_GAIN, 1.0)
        self.events = kept * self.events + np.where(here, zeroed(values) * zeroed(rows), 0.0)
        self.rows = kept * self.rows + np.where(here, zeroed(rows), 0.0)


_RARE_SHARE = 0.1  # of rows; a larger share is measured well enough on its arcsine
_RARE_GAIN = 0.01
_RARE_STEADY = 0.7  # nats; a Poisson process shows less, the more so as its rate is taken high
_RARE_CUT = 12.0
_RARE_BURST = 100.0  # one is no reason to expect more of its kind
_RARE_FAIR = 2.0  # times the largest share of any partition that was no bad one


class Range:
    """Smallest and largest value ever, and how far the extremes usually lie inside."""

    def __init__(self, width: int = 0) -> None:
        self.partitions = np.zeros(width)
        self.low = np.full(width, np.inf)
        self.high = np.full(width, -np.inf)
        self.usual = np.zeros(width)
        self.apart = np.zeros(width)  # partitions whose extreme lay apart from the middle of its column
        self.beyond = np.zeros(width, dtype=bool)  # whether the last partition's stayed out
        self.episodes = np.zeros(width)  # how often one stayed out since a record was learned
        self.nearest = np.full(width, np.nan)  # the least extreme of these

    def known(self) -> Mask:
        """Whose records say something: an extreme lay apart from the middle in several partitions, or in none."""
        return np.asarray((self.partitions >= AFTER) & ((self.apart == 0) | (self.apart >= AFTER)))

    def _held(self, side: Array, places: Places) -> Mask:
        """Whose records on this side are judged: what is known, of counts where they are scheduled.

        Counts drawn at random have extremes several sampling errors (Poisson's, 1 / √count) away
        from the usual, a scheduled one's lie within one. Their values are logarithms.
        """
        found, at = self.known(), places.steady
        found[at] &= np.abs(side - self.usual)[at] <= np.exp(-self.usual[at] / 2)
        return found

    def margin(self, side: Array, middle: Array) -> Array:
        """The scale of an extreme's tail: what the record stands out by, over its expected height (Gumbel).

        Not below a share of the way from the ``middle``, where that is known.
        """
        height = np.log(np.maximum(self.partitions, 1.0)) + 0.58
        with np.errstate(invalid="ignore"):
            far = _RANGE_SHARE * np.abs(side - middle)
            return zeroed(np.maximum(np.abs(side - self.usual) / height, far))

    def score(self, values: Array, places: Places, middle: Array, least: Array) -> Array:
        """Scores of new records. ``least`` is what sampling alone moves each value by."""
        found = np.zeros(len(values))
        below, above = self._spreads(middle, least, places)
        sides = ((places.low, self.low, -1.0, below), (places.high, self.high, 1.0, above))
        for index, side, sign, scale in sides:
            held = index[self._held(side, places)[index] & ~np.isnan(values[index])]
            beyond = sign * (values[held] - side[held])
            whole = (values[held] % 1 == 0) & (side[held] % 1 == 0)  # the next whole number is no leap
            spread = np.maximum(scale[held], whole)
            floor = 1e-9 * np.maximum(np.abs(side[held]), 1e-9)
            log_odds = odds.record(beyond, np.maximum(spread, floor), self.partitions[held])
            if sign > 0:
                log_odds = np.maximum(log_odds, self._by_factor(values, held))
            found[held] = np.maximum(found[held], odds.score(log_odds) * _RANGE_STRICTNESS)
        return found

    def _spreads(self, middle: Array, least: Array, places: Places) -> tuple[Array, Array]:
        """`margin` on both sides, not below what sampling moves a value by.

        Of counts it is not below a part of that, nor below the other side's.
        """
        least, at = least.copy(), places.steady
        least[at] *= _STEADY
        low, high = (np.maximum(self.margin(side, middle), least) for side in (self.low, self.high))
        low[at] = high[at] = np.maximum(low, high)[at]
        return low, high

    def _by_factor(self, values: Array, held: Index) -> Array:
        """Log odds of largest values above zero by how many times the record they are; else -inf."""
        found = np.full(len(held), -np.inf)
        positive = self._positive()[held]
        at = held[positive]
        beyond = np.log(np.maximum(values[at] / self.high[at], 1e-300))
        found[positive] = odds.record(beyond, self._factor_margin(at), self.partitions[at])
        return found

    def _positive(self) -> Mask:
        """Whose largest values may be compared by factors."""
        return np.asarray((self.high > 0) & (self.usual > 0) & (self.partitions > 0))

    def _factor_margin(self, at: Index) -> Array:
        """The scale of the tail of these largest values on a logarithm; heavy tails have one, a distance fits none."""
        height = np.log(np.maximum(self.partitions[at], 1.0)) + 0.58
        scale: Array = np.log(self.high[at] / np.minimum(self.usual[at], self.high[at])) / height
        return np.maximum(np.minimum(scale, _FACTOR_MAX), 1e-9)

    def limits(
        self, middle: Array, least: Array, places: Places, strictness: float = 1.0
    ) -> tuple[Array, Array]:
        """Below and above which an extreme scores 1, where scores are multiplied by ``strictness``.

        Infinite where nothing is known. Whole numbers may go a little further.
        """
        strict = _RANGE_STRICTNESS * strictness
        needed = np.maximum(-math.log(odds.CHANCE) / strict - np.log(self.partitions + 1.0), 0.0)
        below, above = self._spreads(middle, least, places)
        with np.errstate(invalid="ignore"):
            low, high = self.low - needed * below, self.high + needed * above
        at = np.flatnonzero(self._positive())
        high[at] = np.maximum(high[at], self.high[at] * np.exp(needed[at] * self._factor_margin(at)))
        low = np.where(self._held(self.low, places), low, -np.inf)
        return low, np.where(self._held(self.high, places), high, np.inf)

    def admit(self, values: Array, admitted: Mask, loud: Mask, middle: Array) -> None:
        """Learn from a partition. What is ``loud`` stays out until its third episode.

        ``middle`` is that of each extreme's column; NaN where there is none.
        """
        self._recur(values, loud & ~admitted & ~np.isnan(values))
        here = admitted & ~np.isnan(values)
        self.partitions = self.partitions + here
        self.apart = self.apart + (here & (values != middle))
        value = np.where(here, values, 0.0)
        self.low = np.where(here, np.minimum(self.low, value), self.low)
        self.high = np.where(here, np.maximum(self.high, value), self.high)
        gain = np.maximum(1.0 / np.maximum(self.partitions, 1.0), 0.02)
        self.usual = np.where(here, self.usual + gain * (value - self.usual), self.usual)

    def _recur(self, values: Array, beyond: Mask) -> None:
        """What lies far beyond the record now and again does happen: the least of it becomes the record."""
        nearer = np.where(values > self.high, np.fmin(self.nearest, values), np.fmax(self.nearest, values))
        self.nearest = np.where(beyond, nearer, self.nearest)
        self.episodes = self.episodes + (beyond & ~self.beyond)
        self.beyond = beyond
        known = self.episodes > EPISODES
        self.high = np.where(known, np.fmax(self.high, self.nearest), self.high)
        self.low = np.where(known, np.fmin(self.low, self.nearest), self.low)
        self.nearest = np.where(known, np.nan, self.nearest)
        self.episodes = np.where(known, 0.0, self.episodes)


_FACTOR_MAX = 0.25  # largest scale of a tail by factors: beyond ten times the record is news in any
_STEADY = 0.15  # of what sampling moves a count by, that a scheduled one may
_RANGE_STRICTNESS = 0.6  # extremes are many and wild: alarm at CHANCE ** (1 / 0.6), about 3e-5


@dataclass(frozen=True, slots=True)
class Apart:
    """Pairs of columns whose null counts are not related as ever; arrays run along the few pairs there are."""

    more: Index  # the column with more nulls
    fewer: Index
    equal: Array  # how surprising it is that they differ; 0 where they need not be equal
    below: Array  # how surprising it is that the one has more; 0 where it may

    def alarming(self) -> Apart:
        """Those of the pairs that alarm."""
        loud = (self.equal >= 1) | (self.below >= 1)
        return Apart(self.more[loud], self.fewer[loud], self.equal[loud], self.below[loud])

    def columns(self) -> Index:
        return np.union1d(self.more, self.fewer)

    def largest(self) -> float:
        """The largest score; 0 where nothing broke."""
        return float(max(self.equal.max(initial=0.0), self.below.max(initial=0.0)))

    def times(self, factor: float) -> Apart:
        return replace(self, equal=self.equal * factor, below=self.below * factor)


class Order:
    """Which columns' null counts were never above another's; neither of two whose counts were always equal was."""

    def __init__(self, width: int = 0) -> None:
        self.below = np.ones((width, width), dtype=bool)
        self.agreed = np.zeros((width, width), dtype=np.int32)  # partitions with equal counts, and not zero
        self.rows = np.zeros(width)

    def held_equal(self) -> Mask:
        return np.asarray(self.below & self.below.T & (self.agreed >= _EQUAL_EVIDENCE))

    def held_below(self) -> Mask:
        return np.asarray(self.below & (self.agreed >= _ORDER_EVIDENCE))

    def score(self, nulls: Array, rows: float) -> Apart:
        """Scores of the pairs whose equality, or whose order, is broken; NaN breaks neither."""
        some, above = _above(nulls)
        at, fewer = np.nonzero(self.below[some] & above)
        more = some[at]
        agreed = self.agreed[more, fewer]
        equal = self.below[fewer, more] & (agreed >= _EQUAL_EVIDENCE)
        below = agreed >= _ORDER_EVIDENCE
        some = np.flatnonzero(equal | below)  # few of the many pairs a wide table has
        more, fewer = more[some], fewer[some]
        apart, known = nulls[more] - nulls[fewer], np.minimum(self.rows[more], self.rows[fewer])
        size = odds.score(odds.never_seen(apart, np.full(apart.shape, rows), known))
        return Apart(more, fewer, np.where(equal[some], size, 0.0), np.where(below[some], size, 0.0))

    def admit(self, nulls: Array, rows: float, admitted: Mask) -> None:
        counts = np.where(admitted, nulls, np.nan)
        some, above = _above(counts)
        self.below[some] &= ~above
        self.agreed[np.ix_(some, some)] += counts[some][:, None] == counts[some][None, :]
        self.rows = self.rows + np.where(np.isnan(counts), 0.0, rows)


def _above(counts: Array) -> tuple[Index, Mask]:
    """The columns with nulls, and above which others' counts theirs are, (with nulls, columns); NaN is none's."""
    some = np.flatnonzero(counts > 0)
    return some, counts[some][:, None] > counts


def widen(state: Never | Rare | Range | Order, width: int) -> None:
    """Make room for features (columns, for `Order`) not seen before."""
    fresh = type(state)(width)
    for name, array in vars(state).items():
        into = getattr(fresh, name)
        into[tuple(slice(0, n) for n in array.shape)] = array
        setattr(state, name, into)


@dataclass(frozen=True, slots=True)
class Places:
    """Where in the list of features each kind of invariant looks."""

    never: Index
    low: Index
    high: Index
    nulls: Index  # one per column
    steady: Index  # also among `low` and `high`

    @classmethod
    def of(cls, keys: Sequence[Key]) -> Places:
        return cls(
            _matches(keys, NEVER),
            _matches(keys, LOW),
            _matches(keys, HIGH),
            _matches(keys, frozenset({"nulls"})),
            _matches(keys, STEADY),
        )
