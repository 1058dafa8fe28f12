"""What alerts are about: each with the columns it names, before it and in it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from interlock.catalog import Reader, profiles
from interlock.detect.features import FAMILIES, Family, Key, value_text
from interlock.detect.wording import number, words
from interlock.names import Severity
from interlock.profiles.document import decode
from interlock.profiles.statistics.quantiles import SHARES
from interlock.report.facts import WHOLE, Change, Load, Number, Partition, Story, Subject, Told
from interlock.report.history import hidden
from interlock.report.read import Past, Vectors

_COLUMNS = 2  # columns of an alert that are compared
_NUMBERS = 6  # statistics of a column that are compared
_VALUES = 8  # values of a column that are compared
_USUAL = ("nulls", "distinct", "mean", "stddev")
_QUANTILES = frozenset(f for f, family in FAMILIES.items() if f.startswith("q") or family is Family.MOMENT)


@dataclass(frozen=True, slots=True)
class _Distribution:
    """How a column's values were spread: quantiles of numbers, or shares of values."""

    quantiles: Mapping[str, float]
    values: Mapping[str, float]


_Distributions = dict[int, dict[str, _Distribution]]


@dataclass(frozen=True, slots=True)
class _Compared:
    """An alert of a load beside ``before``, the versions it is compared with, oldest first."""

    load: Load
    told: Told
    before: Sequence[int]
    vectors: Vectors
    spread: _Distributions
    subject: Subject


def stories(
    rx: Reader, past: Past, shown: Sequence[Partition], subject: Subject, *, most: int, compared: int
) -> tuple[tuple[Story, ...], int]:
    """The newest alerts, the loudest of a partition first, and how many more there are. Notes give way first."""
    found = [(load, told) for p in reversed(shown) for load in reversed(p.loads) for told in load.alerts]
    loud = [pair for pair in found if pair[1].severity is not Severity.INFO]
    quiet = [pair for pair in found if pair[1].severity is Severity.INFO]
    chosen = (loud + quiet)[:most]
    earlier = _earlier(past, compared)
    spread = _distributions(rx, chosen, earlier, subject)
    told = tuple(
        _story(_Compared(load, alert, earlier[load.label], past.vectors, spread, subject))
        for load, alert in chosen
    )
    return told, len(found) - len(chosen)


def _earlier(past: Past, compared: int) -> dict[str, tuple[int, ...]]:
    """By label, the versions that readers saw before it, oldest first."""
    known: list[int] = list(past.before)
    found = {}
    for p in past.partitions:
        found[p.label] = tuple(known[-compared:])
        if p.read is not None:
            known.append(p.read.id)
    return found


def _named(told: Told, subject: Subject) -> list[str]:
    """The columns an alert is compared in; the whole table where it names none."""
    return [c for c in told.columns if not subject.hides(c)][:_COLUMNS] or ([] if told.columns else [WHOLE])


def _story(one: _Compared) -> Story:
    told, subject = one.told, one.subject
    columns = (*_named(told, subject), *(c for c in told.columns[:1] if subject.hides(c)))
    changes = [Change(column, tuple(_numbers(column, one)), *_change(column, one)) for column in columns]
    kept = tuple(c for c in changes if c.numbers or c.quantiles or c.values)
    return Story(one.load.label, one.load.standing, told, len(one.before), kept)


def _numbers(column: str, one: _Compared) -> Iterable[Number]:
    """What broke in a column first, then what is usually asked."""
    now = {k.feature: v for k, v in one.vectors.get(one.load.id, {}).items() if k.column == column}
    broken = [f.statistic for f in one.told.findings if f.of(column)]
    wanted = dict.fromkeys([*broken, *_USUAL, *(("rows",) if column == WHOLE else ())])
    shown = [s for s in wanted if s in now and s not in _QUANTILES and not hidden(column, s, one.subject)]
    for statistic in shown[:_NUMBERS]:
        key = Key(column, statistic)
        known = [v for id_ in one.before if (v := one.vectors.get(id_, {}).get(key)) is not None]
        usual = number(median(known), key.family) if known else "unknown"
        yield Number(words(key).removesuffix(f" of {column}"), usual, number(now[statistic], key.family))


# --- distributions --------------------------------------------------------------------


def _distributions(
    rx: Reader,
    chosen: Sequence[tuple[Load, Told]],
    earlier: Mapping[str, Sequence[int]],
    subject: Subject,
) -> _Distributions:
    """The distributions that are compared, from the stored profiles; each is read once."""
    wanted: dict[int, set[str]] = {}
    for load, told in chosen:
        columns = {c for c in _named(told, subject) if c != WHOLE}
        for id_ in (load.id, *earlier[load.label]) if columns else ():
            wanted.setdefault(id_, set()).update(columns)
    return {id_: _of_document(document, wanted[id_]) for id_, document in profiles.documents(rx, wanted)}


def _of_document(document: Mapping[str, Any], wanted: Collection[str]) -> dict[str, _Distribution]:
    pairs = zip(document["schema"], document["columns"], strict=True)
    return {
        name: _distribution(column["values"], kind, document["rows"])
        for (name, _, kind), column in pairs
        if name in wanted
    }


def _distribution(values: Mapping[str, Any], kind: str, rows: int) -> _Distribution:
    known = rows - int(values.get("nulls") or 0)
    if kind in ("text", "boolean") and known:
        counted = decode(values.get("domain")) or decode(values.get("top")) or []
        return _Distribution({}, {value_text(v): int(n) / known for v, n in counted if v is not None})
    if kind in ("integer", "float", "decimal"):
        at = {share: _finite(decode(v)) for share, v in (values.get("quantiles") or {}).items()}
        return _Distribution({share: v for share, v in at.items() if v is not None}, {})
    return _Distribution({}, {})


def _finite(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _change(
    column: str, one: _Compared
) -> tuple[tuple[tuple[str, float, float], ...], tuple[tuple[str, float, float], ...]]:
    """Quantiles and shares of values, each with the median of those before and the value now."""
    now = one.spread.get(one.load.id, {}).get(column)
    past = [d for id_ in one.before if (d := one.spread.get(id_, {}).get(column)) is not None]
    if now is None or not past:
        return (), ()
    quantiles = tuple(
        (share, median(known), now.quantiles[share])
        for share in SHARES
        if share in now.quantiles and (known := [d.quantiles[share] for d in past if share in d.quantiles])
    )
    listed = [d.values for d in past if d.values]
    if quantiles or not (listed or now.values):
        return quantiles, ()
    names = dict.fromkeys([*now.values, *(v for d in listed for v in d)])
    shares = [
        (v, median(d.get(v, 0.0) for d in listed) if listed else 0.0, now.values.get(v, 0.0)) for v in names
    ]
    shares.sort(key=lambda s: (-max(s[1], s[2]), s[0]))
    return (), tuple(shares[:_VALUES])
