"""A shop's workspace, for the tests that run beside an orchestrator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

import interlock

ODD = 'it\'s 100% "odd"; {{ drop }} {% x %} \\ <b>ünïcode</b>'
CONTRACT = f"""
version: 1
tables:
  orders:
    partition: day
    key: [id]
    owner: shop-team
    constraints:
      - {{sql: amount > 0, name: positive}}
      - {{sql: "status IN ('new', 'paid')", name: known_status, severity: ticket, block: false}}
      - {{sql: avg(discount) < 0.5, name: cheap}}
      - sql: amount < 1000000
        name: '{ODD.replace("'", "''")}'
  scans:
    attach: scans/day=*/*.parquet
    constraints:
      - {{sql: weight > 0, name: weighed}}
"""
FINE, NEGATIVE, UNKNOWN, UNSURE = "fine", "negative", "unknown", "unsure"
_ROW = {
    FINE: "i + 1 AS amount, 'paid' AS status, 0.1 AS discount",
    NEGATIVE: "i - 2 AS amount, 'paid' AS status, 0.1 AS discount",  # three rows break a rule that blocks
    UNKNOWN: "i + 1 AS amount, 'lost' AS status, 0.1 AS discount",  # every row breaks one that only alerts
    UNSURE: "i + 1 AS amount, 'paid' AS status, NULL::DOUBLE AS discount",  # nothing to average
}


@dataclass(frozen=True)
class Shop:
    """A project with a contract, and the files that come in."""

    folder: Path

    def file(self, day: str, how: str = FINE) -> str:
        """Ten orders of a day as a Parquet file."""
        path = self.folder / f"orders-{day}-{how}.parquet"
        duckdb.sql(f"COPY (SELECT DATE '{day}' AS day, i AS id, {_ROW[how]} FROM range(10) t(i)) TO '{path}'")
        return str(path)

    def scan(self, day: str, weight: int = 1) -> None:
        """A day of the attached table's files."""
        place = self.folder / "scans" / f"day={day}"
        place.mkdir(parents=True, exist_ok=True)
        duckdb.sql(f"COPY (SELECT i AS id, {weight} AS weight FROM range(10) t(i)) TO '{place}/a.parquet'")

    def write(self, day: str, how: str = FINE) -> interlock.Verdict:
        with self.open() as ws:
            return ws.table("orders").write(self.file(day, how), day)

    def published(self) -> list[str]:
        with self.open() as ws:
            return [p.label for p in ws.table("orders").partitions()]

    def release(self, day: str) -> None:
        with self.open() as ws:
            ws.table("orders").release(day, "refunds are right")

    def open(self) -> interlock.Workspace:
        return interlock.open(self.folder)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """An empty one, which ``$INTERLOCK_WORKSPACE`` names."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "interlock.yaml").write_text(CONTRACT, encoding="utf-8")
    interlock.open(folder).close()
    monkeypatch.setenv("INTERLOCK_WORKSPACE", str(folder))
    return Shop(folder)
