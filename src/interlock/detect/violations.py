"""A partition's scores as violations that a person can read: what was seen, what was expected, how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from interlock.constraints.constraint import Violation
from interlock.detect import blame, stated, wording
from interlock.detect.calendar import season
from interlock.detect.calibration import Evidence
from interlock.detect.expected import Expected
from interlock.detect.features import PATTERN, TABLE, Key
from interlock.detect.invariants import STEADY, Apart
from interlock.detect.layout import Observation
from interlock.detect.rate import Rate
from interlock.detect.scores import Scores
from interlock.detect.watch import Watch
from interlock.names import Origin, Severity

PAGE_SCORE = 2.5  # louder than this wakes someone
MILD_SCORE = 1.5  # an invariant that is broken by less, by its odds alone, holds back nothing
COPIED_SCORE = 3.0  # hundreds of numbers that are all the same are no chance


def of(watch: Watch, seen: Observation, rate: Callable[[], Rate]) -> Iterator[Violation]:
    """What of a partition breaks what the watch learned; ``rate`` is asked only if anything does."""
    reading = Reading(watch, seen, watch.judge(seen), rate)
    return (v for part in PARTS for v in part(reading))


class Reading:
    """One partition's scores beside what was expected of it."""

    def __init__(self, watch: Watch, seen: Observation, scores: Scores, rate: Callable[[], Rate]) -> None:
        self.watch, self.seen, self.scores, self._rate = watch, seen, scores, rate

    @property
    def rate(self) -> Rate:
        """What a score means here."""
        return self._rate()

    @cached_property
    def strictness(self) -> dict[Evidence, float]:
        """What each kind of invariant's scores were multiplied by."""
        return self.watch.strictness

    def at_break(self, evidence: Evidence, score: float) -> float | None:
        """False alarms a year at an invariant's score."""
        return self.rate.at_break(evidence, score / self.strictness[evidence])

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value of each feature that raises no alarm in this season, in plain units."""
        return stated.bounds(
            self.watch, season(self.seen.time, self.watch.seasons), self.seen.time, self.seen.errors
        )

    @cached_property
    def usual(self) -> np.ndarray:
        """What is expected of each feature in this season, in plain units."""
        watch = self.watch
        expected = watch.baseline.expected(season(self.seen.time, watch.seasons))
        return watch.layout.plain(expected, self.seen.time)

    @property
    def history(self) -> str:
        return f"in {self.watch.partitions} partitions"

    def held(self, i: int) -> str:
        """In how many of the partitions learned from nothing broke an invariant: since the last that did."""
        never = self.watch.never
        last = "the last " if never.breaks[i] else ""
        return f"in {last}{never.partitions[i]:.0f} partitions"


def _baseline(reading: Reading) -> Iterator[Violation]:
    scores, layout = reading.scores, reading.watch.layout
    for i in np.flatnonzero(scores.baseline >= 1):
        key, (low, high) = layout.keys[i], reading.bounds
        if key.feature in ("dependency", "loss"):
            continue
        family = key.family
        limit = f"{wording.number(low[i], family)} … {wording.number(high[i], family)}"
        yield _violation(
            key,
            name=wording.name(key),
            observed=f"{wording.words(key)} = {wording.number(reading.seen.raw[i], family)}",
            expected=f"{limit} (alarm at {reading.watch.thresholds[i]:.1f} times its usual swing)",
            score=float(scores.baseline[i]),
            per_year=reading.rate.at_surprise(abs(float(scores.surprise[i]))),
        )


def _loss(reading: Reading) -> Iterator[Violation]:
    """What a model loses beyond its own past; losing less is no news."""
    scores, seen, watch = reading.scores, reading.seen, reading.watch
    for i in watch.layout.losses:
        if scores.baseline[i] < 1:
            continue
        key, lost = watch.layout.keys[i], float(seen.raw[i])
        usual = reading.usual[i]
        yield _violation(
            key,
            name=wording.name(key),
            observed=f"{wording.words(key)} is {wording.number(lost)} a row, {_times(lost / usual)}",
            expected=f"about {wording.number(usual)}, at most {wording.number(reading.bounds[1][i])}",
            score=float(scores.baseline[i]),
            per_year=reading.rate.at_loss(key.value or "", float(scores.surprise[i])),
        )


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times the usual" if ratio < 1000 else "where it usually is next to nothing"


def _never(reading: Reading) -> Iterator[Violation]:
    scores, seen, layout = reading.scores, reading.seen, reading.watch.layout
    for i in np.flatnonzero(scores.never >= 1).tolist():
        key, share = layout.keys[i], float(seen.raw[i])
        if key.feature == "dependency":
            continue
        rows = int(np.round(share / seen.errors[i] ** 2))
        unit = "combinations" if key.feature == "key_gaps" else "rows"
        yield _violation(
            key,
            name=wording.name(key, stated.NEVER_NAMES[key.feature]),
            observed=f"{rows:,} {unit}, {wording.percent(share)}: {wording.words(key)}",
            expected=f"none, as {reading.held(i)} with {reading.watch.never.rows[i]:,.0f} {unit}",
            score=float(scores.never[i]),
            per_year=reading.at_break(Evidence.HELD, float(scores.never[i])),
            rows=rows,
            share=share,
            strictness=reading.strictness[Evidence.HELD],
        )


def _range(reading: Reading) -> Iterator[Violation]:
    scores, seen, watch = reading.scores, reading.seen, reading.watch
    if not (found := np.flatnonzero(scores.range >= 1)).size:
        return
    low, high = (watch.layout.plain(side, seen.time) for side in (watch.range.low, watch.range.high))
    for i in found:
        key = watch.layout.keys[i]
        if key.feature in STEADY and scores.baseline[i] >= 1:
            continue  # told already
        below = seen.values[i] < watch.range.low[i]
        record = wording.number((low if below else high)[i], key.family)
        yield _violation(
            key,
            name=wording.name(key, "range"),
            observed=f"{wording.words(key)} = {wording.number(seen.raw[i], key.family)}",
            expected=f"not {'below' if below else 'above'} {record} or little, the record {reading.history}",
            score=float(scores.range[i]),
            per_year=reading.at_break(Evidence.RANGE, float(scores.range[i])),
            strictness=reading.strictness[Evidence.RANGE],
        )


def _order(reading: Reading) -> Iterator[Violation]:
    order, watch, seen = reading.scores.order.alarming(), reading.watch, reading.seen
    columns, at = watch.layout.columns, watch.layout.places.nulls
    counts = np.round(seen.raw[at] * seen.rows)
    loud = np.nan_to_num(np.abs(reading.scores.surprise[at]))
    broken = np.bincount(np.concatenate([order.more, order.fewer]), minlength=len(columns))
    for a, b, word, score in _unrelated(order):
        # whoever breaks most relations is the culprit
        culprit, other = (a, b) if (broken[a], loud[a]) >= (broken[b], loud[b]) else (b, a)
        apart = abs(counts[a] - counts[b])
        yield _violation(
            Key(columns[culprit], "nulls"),
            name=f"{columns[a]}_nulls_{columns[b]}",
            observed=f"{columns[a]} has {counts[a]:,.0f} nulls, {columns[b]} {counts[b]:,.0f}",
            expected=f"{columns[a]} has {word} {columns[b]}, as {reading.history}",
            score=score,
            per_year=reading.at_break(Evidence.HELD, score),
            rows=int(apart),
            share=float(apart) / max(seen.rows, 1),
            columns=(columns[culprit], columns[other]),
            statistic="null relation",
            strictness=reading.strictness[Evidence.HELD],
        )


def _unrelated(order: Apart) -> Iterator[tuple[int, int, str, float]]:
    """Which columns' null counts, in what relation, and how surprising; nothing that other pairs explain."""
    unequal = order.equal >= 1
    known = np.union1d(order.more[unequal], order.fewer[unequal])
    explained = np.isin(order.more, known) & np.isin(order.fewer, known)
    for i in np.flatnonzero(unequal | ~explained):
        a, b, score = int(order.more[i]), int(order.fewer[i]), float(max(order.equal[i], order.below[i]))
        if unequal[i]:
            yield min(a, b), max(a, b), "as many nulls as", score
        else:
            yield a, b, "no more nulls than", score


