"""The fold over history: score a partition by those before it, then learn from it.

Everything learned is the state of one `Watch`. Scoring never looks ahead, so
the scores of past partitions say how loud a table usually is, and the alarm
threshold is set from them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import deque
from collections.abc import Mapping
from copy import copy

import numpy as np
import numpy.typing as npt

from interlock.detect import calibration, odds
from interlock.detect.baseline import Baseline, zeroed
from interlock.detect.calendar import HOURS, season
from interlock.detect.calibration import Evidence
from interlock.detect.copies import Copies
from interlock.detect.dated import Dated, as_number
from interlock.detect.features import CODES_MAX, PATTERN, TABLE, Array, Features, Key
from interlock.detect.invariants import AFTER, EPISODES, SETTLES, Never, Order, Range, Rare, widen
from interlock.detect.layout import Layout, Observation
from interlock.detect.novelty import Domain
from interlock.detect.scores import Scores
from interlock.profiles.dependency import Dependency

Mask = npt.NDArray[np.bool_]
_CLOCK_S = 1800.0  # a scale for moments: the hour that a clock is put forward or back by is no leap
_LASTS = 3  # partitions in a row after which a mild change is taken for the new normal
_OFTEN = 0.25  # of its rows: a dependency broken more often says nothing
_STAYS_OUT = 2.0  # a milder break alarms, and if it lasts it becomes normal
_LOSS_MATTERS = 0.2  # of the usual loss: losing less than this more, or less than usual, is no news
_CLOSE = 0.1  # of the way from a column's extreme to its middle: zero may be as far outside
_UNCOUNTED = 0.01  # share of one value of a column whose distinct values nobody counts
_FLAGS = 3  # values of numbers that are codes, up to so many; of more the next one is a record
_NULLS, _CALENDAR = "\x00nulls:", "\x00calendar:"


class Watch:
    """What was learned from a series of partitions. `copy` before learning on from a shared one."""

    def __init__(self, seasons: int = 7) -> None:
        self.seasons = seasons
        self.partitions = 0
        self.rows = 0
        self.layout = Layout()
        self.baseline = Baseline(seasons)
        self.never, self.rare, self.range, self.order = Never(), Rare(), Range(), Order()
        self.domains: dict[str, Domain] = {}
        self.dated = Dated()
        self.loudest: deque[float] = deque(maxlen=calibration.MEMORY)
        self.broken: dict[Evidence, deque[float]] = {
            e: deque(maxlen=calibration.MEMORY_BREAKS) for e in Evidence
        }
        self.share = calibration.FALSE_ALARMS  # of clean partitions that may alarm
        self._threshold: float | None = None
        self.swings: deque[Array] = deque(maxlen=calibration.MEMORY)  # each column's largest surprise
        self._matrix: tuple[int, Array] | None = None
        self.suspect_for = np.zeros(0, dtype=np.int64)  # partitions in a row
        self.loud_for: dict[str, int] = {}  # the same of what stays out
        self.loud_before: dict[str, int] = {}  # how often that ended
        self.copies = Copies()
        self.losses: dict[str, deque[float]] = {}  # the surprise of each model's loss in past partitions

    def copy(self) -> Watch:
        twin = Watch(self.seasons)
        twin.partitions, twin.rows = self.partitions, self.rows
        twin.layout, twin.baseline = self.layout.copy(), self.baseline.copy()
        for name in ("never", "rare", "range", "order"):
            state = getattr(self, name)
            setattr(twin, name, type(state)())
            getattr(twin, name).__dict__.update({k: v.copy() for k, v in vars(state).items()})
        twin.domains = {name: d.copy() for name, d in self.domains.items()}
        twin.dated = self.dated.copy()
        twin.loudest, twin.swings = self.loudest.copy(), self.swings.copy()
        twin.broken, twin.share = {e: past.copy() for e, past in self.broken.items()}, self.share
        twin.suspect_for, twin.loud_for = self.suspect_for, self.loud_for
        twin.loud_before = dict(self.loud_before)
        twin.copies = self.copies.copy()
        twin.losses = {model: past.copy() for model, past in self.losses.items()}
        return twin

    def to_judge(self) -> Watch:
        """The same knowledge, shared and so cheap, to `observe` and `judge` by; what is admitted needs `copy`."""
        twin = copy(self)
        twin._threshold = twin._matrix = None
        twin.layout, twin.baseline = self.layout.copy(), copy(self.baseline)
        twin.never, twin.rare, twin.range = copy(self.never), copy(self.rare), copy(self.range)
        twin.order = copy(self.order)
        return twin

    @property
    def threshold(self) -> float:
        """The surprise from which the number of rows alarms, and `calibration.BEYOND` times it other features."""
        if self._threshold is None:
            self._threshold = self.surprises.exceeded(self.share * calibration.OF_SURPRISES)
        return self._threshold

    @property
    def swap_threshold(self) -> float:
        """The surprise from which two columns that look like each other alarm."""
        return self.surprises.exceeded(calibration.generous(self.share) * calibration.OF_SWAPS)

    @property
    def thresholds(self) -> Array:
        """The surprise from which each feature alarms; a model's loss by its own past alone."""
        found = np.full(len(self.layout.keys), calibration.BEYOND * self.threshold)
        found[self.layout.at[Key(TABLE, "rows")]] = self.threshold
        found[self.layout.losses] = [
            self.loss_surprises(m).exceeded(calibration.generous(self.share) * calibration.OF_LOSSES)
            for m in self.models
        ]
        return found

    @property
    def models(self) -> list[str]:
        """Whose losses are known, along `Layout.losses`."""
        return [self.layout.keys[i].value or "" for i in self.layout.losses]

    def loss_surprises(self, model: str) -> calibration.Gumbel:
        """How the surprise of a model's loss is distributed where it loses more than expected."""
        return calibration.fit(self.losses.get(model, ()), 1)

    @property
    def surprises(self) -> calibration.Gumbel:
        """How the largest surprise of a clean partition is distributed."""
        return calibration.fit(self.loudest, int(self.layout.compared.sum()))

    @property
    def strictness(self) -> dict[Evidence, float]:
        """What the scores of each kind of invariant are multiplied by to be judged, so that 1 is the alarm."""
        if self.partitions < calibration.WEIGHTED_AFTER:
            return self._proven
        return {e: calibration.WEIGHTS[e] * by for e, by in self._proven.items()}

    @property
    def _proven(self) -> dict[Evidence, float]:
        """How strict the past alone allows to be with each kind: the more partitions have shown no break, the more.

        At the usual share never below 1.
        """
        by_odds = math.log(odds.CHANCE * calibration.beside_usual(self.share)) / math.log(odds.CHANCE)
        share = self.share * calibration.OF_BREAKS
        return {
            e: 1.0 / min(by_odds, past.exceeded(share) if e.strict else by_odds)
            for e, past in self.breaks.items()
        }

    @property
    def breaks(self) -> dict[Evidence, calibration.Breaks]:
        """How often a clean partition breaks invariants of each kind, and by how much."""
        return {e: calibration.Breaks(np.array(past, dtype=np.float64)) for e, past in self.broken.items()}

    def at(self, share: float) -> Watch:
        """The same knowledge, alarming on this share of clean partitions. To judge by, not to learn on from."""
        if share == self.share:
            return self
        twin = self.to_judge()
        twin.share = share
        return twin

    @property
    def dependencies(self) -> tuple[Dependency, ...]:
        """What the next partition's rows are to be counted against: all that few rows of the past broke."""
        keys = self.layout.keys
        known = [i for i, k in enumerate(keys) if k.feature == "dependency"]
        often = 2.0 * math.asin(math.sqrt(_OFTEN))
        return tuple(
            Dependency.parse(keys[i].value or "")
            for i in known
            if self.baseline.count[i] < 2 or self.baseline.slow[i] <= often
        )

    def observe(self, label: str, moment: dt.datetime | None, features: Features) -> Observation:
        """A partition along the layout's keys; the state grows with the layout."""
        seen = self.layout.observe(label, moment, features)
        width = len(self.layout.keys)
        if width > len(self.baseline.count):
            self._threshold = None
            self.baseline.widen(width)
            widen(self.never, width)
            widen(self.rare, width)
            widen(self.range, width)
            if len(self.layout.columns) > len(self.order.rows):
                widen(self.order, len(self.layout.columns))
        return seen

    def score(self, seen: Observation) -> Scores:
        """How a partition stands against everything learned so far."""
        layout = self.layout
        explained = self._explained()
        every = self._surprise(seen)
        surprise = np.where(layout.compared & ~explained, every, np.nan)
        surprise[layout.losses] = every[layout.losses]
        surprise[layout.breaks] = np.maximum(surprise[layout.breaks], 0.0)  # fewer are no news
        baseline = zeroed(np.abs(surprise)) / self.thresholds
        baseline[layout.losses] *= self._matters(seen)
        rows = layout.row_counts(seen.errors)
        return Scores(
            surprise=surprise,
            baseline=baseline,
            never=self.never.score(seen.raw, rows, layout.places.never, layout.breaks, self._like_others()),
            loose=layout.loose,
            rare=self.rare.score(seen.raw, rows, layout.exact),
            range=np.where(explained, 0.0, self._range(seen)),
            order=self.order.score(self._nulls(seen), float(seen.rows)),
            new=self._new(seen),
            gone=self._gone(seen),
            calendar=self._calendar(seen),
            original=self.copies.original(seen.digest),
        )

    def judge(self, seen: Observation) -> Scores:
        """`score`, with invariants as strict as the table's past allows: 1 is the alarm."""
        return self.score(seen).stricter(self.strictness)

    def admit(
        self, seen: Observation, scores: Scores, *, trusted: bool = False, new_normal: bool = False
    ) -> None:
        """Learn from a partition; what raised a loud alarm stays out, unless a person trusts it.

        At a ``new_normal`` every level starts from this partition.
        """
        rows = self.layout.row_counts(seen.errors)
        loud = frozenset() if trusted else self._loud(scores)
        settled = frozenset(name for name in loud if self._settles(name))
        out, anew = self.layout.of_columns(loud - settled), self.layout.of_columns(settled)
        very = (scores.never >= _STAYS_OUT) | (scores.range >= _STAYS_OUT)
        suspect = ((scores.baseline >= 1) | very) & (not trusted)
        before = np.pad(self.suspect_for, (0, len(suspect) - len(self.suspect_for)))
        step = suspect & (anew | (~out & (before >= _LASTS)))
        self.baseline.admit(
            seen.values, seen.errors, season(seen.time, self.seasons), out, step | np.bool_(new_normal)
        )
        self.never.admit(seen.raw, rows, ~out)
        self.rare.admit(seen.raw, rows, self.layout.exact)
        far = scores.range >= _STAYS_OUT
        middle = np.where(self.layout.middles >= 0, self._middle(), np.nan)
        self.range.admit(seen.values, (~suspect | anew) & ~out, far, middle)
        self._admit_order(seen, scores, settled, trusted=trusted)
        for column, counts in seen.domains.items():
            domain = self.domains.setdefault(column, Domain())
            if column.removeprefix(PATTERN) in loud - settled:
                domain.recur(counts)
            else:
                domain.admit(counts, alarmed=not trusted and scores.new.get(column, 0.0) >= 1)
        self._admit_calendar(seen, scores, settled, trusted=trusted)
        self._admit_losses(scores, loud)
        loudest = scores.loudest((before == 0) & self.layout.compared)
        if not np.isnan(loudest) and not (loud - settled):
            self.loudest.append(loudest)
            self._threshold = None
            self.swings.append(self.by_column(scores.surprise))
        self._admit_breaks(scores)
        self.suspect_for = np.where(suspect & ~step, before + 1, 0)
        for name in self.loud_for.keys() - loud:
            self.loud_before[name] = self.loud_before.get(name, 0) + 1
        self.loud_for = {name: self.loud_for.get(name, 0) + 1 for name in loud - settled}
        self.copies.admit(seen.digest, seen.label)
        self.partitions += 1
        self.rows += seen.rows

    def _settles(self, name: str) -> bool:
        """Whether what is loud again is learned: it lasts, or it need not hold and came before and went."""
        if self.loud_for.get(name, 0) >= SETTLES:
            return True
        return self.loud_before.get(name, 0) >= EPISODES and self.layout.is_loose(name)

    def _loud(self, scores: Scores) -> frozenset[str]:
        """What a partition broke so loudly that it stays out: columns, texts of dependencies, relations."""
        loud = np.maximum(np.maximum(scores.never, scores.range), scores.baseline) >= _STAYS_OUT
        if scores.never.any():
            loud |= scores.never_stricter(self._proven) >= 1
        found = {self.layout.names[i] for i in np.flatnonzero(loud)}
        for column in {*scores.new, *scores.gone}:
            worst = max(scores.new.get(column, 0.0), *scores.gone.get(column, {}).values(), 0.0)
            if worst >= _STAYS_OUT:
                found.add(column.removeprefix(PATTERN))
        found |= {_NULLS + self.layout.columns[i] for i in scores.order.alarming().columns()}
        return frozenset(found | {_CALENDAR + column for column in scores.calendar})

    def _admit_breaks(self, scores: Scores) -> None:
        """A break that lasts is one event, however many partitions it alarms in."""
        if self.partitions < AFTER:
            return
        for evidence, score in scores.largest().items():
            past = self.broken[evidence]
            if not (past and past[-1] >= 1 and score >= 1):
                past.append(score)

    def _admit_losses(self, scores: Scores, loud: frozenset[str]) -> None:
        for i, model in zip(self.layout.losses, self.models, strict=True):
            surprise = float(scores.surprise[i])
            if not math.isnan(surprise) and self.layout.names[i] not in loud:
                self.losses.setdefault(model, deque(maxlen=calibration.MEMORY)).append(surprise)

    def limits(self) -> tuple[Array, Array]:
        """Below and above which a new extreme would raise an alarm, on the scale of each family."""
        strict = self.strictness[Evidence.RANGE]
        return self.range.limits(self._middle(), self._least(), self.layout.places, strict)

    def related(self, first: str, second: str) -> float:
        """Rank correlation (0 … 1) of how surprising two columns were in past partitions."""
        at = self.layout.column_at
        if first not in at or second not in at or len(self.swings) < 2 * AFTER:
            return 0.0
        pairs = self._swung()[:, [at[first], at[second]]]
        pairs = pairs[~np.isnan(pairs).any(axis=1)]
        if len(pairs) < 2 * AFTER:
            return 0.0
        ranks = pairs.argsort(axis=0).argsort(axis=0)
        together = np.asarray(np.corrcoef(ranks.T))
        return max(0.0, float(together[0, 1]))

    def _swung(self) -> Array:
        """`swings` as one matrix, (partitions, columns); NaN where a column was not there yet."""
        if self._matrix is None or self._matrix[0] != self.partitions:
            found = np.full((len(self.swings), len(self.layout.columns)), np.nan)
            for into, row in zip(found, self.swings, strict=True):
                into[: len(row)] = row
            self._matrix = (self.partitions, found)
        return self._matrix[1]

    # --- details ----------------------------------------------------------------------

    def by_column(self, surprise: Array) -> Array:
        """The largest surprise of each column, along `Layout.columns`; NaN where nothing is known."""
        largest = np.full(len(self.layout.columns), np.nan)
        np.fmax.at(largest, self.layout.owners, np.abs(surprise[self.layout.owned]))
        return largest

    def _matters(self, seen: Observation) -> Mask:
        """Whether each model loses clearly more than usual; a loss that is steady to the percent has its ups too."""
        at = self.layout.losses
        usual = self.baseline.expected(season(seen.time, self.seasons))[at]
        return np.asarray(seen.values[at] - usual >= math.log(1.0 + _LOSS_MATTERS))

    def _surprise(self, seen: Observation) -> Array:
        return self.baseline.surprise(seen.values, seen.errors, season(seen.time, self.seasons))

    def _explained(self) -> Mask:
        """Features of columns that only repeat the partition's date."""
        if self.partitions < AFTER or not self.dated.follows:
            return np.zeros(len(self.layout.keys), dtype=bool)
        return self.layout.of_columns(self.dated.columns)

    def _nulls(self, seen: Observation) -> Array:
        return np.round(seen.raw[self.layout.places.nulls] * seen.rows)

    def _range(self, seen: Observation) -> Array:
        return self.range.score(seen.values, self.layout.places, self._middle(), self._least())

    def _least(self) -> Array:
        """What each extreme may move by for no reason, sampling or a clock that is put forward."""
        if self.seasons == HOURS:
            return self.baseline.error
        return np.where(self.layout.is_moment, _CLOCK_S, self.baseline.error)

    def _like_others(self) -> Array:
        """For each feature the share of rows that may be so by chance; 0 unless known.

        Where zero lies among a column's values or close by it is a value like others, and as frequent; where
        distinct values are not counted, as of fractions, it may be that of a hundred.
        """
        found = np.zeros(len(self.layout.keys))
        zeros, least, most, middle = self.layout.zeros.T
        low, high, middle = self.range.low[least], self.range.high[most], self.baseline.slow[middle]
        near = (low < _CLOSE * (middle - low)) & (high > -_CLOSE * (high - middle))
        counted = self.layout.distinct >= 0
        usual = np.where(counted, np.exp(-self.baseline.slow[self.layout.distinct]), _UNCOUNTED)
        found[zeros] = np.where(near, usual, 0.0)
        return found

    def _middle(self) -> Array:
        """For each extreme the middle of its column: the level of its median or mean length, else its own."""
        level = np.where(self.baseline.count > 0, self.baseline.slow, np.nan)
        return np.where(self.layout.middles >= 0, level[self.layout.middles], self.range.usual)

    def _new(self, seen: Observation) -> dict[str, float]:
        found = {}
        for column, counts in seen.domains.items():
            domain = self.domains.get(column)
            if domain is None or column in self.dated.follows or self._amounts(column, domain):
                continue
            codes = self.codes(column, counts)
            if (score := domain.score_new(codes, looks=len(seen.domains))) > 0:
                found[column] = score
        return found

    def codes(self, column: str, counts: Mapping[str, int]) -> Mapping[str, int]:
        """Of a column's values those that are judged as such, with their rows: not numbers that are records."""
        domain = self.domains[column]
        records = self._records(column, domain.unseen(counts)) if len(domain.seen) > _FLAGS else frozenset()
        return {v: n for v, n in counts.items() if v not in records} if records else counts

    def _records(self, column: str, new: Mapping[str, int]) -> frozenset[str]:
        """Numbers beyond a column's extremes, which are records and judged as such."""
        least, most = (self.layout.at.get(Key(column, name)) for name in ("min", "max"))
        if not new or least is None or most is None:
            return frozenset()
        low, high = self.range.low[least], self.range.high[most]
        numbers = {value: as_number(value) for value in new}
        return frozenset(v for v, x in numbers.items() if x is not None and not low <= x <= high)

    def _amounts(self, column: str, domain: Domain) -> bool:
        """Whether a column of numbers has shown too many values for codes."""
        return len(domain.seen) > CODES_MAX and Key(column, "mean") in self.layout.at

    def _gone(self, seen: Observation) -> dict[str, dict[str, float]]:
        found = {}
        for column, counts in seen.domains.items():
            domain = self.domains.get(column)
            if (
                domain is not None
                and column not in self.dated.follows
                and (scores := domain.score_gone(counts))
            ):
                found[column] = scores
        return found

    def _calendar(self, seen: Observation) -> dict[str, float]:
        if self.partitions < AFTER or not self.dated.follows:
            return {}
        return self.dated.score(seen, self.layout.single(seen))

    def _admit_calendar(
        self, seen: Observation, scores: Scores, settled: frozenset[str], *, trusted: bool
    ) -> None:
        if not seen.rows:
            return
        if self.partitions == 0:
            self.dated.begin(seen, self.layout.single(seen))
        elif trusted or not scores.calendar or any(_CALENDAR + c in settled for c in scores.calendar):
            self.dated.admit(seen, self.layout.single(seen))

    def _admit_order(
        self, seen: Observation, scores: Scores, settled: frozenset[str], *, trusted: bool
    ) -> None:
        admitted = np.ones(len(self.layout.columns), dtype=bool)
        for i in scores.order.alarming().columns():
            admitted[i] = trusted or _NULLS + self.layout.columns[i] in settled
        self.order.admit(self._nulls(seen), float(seen.rows), admitted)
