"""Whether thirty bad partitions among the first three hundred, of which nobody told, cost recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.alerts import faults, judged
from benchmarks.alerts.faults import KINDS, Broken, Site
from benchmarks.alerts.tables import Table

HISTORY, BAD = 300, 30
STRENGTHS = (0.05, 0.2)
BROKEN_IN = 4  # partitions after the history


def fits(table: Table) -> bool:
    """Whether there are enough partitions after the history."""
    return len(table.partitions) >= HISTORY + 40


def bad(table: Table, seed: int) -> dict[str, pd.DataFrame]:
    """Thirty of the first three hundred partitions, each with one fault of a random kind, at 5% or 20% of the rows."""
    rng, kinds = np.random.default_rng([seed, 3]), list(KINDS.values())
    labels = list(table.partitions)[:HISTORY]
    found: dict[str, pd.DataFrame] = {}
    for i in rng.permutation(HISTORY):
        broken = _one(table, labels[i], kinds[int(rng.integers(len(kinds)))], rng)
        if broken is not None:
            found[labels[i]] = broken.frame
        if len(found) == BAD:
            break
    return found


def _one(table: Table, label: str, kind: faults.Kind, rng: np.random.Generator) -> Broken | None:
    frame = table.partitions[label]
    distinct = {c: int(n) for c, n in frame.nunique().items()}
    return kind(Site(table, label, frame, rng, distinct), float(rng.choice(STRENGTHS)))


def compared(table: Table, seed: int) -> dict[str, Any]:
    """Recall after a clean history and after the same one with bad partitions in it, on the same faults."""
    count = min(len(table.partitions), HISTORY + 60)
    table = replace(table, last=count)
    after = set(list(table.partitions)[HISTORY:])
    clean = tuple(label for label in table.clean if label in after)
    planted = list(faults.planted(table, faults.spread(clean, BROKEN_IN, seed), seed))
    planted = [f for f in planted if f.place != faults.ROWS and f.strength >= STRENGTHS[0]]
    before, instead = judged.replayed(table), bad(table, seed)
    since = judged.replayed(table, instead)
    return {
        "table": table.name,
        "bad": len(instead),
        "faults": len(planted),
        "clean": _recall(judged.cases(table, before, planted)),
        "contaminated": _recall(judged.cases(table, since, planted)),
        "alarmed": sum(since.judged[label].alarmed for label in clean),
        "alarmed_clean": sum(before.judged[label].alarmed for label in clean),
        "judged": len(clean),
    }


def _recall(cases: Sequence[judged.Case]) -> float:
    return sum(c.judged.alarmed for c in cases) / max(len(cases), 1)


def summed(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All tables, and how much recall (0 … 1) was lost over all faults."""
    total = sum(t["faults"] for t in found)
    lost = sum((t["clean"] - t["contaminated"]) * t["faults"] for t in found) / max(total, 1)
    return {"tables": list(found), "lost": lost}
