"""One cause, one alert, in plain words, with the next command to type."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import pytest

from interlock import alerts, detect, profiles
from interlock.constraints.constraint import Violation
from interlock.engines.duckdb import DuckDB
from interlock.names import Origin, Outcome, Severity
from interlock.profiles.profile import Profile

DAYS, ROWS = 40, 400
# Orders of three shops; a lost connection empties amount, paid_at and courier together now and then.
ORDERS = f"""
SELECT DATE '2024-01-01' + d::INT AS day, d * {ROWS} + i AS id,
       ['north', 'south', 'east'][1 + (i * 7 + d) % 3] AS shop,
       CASE WHEN NOT lost THEN 20 + (i * 7919 + d * 31) % 61 END AS amount,
       CASE WHEN NOT lost THEN 900 + (i * 104729 + d * 17) % 601 END AS paid_at,
       CASE WHEN NOT lost THEN ['bike', 'van'][1 + (i + d) % 2] END AS courier,
       (i * 611953 + d * 13) % 23 AS items
FROM (SELECT d, i, (i * 31 + d * 7) % 100 < 1 + (d * 5) % 4 AS lost FROM range({DAYS}) a(d), range({ROWS}) b(i))
"""
LAST = "2024-02-09"
Told = Callable[[str], tuple[alerts.Alert, ...]]


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    """The alerts of the last day's rows after a query has changed them."""
    with duckdb.connect() as connection, DuckDB() as engine:

        def profiled(query: str) -> dict[str, Profile]:
            return profiles.compute_by(engine, engine.relation(connection.sql(query)), "day", key=("id",))

        connection.execute(f"CREATE TABLE orders AS {ORDERS}")
        connection.execute(f"CREATE VIEW today AS FROM orders WHERE day = DATE '{LAST}'")
        days = profiled("FROM orders")
        rows = [detect.Row(k, detect.features(p)) for k, p in days.items() if k != LAST]
        learned = detect.learn(detect.History.of(rows))

        def tell(query: str) -> tuple[alerts.Alert, ...]:
            now = profiled(query)[LAST]
            return alerts.group(
                learned.judge(now, LAST), table="orders", label=LAST, learned=learned, profile=now
            )

        yield tell


def test_a_clean_day_has_no_alert(told: Told) -> None:
    assert told("FROM today") == ()


def test_a_load_that_ran_twice_is_one_alert_though_every_count_moved(told: Told) -> None:
    (alert,) = told("FROM today UNION ALL FROM today")
    assert "the load ran twice" in alert.title
    assert {"rows", "row_duplicates", "key_duplicates"} <= {v.statistic for v in alert.violations}
    assert alert.severity is Severity.PAGE


def test_swapped_columns_are_named_together(told: Told) -> None:
    alert = told("SELECT * REPLACE (paid_at AS amount, amount AS paid_at) FROM today")[0]
    assert "look swapped" in alert.title
    assert set(alert.columns[:2]) == {"amount", "paid_at"}


@pytest.mark.parametrize(
    ("factor", "words"), [("100", "×100"), ("1000", "×1,000"), ("1.609344", "kilometres"), ("0.01", "÷100")]
)
def test_another_unit_is_recognised_by_its_factor(told: Told, factor: str, words: str) -> None:
    alert = told(f"SELECT * REPLACE ((amount * {factor})::DOUBLE AS amount) FROM today")[0]
    assert words in alert.title
    assert alert.columns[0] == "amount"


def test_a_lost_source_is_one_alert_about_the_one_that_is_gone(told: Told) -> None:
    (alert,) = told("FROM today WHERE shop <> 'south'")
    assert "one source is missing: no 'south' in shop" in alert.title
    assert alert.columns[0] == "shop"


def test_nulls_in_one_of_columns_that_are_empty_together_name_that_column(told: Told) -> None:
    (alert,) = told("SELECT * REPLACE (CASE WHEN items > 3 THEN paid_at END AS paid_at) FROM today")
    assert alert.columns[0] == "paid_at"
    assert "paid_at is empty" in alert.title


def test_columns_empty_together_as_ever_are_called_an_event_or_an_upstream_loss(told: Told) -> None:
    (alert,) = told(
        "SELECT * REPLACE (CASE WHEN items > 9 THEN amount END AS amount, "
        "CASE WHEN items > 9 THEN paid_at END AS paid_at, CASE WHEN items > 9 THEN courier END AS courier) FROM today"
    )
    assert "coherent shift" in alert.title
    assert {"amount", "paid_at", "courier"} <= set(alert.columns)


def test_two_faults_that_have_nothing_in_common_are_two_alerts(told: Told) -> None:
    found = told("SELECT * REPLACE (-items AS items, upper(shop) AS shop) FROM today")
    assert [a.columns[0] for a in found[:2]] in (["items", "shop"], ["shop", "items"])


def test_an_alert_says_what_to_type_next(told: Told) -> None:
    alert = told("SELECT * REPLACE (-items AS items) FROM today")[0]
    assert f"interlock profile orders@{LAST}" in (alert.advice or "")
    assert f"interlock accept orders --since {LAST}" in (alert.advice or "")


def _violation(**changes: object) -> Violation:
    made = Violation("age_range", "age", "range", "312 rows", "none", columns=("age",))
    return made.with_(**changes)


def _group(*violations: Violation) -> tuple[alerts.Alert, ...]:
    return alerts.group(violations, table="t", label="1", learned=None, profile=Profile(10, {}))


def test_a_blocking_violation_leads_to_the_quarantine() -> None:
    (alert,) = _group(_violation())
    assert alert.advice == "interlock quarantine show t@1"


def test_violations_of_one_column_share_an_alert_and_others_do_not() -> None:
    found = _group(
        _violation(), _violation(constraint="age_set"), _violation(column="b", columns=("b",), score=9.0)
    )
    assert [(a.columns, len(a.violations)) for a in found] == [(("b",), 1), (("age",), 2)]


def test_what_could_not_be_judged_is_no_alert() -> None:
    assert _group(_violation(outcome=Outcome.INCONCLUSIVE)) == ()


def test_louder_severity_comes_first_whatever_the_score() -> None:
    found = _group(
        _violation(severity=Severity.TICKET, score=9.0), _violation(column="b", columns=("b",), score=1.0)
    )
    assert [a.severity for a in found] == [Severity.PAGE, Severity.TICKET]


def test_an_alert_since_an_earlier_partition_offers_to_accept_from_there() -> None:
    (alert,) = _group(_violation(origin=Origin.LEARNED, blocking=False, since="0"))
    assert "--since 0" in (alert.advice or "")
