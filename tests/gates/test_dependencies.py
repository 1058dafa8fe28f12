"""What rows have to do with each other, learned and held at the write gate; sensitive values stay out of it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import interlock
from interlock.catalog import outbox
from interlock.names import Decision, Severity
from interlock.profiles.dependency import QUOTING
from tests.gates.conftest import FIRST, label


def test_a_row_whose_total_is_not_its_sum_is_alarmed_about_at_the_gate(tmp_path: Path) -> None:
    """Nothing is declared: that the total is net and tax together was learned from the rows."""
    with interlock.open(tmp_path / "ws") as ws:
        t = ws.table("sales", partition="day")
        t.backfill(pd.concat([_sales(n) for n in range(200)]))
        assert t.write(_sales(200), label(200)).alerts == ()
        broken = _sales(201)
        broken.loc[7, "total"] += 1
        verdict = t.write(broken, label(201))
    assert verdict.decision is Decision.PUBLISHED  # a learned constraint publishes and alerts
    (about,) = {v.columns for v in verdict.violations if v.statistic == "dependency"}
    assert set(about) == {"net", "tax", "total"}
    assert [v.rows for v in verdict.violations if v.statistic == "dependency"] == [1]
    assert any(a.severity is not Severity.INFO and set(a.columns) & set(about) for a in verdict.alerts)


def _sales(number: int) -> pd.DataFrame:
    rng = np.random.default_rng(number)
    net, tax = rng.integers(100, 900, (2, 300))
    day = FIRST + dt.timedelta(days=number)
    return pd.DataFrame({"day": [day] * 300, "net": net, "tax": tax, "total": net + tax})


@pytest.mark.parametrize("hidden", [(), ("Plan", "price")], ids=["open", "sensitive"])
def test_what_belongs_to_a_sensitive_value_is_nowhere_written_down(
    tmp_path: Path, hidden: tuple[str, ...]
) -> None:
    sensitive = f"    sensitive: [{', '.join(hidden)}]\n" if hidden else ""
    (tmp_path / "interlock.yaml").write_text(
        f"version: 1\ntables:\n  people:\n    partition: day\n{sensitive}"
    )
    with interlock.open(tmp_path / ".interlock") as ws:
        t = ws.table("people", partition="day")
        for n in range(9):
            t.write(_people(n), label(n))
        asked = t.history().watch().dependencies
        verdict = t.write(_people(9).assign(price=1.0), label(9))
        with ws.site.catalog.read() as rx:
            ledger = " ".join(row.entry.decode() for row in outbox.all_(rx))
    quoted = {c for d in asked if d.form in QUOTING for c in d.columns}
    assert ({"Plan", "price", "city"} <= quoted) is not bool(hidden)
    assert quoted.isdisjoint(hidden)
    assert "Ulmhausen" not in ledger and "plan 3" not in ledger
    if hidden:
        assert "plan 3" not in json.dumps(verdict.to_dict(), default=str)


def _people(number: int) -> pd.DataFrame:
    """Each plan has its price and its city."""
    plan = np.random.default_rng(number).integers(0, 6, 200)
    day = FIRST + dt.timedelta(days=number)
    plans = [f"plan {p}" for p in plan]
    cities = [f"Ulmhausen {p // 2}" for p in plan]
    return pd.DataFrame({"day": [day] * 200, "Plan": plans, "price": 10.0 * plan + 5, "city": cities})
