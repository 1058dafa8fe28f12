"""The figures of the page, from what was measured: shares, intervals, differences, targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.alerts.catalogue import TABLES
from benchmarks.alerts.compare import Array, Difference, Outcome, Trial, differences, precision
from benchmarks.alerts.faults import CONFINED, ROWS, STRENGTHS, UPSTREAM
from benchmarks.alerts.run import OURS, Measured, Planted
from benchmarks.alerts.tables import HELD_OUT, TUNING
from interlock.backtest.interval import wilson

Document = dict[str, Any]
BOOTSTRAP = 7


def heavy(p: Planted) -> bool:
    """A fault that touches 5% of a column's rows or more; faults in whole rows are reported beside these."""
    return p.place != ROWS and p.strength >= 0.05


def _at(strength: float, p: Planted) -> bool:
    return p.place != ROWS and p.strength == strength


def document(measured: Sequence[Measured]) -> Document:
    sets = {
        group: found
        for group in (HELD_OUT, TUNING)
        if (found := [m for m in measured if TABLES[m.table].group == group])
    }
    return {
        "tables": [_table(m) for m in measured],
        "sets": {name: _set(found) for name, found in sets.items()},
        "kinds": {name: kinds(found) for name, found in sets.items()},
        "peers": {name: _peers(found) for name, found in sets.items()},
    }


def _table(m: Measured) -> Document:
    ours, table = m.outcomes[OURS], TABLES[m.table]
    return {
        "name": m.table,
        "about": table.about,
        "group": table.group,
        "partitions": len(table.partitions),
        "columns": len(table.types),
        "not_clean": dict(table.not_clean),
        "early": {"alarmed": m.early[0], "clean": m.early[1]},
        "profile_ms": round(m.profile_ms, 2),
        "decision_ms": round(ours.decision_ms, 2),
        **_false_alarms(ours.alarmed),
        "faults": len(m.planted),
        "recall": {f"{s:g}": _recall([m], partial(_at, s)) for s in STRENGTHS},
    }


def _false_alarms(alarmed: Array) -> Document:
    hits, total = int(alarmed.sum()), len(alarmed)
    low, high = wilson(hits, total)
    return {"clean": total, "alarmed": hits, "rate": hits / max(total, 1), "low": low, "high": high}


def _recall(measured: Sequence[Measured], which: Callable[[Planted], bool]) -> Document:
    """Interlock's: caught, with interval, and of the caught the share that names the right column first."""
    caught, right, reached, total = 0.0, 0.0, 0.0, 0
    for m in measured:
        mask = _mask(m, which)
        ours = m.outcomes[OURS]
        caught += float(ours.caught @ mask)
        right += float(ours.first @ mask)
        reached += float(m.any_broken @ mask)
        total += int(mask.sum())
    low, high = wilson(round(caught), total)
    return {
        "faults": total,
        "caught": round(caught),
        "recall": caught / max(total, 1),
        "low": low,
        "high": high,
        "first": right / max(caught, 1),
        "first_or_made_from_it": reached / max(caught, 1),
    }


def _mask(m: Measured, which: Callable[[Planted], bool]) -> Array:
    return np.array([which(p) for p in m.planted], dtype=float)


def _set(measured: Sequence[Measured]) -> Document:
    """Interlock on a group of tables: false alarms, recall, and what is wanted."""
    alarms = _false_alarms(np.concatenate([m.outcomes[OURS].alarmed for m in measured]))
    some = _recall(measured, heavy)
    faults = [p for m in measured for p in m.planted]
    other = sum(p.place in (UPSTREAM, CONFINED) for p in faults) / max(len(faults), 1)
    return {
        "false_alarms": alarms,
        "from_5": some,
        "by_strength": {f"{s:g}": _recall(measured, partial(_at, s)) for s in STRENGTHS},
        "rows": {
            f"{s:g}": _recall(measured, lambda p, s=s: p.place == ROWS and p.strength == s) for s in STRENGTHS
        },
        "by_place": {
            place: _recall(measured, lambda p, place=place: p.place == place)
            for place in dict.fromkeys(p.place for p in faults)
        },
        "decision_ms": round(float(np.mean([m.outcomes[OURS].decision_ms for m in measured])), 2),
        "kinds": len({(p.place, p.kind) for p in faults}),
        "ways": len({p.kind for p in faults}),
        "upstream_or_confined": other,
        "precision": {f"{p:g}": precision(some["recall"], alarms["rate"], p) for p in (0.05, 0.01)},
    }