def _dependency(reading: Reading) -> Iterator[Violation]:
    scores, seen, watch = reading.scores, reading.seen, reading.watch
    found = blame.Broken.of(watch, scores)
    for i in found.at:
        dependency, share = found.dependencies[i], float(seen.raw[i])
        tested = round(seen.errors[i] ** -2.0)
        held = Evidence.LOOSE if scores.loose[i] else Evidence.HELD
        by = {held: scores.never[i], Evidence.RARE: scores.rare[i], None: scores.baseline[i]}
        evidence = max(by, key=lambda e: by[e])
        score = float(by[evidence])
        usual = wording.percent(float(reading.bounds[1][i]))
        yield _violation(
            Key(found.culprit(i), "dependency"),
            name=wording.dependency(dependency),
            observed=f"{wording.percent(share)} of {tested:,} break: {dependency}",
            expected=f"none, as {reading.held(i)}" if evidence is held else f"at most {usual}",
            score=score,
            per_year=reading.at_break(evidence, score)
            if evidence
            else reading.rate.at_surprise(abs(float(scores.surprise[i]))),
            rows=round(share * tested),
            share=share,
            columns=found.ranked(i),
            strictness=reading.strictness[evidence] if evidence else None,
        )


def _new(reading: Reading) -> Iterator[Violation]:
    for column, score in reading.scores.new.items():
        if score < 1:
            continue
        domain = reading.watch.domains[column]
        counts = reading.seen.domains[column]
        new = domain.unseen(reading.watch.codes(column, counts))
        rows, total = sum(new.values()), sum(counts.values())
        what = "character pattern" if column.startswith(PATTERN) else "value"
        shown = ", ".join(repr(v) for v in sorted(new, key=lambda v: (-new[v], v))[:3]) + (
            " …" if len(new) > 3 else ""
        )
        yield _violation(
            Key(wording.shown(column), what),
            name=f"{wording.shown(column)}_{'patterns' if what != 'value' else 'domain'}",
            observed=f"{len(new)} new {what}{'s' if len(new) > 1 else ''} in {rows:,} rows: {shown}",
            expected=f"one of the {len(domain.seen):,} seen {reading.history}",
            score=score,
            per_year=reading.at_break(Evidence.NEW, score),
            rows=rows,
            share=rows / max(total, 1),
            statistic="domain" if what == "value" else "pattern",
            strictness=reading.strictness[Evidence.NEW],
        )


