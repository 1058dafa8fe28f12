"""``interlock incident negative-ages``: a report that reached the chief executive.

A customers table gets a partition a day. One day a changed export flips the
sign of every second age. Nothing fails: the column is still an integer, the
row count is right, no value is missing. The average goes into a report.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import interlock

if TYPE_CHECKING:
    from rich.console import RenderableType

DAYS = 30
ROWS = 1_000

_CUSTOMERS = """
SELECT DATE '2024-03-01' + CAST(d AS INTEGER) AS day,
       d * {rows} + i AS customer_id,
       CAST(18 + (i * 7919 + d * 104729) % 37 + (i * 611953 + d * 13) % 31 AS INTEGER) AS age,
       ['DE', 'FR', 'PL', 'NL'][1 + (i * 31 + d) % 4] AS country
FROM range({days}) days(d), range({rows}) people(i)
"""
_BROKEN = "SELECT * REPLACE (CASE WHEN customer_id % 2 = 0 THEN -age ELSE age END AS age) FROM last_day"


@dataclass(frozen=True, slots=True)
class NegativeAges:
    """What the report said with and without the gate; prints itself with Rich."""

    days: int
    rows: int
    broken_rows: int
    truth: float
    report_without: float
    report_with: float
    decision: str
    alert: str
    learned_alert: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def __rich__(self) -> RenderableType:
        from interlock.incidents.shown import negative_ages

        return negative_ages(self)


def run() -> NegativeAges:
    """Tell the story in a temporary workspace. Takes a few seconds."""
    import duckdb

    connection = duckdb.connect()
    try:
        prepare(connection)
        return _told(connection)
    finally:
        connection.close()


def prepare(connection: Any) -> None:
    """Make the tables ``history``, ``last_day`` and ``broken``, which is the last day as it came."""
    connection.execute("CREATE TABLE everything AS " + _CUSTOMERS.format(days=DAYS, rows=ROWS))
    connection.execute(
        "CREATE TABLE history AS FROM everything WHERE day < (SELECT max(day) FROM everything)"
    )
    connection.execute(
        "CREATE TABLE last_day AS FROM everything WHERE day = (SELECT max(day) FROM everything)"
    )
    connection.execute(f"CREATE TABLE broken AS {_BROKEN}")


def _told(connection: Any) -> NegativeAges:
    def number(query: str) -> float:
        return float(connection.sql(query).fetchall()[0][0])

    # The report covers the last day, as the one that went to the chief executive did.
    without = number("SELECT avg(age) FROM broken")
    with tempfile.TemporaryDirectory() as folder, interlock.open(Path(folder) / "workspace") as ws:
        customers = ws.table("customers", partition="day", key=["customer_id"])
        customers.backfill(connection.sql("FROM history"))
        learned = customers.check(connection.sql("FROM broken"))
        customers.require("age BETWEEN 0 AND 120")
        refused = customers.write(connection.sql("FROM broken"))
        held_back = ws.sql("SELECT avg(age) FROM customers WHERE day = (SELECT max(day) FROM customers)")
        reported = float(held_back.fetchall()[0][0])
    return NegativeAges(
        days=DAYS,
        rows=DAYS * ROWS,
        broken_rows=int(number("SELECT count(*) FROM broken WHERE age < 0")),
        truth=number("SELECT avg(age) FROM last_day"),
        report_without=without,
        report_with=reported,
        decision=refused.decision.value,
        alert=str(refused.alerts[0]) if refused.alerts else "no alert",
        learned_alert=learned.alerts[0].title if learned.alerts else "no alert",
    )
