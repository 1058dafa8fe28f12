"""One cause, one alert, in plain words, with the next command to type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, cast

import duckdb
import pytest

from interlock import alerts, detect, profiles
from interlock.alerts import cause, identity
from interlock.constraints.constraint import Violation
from interlock.detect.blame import Suspicion
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
Told = Callable[..., tuple[alerts.Alert, ...]]


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    yield from following(ORDERS)


def following(made: str) -> Iterator[Told]:
    """The alerts of the last day after a query has changed its rows; with ``more`` violations, as if found."""
    with duckdb.connect() as connection, DuckDB() as engine:

        def profiled(query: str) -> dict[str, Profile]:
            return profiles.compute_by(engine, engine.relation(connection.sql(query)), "day", key=("id",))

        connection.execute(f"CREATE TABLE orders AS {made}")
        connection.execute(f"CREATE VIEW today AS FROM orders WHERE day = DATE '{LAST}'")
        days = profiled("FROM orders")
        rows = [detect.Row(k, detect.features(p)) for k, p in days.items() if k != LAST]
        learned = detect.learn(detect.History.of(rows))

        def tell(query: str, *more: Violation) -> tuple[alerts.Alert, ...]:
            now = profiled(query)[LAST]
            return alerts.group(
                [*learned.judge(now, LAST), *more],
                table="orders",
                label=LAST,
                learned=learned,
                profile=now,
                key=("id",),
            )

        yield tell


# Five measures of three shops that know nothing of each other, and moments between 9 and 17 o'clock.
WIDE = f"""
SELECT DATE '2024-01-01' + d::INT AS day, d * {ROWS} + i AS id,
       ['nürnberg', 'süd', 'köln'][1 + (i * 7 + d) % 3] AS shop,
       100 + (i * 7919 + d * 31) % 61 AS amount, 900 + (i * 104729 + d * 17) % 60 AS paid_at,
       3 + (i * 611953 + d * 13) % 23 AS items, 500 + (i * 15485863 + d * 7) % 47 AS score,
       60 + (i * 32452843 + d * 3) % 41 AS weight,
       TIMESTAMP '2024-01-01 09:00' + INTERVAL (d) DAY + INTERVAL ((i * 49979687 + d) % 480) MINUTE AS seen