def _gone(reading: Reading) -> Iterator[Violation]:
    for column, values in reading.scores.gone.items():
        for value, score in values.items():
            if score < 1:
                continue
            least = reading.watch.domains[column].least[value]
            yield _violation(
                Key(wording.shown(column), "present"),
                name=f"{wording.shown(column)}_present",
                observed=f"no {value!r}",
                expected=f"at least {least:,} rows, as {reading.history}",
                score=score,
                per_year=reading.at_break(Evidence.GONE, score),
                statistic="present",
                strictness=reading.strictness[Evidence.GONE],
            )


def _calendar(reading: Reading) -> Iterator[Violation]:
    for column, score in reading.scores.calendar.items():
        parts = sorted(reading.watch.dated.follows[column])
        yield _violation(
            Key(column, "calendar"),
            name=f"{column}_calendar",
            observed=f"{column} does not hold the {' or '.join(parts)} of {reading.seen.label}",
            expected=f"one value, the partition's {' or '.join(parts)}, as {reading.history}",
            score=score,
            per_year=reading.rate.at_odds(score),
            statistic="calendar",
        )


def _copied(reading: Reading) -> Iterator[Violation]:
    original = reading.scores.original
    if original is not None:
        yield _violation(
            Key(TABLE, "copied"),
            name="data_new",
            observed=f"all {reading.seen.rows:,} rows are those of {original}, under another label",
            expected=f"other data than before, as {reading.history}",
            score=COPIED_SCORE,
            per_year=reading.rate.at_odds(COPIED_SCORE),
        )


def _swapped(reading: Reading) -> Iterator[Violation]:
    found = Expected(reading.watch, reading.seen).swapped(reading.watch.swap_threshold)
    if found is None or found[2] < 1:
        return
    first, second, score = found
    yield _violation(
        Key(first, "swapped"),
        name=f"{first}_swapped_{second}",
        observed=f"{first} looks like {second} and {second} like {first}",
        expected=f"each like its own past {reading.history}",
        score=score,
        per_year=reading.rate.at_surprise(score * reading.watch.swap_threshold),
        columns=(first, second),
        statistic="swapped",
    )


PARTS: tuple[Callable[[Reading], Iterator[Violation]], ...] = (
    _baseline,
    _loss,
    _never,
    _dependency,
    _range,
    _order,
    _new,
    _gone,
    _calendar,
    _copied,
    _swapped,
)


def _violation(
    key: Key,
    *,
    name: str,
    observed: str,
    expected: str,
    score: float,
    per_year: float | None,
    rows: int | None = None,
    share: float | None = None,
    columns: tuple[str, ...] = (),
    statistic: str | None = None,
    strictness: float | None = None,
) -> Violation:
    column = None if key.column == TABLE else key.column
    alone = score / (strictness or 1.0)
    return Violation(
        constraint=name,
        column=column,
        statistic=statistic or key.feature,
        observed=observed,
        expected=expected,
        rows=rows,
        share=share,
        severity=_severity(alone),
        score=round(score, 3),
        mild=strictness is not None and alone < MILD_SCORE,
        false_alarms_per_year=per_year,
        origin=Origin.LEARNED,
        blocking=False,
        segment=(key.segment, key.value) if key.segment else None,
        columns=columns or ((column,) if column else ()),
    )


def _severity(score: float) -> Severity:
    """By how unlikely it is in itself, not by how rarely this table shows anything like it."""
    return Severity.PAGE if score >= PAGE_SCORE else Severity.TICKET