def kinds(measured: Sequence[Measured]) -> list[Document]:
    """Recall by place, kind and strength."""
    names = dict.fromkeys((p.place, p.kind) for m in measured for p in m.planted)
    found = []
    for place, kind in names:
        row: Document = {"place": place, "kind": kind}
        for s in STRENGTHS:
            r = _recall(measured, lambda p, s=s, k=(place, kind): (p.place, p.kind) == k and p.strength == s)
            row[f"{s:g}"] = [r["caught"], r["faults"]]
        found.append(row)
    return found


def _peers(measured: Sequence[Measured]) -> list[Document]:
    """Each other method: by its own threshold, and beside Interlock at Interlock's false-alarm rate.

    What was judged on a subset only is compared on that subset.
    """
    names = dict.fromkeys(n for m in measured for n in m.outcomes if n != OURS)
    found = [_peer(name, [m for m in measured if name in m.outcomes]) for name in names]
    libraries = dict.fromkeys(n for m in measured for n in m.slow)
    return found + [
        _peer(n, [m.slow[n] for m in measured if n in m.slow]) | {"subset": True} for n in libraries
    ]


def _peer(name: str, measured: Sequence[Measured]) -> Document:
    theirs = {m.table: m.outcomes[name] for m in measured}
    own = _false_alarms(np.concatenate([o.alarmed for o in theirs.values()]))
    masks = {m.table: _mask(m, heavy) for m in measured}
    recall = _weighted(theirs, masks, lambda o: o.caught)
    right = _weighted(theirs, {t: masks[t] * o.caught for t, o in theirs.items()}, lambda o: o.first)
    compared = compared_with(name, measured)
    return {
        "name": name,
        "own": own,
        "own_recall_from_5": recall,
        "own_first": right,
        "own_precision": {f"{p:g}": precision(recall, own["rate"], p) for p in (0.05, 0.01)},
        "decision_ms": round(float(np.mean([o.decision_ms for o in theirs.values()])), 2),
        "partitions": own["clean"],
        "faults": sum(len(o.scores) for o in theirs.values()),
        "compared": {group: _difference(d) for group, d in compared.items()},
        "behind": [group for group, d in compared.items() if d.behind],
    }


def compared_with(name: str, measured: Sequence[Measured]) -> dict[str, Difference]:
    """The paired differences to one method: all faults, from 5% of the rows, each strength, table and kind."""
    groups: dict[str, dict[str, Array]] = {}

    def group(title: str, which: Callable[[Measured, Planted], bool]) -> None:
        groups[title] = {m.table: _mask(m, lambda p, m=m: which(m, p)) for m in measured}

    group("all", lambda m, p: True)
    group("from 5%", lambda m, p: heavy(p))
    for s in STRENGTHS:
        group(f"strength {s:g}", lambda m, p, s=s: _at(s, p))
    for one in measured:
        group(f"table {one.table}", lambda m, p, name=one.table: m.table == name)
    for place, kind in dict.fromkeys((p.place, p.kind) for m in measured for p in m.planted):
        group(f"kind {place}: {kind}", lambda m, p, k=(place, kind): (p.place, p.kind) == k)
    return differences(
        [Trial(m.table, _labels(m)) for m in measured],
        {m.table: m.outcomes[OURS] for m in measured},
        {m.table: m.outcomes[name] for m in measured},
        groups,
        BOOTSTRAP,
    )


def _labels(m: Measured) -> Any:
    order = {label: i for i, label in enumerate(dict.fromkeys(p.label for p in m.planted))}
    return np.array([order[p.label] for p in m.planted], dtype=np.int64)


def _weighted(
    of: Mapping[str, Outcome], masks: Mapping[str, Array], what: Callable[[Outcome], Array]
) -> float:
    total = sum(float(masks[t].sum()) for t in of)
    return sum(float(what(o) @ masks[t]) for t, o in of.items()) / max(total, 1.0)


def _difference(d: Difference) -> Document:
    return {
        "ours": round(d.ours, 4),
        "peer": round(d.peer, 4),
        "difference": round(d.ours - d.peer, 4),
        "low": round(d.low, 4),
        "high": round(d.high, 4),
        "faults": d.faults,
    }