FROM range({DAYS}) a(d), range({ROWS}) b(i)
"""


@pytest.fixture(scope="module")
def wide() -> Iterator[Told]:
    yield from following(WIDE)


def test_a_clean_day_has_no_alert(told: Told) -> None:
    assert told("FROM today") == ()


def test_a_load_that_ran_twice_is_one_alert_though_every_count_moved(told: Told) -> None:
    (alert,) = told("FROM today UNION ALL FROM today")
    assert "the load ran twice" in alert.title
    assert {"rows", "row_duplicates", "key_duplicates"} <= {v.statistic for v in alert.violations}
    assert alert.severity is Severity.PAGE


def test_keys_that_repeat_though_rows_do_not_are_what_is_named_first(told: Told) -> None:
    (alert,) = told("SELECT * REPLACE (id + CASE WHEN id % 400 < 40 THEN 40 ELSE 0 END AS id) FROM today")
    assert alert.kind == "duplicated"
    assert alert.columns[0] == "id"
    assert "rows repeat another's key" in alert.title


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


MANY = ("amount", "paid_at", "items", "score", "weight")


def test_many_columns_that_were_never_empty_and_are_now_are_one_loss_upstream(wide: Told) -> None:
    (alert,) = wide(f"SELECT * REPLACE ({', '.join(f'NULL AS {c}' for c in MANY)}) FROM today")
    assert (alert.kind, set(alert.columns)) == ("nulls", set(MANY))
    assert "5 columns" in alert.title
    assert "one loss upstream" in alert.title


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ("CASE WHEN id % 2 = 0 THEN -1 ELSE {c} END", "default", "the default value '-1'"),
        ("{c} * 1000", "unit", "×1,000"),
        ("7", "frozen", "one value in every row"),
        ("-{c}", "negated", "negative in up to"),
        ("{c} * 1.37 + 11", "shift", "changed at once"),
    ],
)
def test_many_columns_that_broke_the_same_way_are_one_cause(
    wide: Told, change: str, kind: str, words: str
) -> None:
    changed = ", ".join(f"({change.format(c=c)})::INT AS {c}" for c in MANY)
    (alert,) = wide(f"SELECT * REPLACE ({changed}) FROM today")
    assert alert.kind == kind
    assert set(alert.columns) >= set(MANY)
    assert words in alert.title


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (
            "CASE WHEN id % 3 = 0 THEN -1 ELSE items END AS items",
            "default",
            "items holds the default value '-1'",
        ),
        ("upper(shop) AS shop", "spelling", "shop is written in another letter case"),
        ("replace(shop, 'ü', 'Ã¼') AS shop", "spelling", "shop is written in another encoding"),
        ("seen + INTERVAL 5 HOUR AS seen", "shifted", "seen lies +5 hours off: another time zone"),
        ("5 AS items", "frozen", "items holds one value in every row"),
    ],
)
def test_a_likely_cause_is_said_in_plain_words(wide: Told, change: str, kind: str, words: str) -> None:
    alert = wide(f"SELECT * REPLACE ({change}) FROM today")[0]
    assert alert.kind == kind
    assert words in alert.title
    assert kind in identity.KINDS


@pytest.mark.parametrize("part", ["LIMIT 60", "WHERE id % 7 = 0"])
def test_a_load_that_was_cut_off_is_one_alert_though_counts_of_values_fell_too(wide: Told, part: str) -> None:
    (alert,) = wide(f"FROM today {part}")
    assert alert.kind == "truncated"
    assert "the load is short" in alert.title


def test_a_default_value_in_a_column_that_hides_its_values_is_not_quoted(wide: Told) -> None:
    hidden = Violation("items_top", "items", "top", cause.MASKED, cause.MASKED, columns=("items",))
    found = wide("SELECT * REPLACE (CASE WHEN id % 2 = 0 THEN -1 ELSE items END AS items) FROM today", hidden)
    assert "'-1'" not in found[0].title
    assert "a default value" in found[0].title


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


# --- which column comes first ------------------------------------------------------------------


class _Knows:
    """What was learned of a table whose columns stand in the order a, b, c; b is made from a by ``b_from_a``."""

    sources: ClassVar = {"b": {"a": frozenset({"b_from_a"})}}

    def __init__(self, suspicion: Suspicion) -> None:
        self._suspicion = suspicion

    def suspicion(self, profile: Profile, label: str) -> Suspicion:
        return self._suspicion

    def place(self, column: str) -> int:
        return "abc".index(column)

    def related(self, first: str, second: str) -> float:
        return 0.0

    def expected(self, profile: Profile, label: str) -> None:
        return None


def _grouped(
    *violations: Violation,
    own: Mapping[str, float] = MappingProxyType({}),
    relations: Mapping[str, float] = MappingProxyType({}),
) -> tuple[alerts.Alert, ...]:
    learned = cast(detect.Learned, _Knows(Suspicion(relations, own)))
    return alerts.group(violations, table="t", label="x", learned=learned, profile=Profile(10, {}))


def _first(*violations: Violation, **suspicion: Mapping[str, float]) -> str:
    return _grouped(*violations, **suspicion)[0].columns[0]


def _broken(columns: str, score: float, name: str = "other", statistic: str = "dependency") -> Violation:
    return _violation(
        constraint=name, column=columns[0], columns=tuple(columns), score=score, statistic=statistic
    )


def test_of_a_relation_the_column_that_stands_first_in_it_is_named_however_loud_it_is() -> None:
    assert _first(_broken("ca", 70.0)) == "c"
    assert _first(_broken("ca", 5.0)) == "c"


def test_the_column_that_explains_most_is_named_though_others_are_louder() -> None:
    assert _first(_broken("ba", 70.0), _broken("ca", 30.0)) == "a"
    assert _first(_broken("ba", 9.0), _broken("c", 2.0), _broken("ca", 5.0)) == "a"


def test_of_a_relation_that_broke_alone_the_column_is_named_that_is_odd_in_itself() -> None:
    assert _first(_broken("ca", 5.0), own={"a": 0.7, "c": 0.2}) == "a"
    assert _first(_broken("ca", 5.0), own={"a": 0.2, "c": 0.7}) == "c"


def test_of_a_relation_that_broke_alone_the_column_is_named_whose_other_relations_broke_too() -> None:
    assert _first(_broken("ca", 5.0), relations={"a": 0.6, "c": 0.1}) == "a"


def test_of_columns_that_broke_in_themselves_the_first_in_the_table_is_likelier() -> None:
    assert _first(_broken("ca", 8.0), _broken("a", 3.0), _broken("c", 3.0)) == "a"


def test_a_source_goes_before_what_is_made_from_it_where_it_broke_too_and_both_still_agree() -> None:
    assert _first(_broken("b", 9.0), _broken("a", 3.0), _broken("bac", 2.0)) == "a"


def test_a_source_stays_behind_where_what_ties_the_two_broke() -> None:
    assert _first(_broken("b", 9.0), _broken("a", 3.0), _broken("ba", 8.0, "b_from_a")) == "b"


def test_a_source_that_broke_nothing_of_its_own_stays_behind() -> None:
    assert _first(_broken("b", 9.0), _broken("ba", 3.0)) == "b"


def _negative(column: str) -> Violation:
    return _violation(
        constraint=f"{column}_never_negative",
        column=column,
        columns=(column,),
        score=30.0,
        statistic="negatives",
        rows=4,
    )


def test_what_broke_in_a_column_made_from_a_broken_one_is_the_same_alert() -> None:
    (alert,) = _grouped(_negative("b"), _broken("a", 3.0))
    assert alert.columns == ("a", "b")
    assert alert.kind == "negated"
    assert alert.title.endswith("b is negative in 4 rows, 0%; it never was; it seems to begin in a")


def test_it_is_an_alert_of_its_own_where_the_two_have_nothing_to_do_with_each_other() -> None:
    assert {a.columns for a in _grouped(_negative("c"), _broken("a", 3.0))} == {("c",), ("a",)}


def test_it_is_an_alert_of_its_own_where_what_ties_the_two_broke_elsewhere() -> None:
    tie = _broken("b", 8.0, "b_from_a")
    assert ("a",) in {a.columns for a in _grouped(_negative("b"), _broken("a", 3.0), tie)}


# --- what a model loses -------------------------------------------------------------------------


def a_loss(score: float, model: str = "eta") -> Violation:
    return Violation(
        constraint=f"loss_{model}",
        column=None,
        statistic="loss",
        observed=f"the loss of {model} is 20 a row, 2.0 times the usual",
        expected="about 10, at most 14",
        severity=Severity.TICKET,
        score=score,
        origin=Origin.LEARNED,
    )


def test_what_models_lose_on_data_as_ever_is_one_alert_of_its_own(told: Told) -> None:
    (alert,) = told("FROM today", a_loss(1.2), a_loss(1.1, "staffing"))
    assert (alert.kind, alert.columns, len(alert.violations)) == ("loss", (), 2)
    assert "the loss of eta" in alert.title
    assert "the loss of staffing" in alert.title
    assert alert.title.endswith("nothing in the data says why")


HUNDREDFOLD = "SELECT * REPLACE (amount * 100 AS amount) FROM today"


def test_the_loss_is_a_consequence_of_what_is_louder_and_changes_neither_its_title_nor_its_score(
    told: Told,
) -> None:
    (without,) = told(HUNDREDFOLD)
    (alert,) = told(HUNDREDFOLD, a_loss(1.2))
    assert (alert.title, alert.score, alert.columns, alert.kind) == (
        without.title,
        without.score,
        without.columns,
        "unit",
    )
    assert alert.violations[-1].statistic == "loss"


def test_a_loss_that_is_louder_than_what_broke_is_told_beside_it(told: Told) -> None:
    (before,) = told(HUNDREDFOLD)
    unit, loss = sorted(told(HUNDREDFOLD, a_loss(before.score + 1.0)), key=lambda a: a.kind, reverse=True)
    assert (unit.kind, loss.kind) == ("unit", "loss")
    assert unit.violations == before.violations
    assert "nothing in the data" not in loss.title
