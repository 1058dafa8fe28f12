"""What was missed and what alarmed for nothing, on the tables settings are chosen on."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.alerts.judged import Case, Replay
from benchmarks.alerts.packages import DATA
from benchmarks.alerts.tables import Table


def written(table: Table, replay: Replay, cases: Sequence[Case]) -> Path:
    """One line a fault in ``<table>.faults.csv``, one a false alarm in ``<table>.false-alarms.csv``."""
    path = DATA / f"{table.name}.faults.csv"
    head = (
        "table",
        "label",
        "place",
        "kind",
        "strength",
        "columns",
        "caught",
        "first",
        "score",
        "named",
        "title",
    )
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(head)
        for case in cases:
            fault, said = case.fault, case.judged
            lines.writerow(
                (
                    *(table.name, fault.label, fault.place, fault.kind, fault.strength),
                    *("+".join(fault.columns), int(said.alarmed), int(first(case)), round(said.score, 3)),
                    *(" ".join(said.columns[:4]), said.titles[0] if said.titles else ""),
                )
            )
    with path.with_name(f"{table.name}.false-alarms.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("table", "label", "score", "titles"))
        for label in table.clean:
            said = replay.judged[label]
            if said.alarmed:
                lines.writerow((table.name, label, round(said.score, 3), " | ".join(said.titles)))
    return path


def first(case: Case) -> bool:
    """Whether the first column named is one the fault is in; of a fault in the rows any alarm is right."""
    right = case.fault.columns
    return case.judged.alarmed and (not right or bool(set(case.judged.columns[:1]) & set(right)))


def shown(table: Table, replay: Replay, cases: Sequence[Case]) -> str:
    """For the terminal: recall by kind and strength, the columns missed in most, and the false alarms."""
    lines = [f"## {table.name}: {_overall(cases)}"]
    alarmed = [label for label in table.clean if replay.judged[label].alarmed]
    lines.append(f"false alarms {len(alarmed)} of {len(table.clean)} clean partitions")
    lines += [f"  {label}: {replay.judged[label].titles[0]}" for label in alarmed]
    lines.append(f"{'place kind':36}{'1%':>8}{'5%':>8}{'20%':>8}  missed (1% / 5% / 20%)")
    for key in dict.fromkeys((c.fault.place, c.fault.kind) for c in cases):
        of = [c for c in cases if (c.fault.place, c.fault.kind) == key]
        strengths = sorted({c.fault.strength for c in cases})
        shares, missed = [], []
        for strength in strengths:
            some = [c for c in of if c.fault.strength == strength]
            caught = sum(c.judged.alarmed for c in some)
            shares.append(f"{caught}/{len(some)}" if some else "–")
            where = Counter("+".join(c.fault.columns) for c in some if not c.judged.alarmed)
            missed.append(" ".join(f"{k}×{n}" if n > 1 else k for k, n in where.most_common()))
        lines.append(f"{' '.join(key):36}" + "".join(f"{s:>8}" for s in shares) + "  " + " / ".join(missed))
    return "\n".join(lines)


def _overall(cases: Sequence[Case]) -> str:
    parts = []
    for strength in sorted({c.fault.strength for c in cases}):
        some = [c for c in cases if c.fault.strength == strength]
        caught = [c for c in some if c.judged.alarmed]
        right = sum(first(c) for c in caught) / max(len(caught), 1)
        parts.append(f"{strength:.0%} {len(caught) / len(some):.3f} (right first {right:.2f})")
    return "recall at " + ", ".join(parts)
