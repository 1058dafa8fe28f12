"""What rows have to do with each other is found in a sample of them, and nothing where they are independent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
import pytest

from interlock import detect, profiles
from interlock.detect.mining import Sample, mine, taken
from interlock.detect.watch import Watch
from interlock.engines.duckdb import DuckDB
from interlock.profiles.dependency import EXACT, QUOTING, Dependency, Form

ROWS = 800
START = dt.datetime(2024, 3, 1, tzinfo=dt.UTC).replace(tzinfo=None)
COMPUTED = {Form.EQUAL, Form.LINEAR, Form.PRODUCT, Form.RATIO, Form.PART, Form.ELAPSED}
SAYING_LITTLE = {Form.DECIMALS, Form.MULTIPLE, Form.TRIMMED, Form.PLAIN, Form.UPPER, Form.LOWER, Form.WHOLE}


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    with DuckDB() as engine:
        yield engine


def _moments(rng: np.random.Generator) -> list[dt.datetime]:
    return [START + dt.timedelta(seconds=int(s)) for s in rng.integers(0, 20 * 86_400, ROWS)]


def _sum(rng: np.random.Generator) -> dict[str, object]:
    net, tax = rng.uniform(1, 500, ROWS).round(2), rng.uniform(0, 90, ROWS).round(2)
    return {"net": net, "tax": tax, "gross": (net + tax).round(2)}


def _product(rng: np.random.Generator) -> dict[str, object]:
    amount, price = rng.integers(1, 9, ROWS), rng.uniform(1, 50, ROWS).round(2)
    return {"amount": amount, "price": price, "total": (amount * price).round(2)}


def _ratio(rng: np.random.Generator) -> dict[str, object]:
    paid, people = rng.uniform(1, 900, ROWS).round(2), rng.integers(200, 4_000, ROWS)
    return {"paid": paid, "people": people, "each": (paid / people).round(4)}


def _long_sum(rng: np.random.Generator) -> dict[str, object]:
    shelf, off, coupon = rng.uniform(1, 90, (3, ROWS)).round(2) * [[1], [0.1], [0.01]]
    coupon = np.where(rng.random(ROWS) < 0.7, 0.0, coupon).round(2)
    off = off.round(2)
    return {"shelf": shelf, "off": off, "coupon": coupon, "listed": (shelf + off + coupon).round(2)}


def _of_few(rng: np.random.Generator) -> dict[str, object]:
    adults, children, babies = rng.integers(1, 4, ROWS), rng.integers(0, 3, ROWS), rng.integers(0, 2, ROWS)
    return {"adults": adults, "children": children, "babies": babies, "guests": adults + children + babies}


def _among_many(rng: np.random.Generator) -> dict[str, object]:
    others = {f"other_{i}": rng.normal(50, 10 + i, ROWS).round(2) for i in range(30)}
    return {**others, "all": (others["other_0"] + 1.5 * others["other_29"]).round(3)}


def _unit(rng: np.random.Generator) -> dict[str, object]:
    celsius = rng.normal(12, 8, ROWS).round(1)
    return {"celsius": celsius, "fahrenheit": (1.8 * celsius + 32).round(2)}


def _copy(rng: np.random.Generator) -> dict[str, object]:
    seen = rng.integers(0, 10_000, ROWS)
    return {"seen": seen, "seen_again": seen, "noise": rng.normal(0, 1, ROWS)}


def _hour(rng: np.random.Generator) -> dict[str, object]:
    at = _moments(rng)
    return {"hour": [t.hour for t in at], "at": at}


def _weekday(rng: np.random.Generator) -> dict[str, object]:
    at = _moments(rng)
    return {"at": at, "weekday": [t.weekday() for t in at]}


def _lead(rng: np.random.Generator) -> dict[str, object]:
    booked, days = _moments(rng), rng.integers(0, 200, ROWS)
    arrived = [t.date() + dt.timedelta(days=int(d)) for t, d in zip(booked, days, strict=True)]
    return {"booked": [t.date() for t in booked], "arrived": arrived, "lead_time": days}


def _took(rng: np.random.Generator) -> dict[str, object]:
    start, seconds = _moments(rng), rng.integers(60, 20_000, ROWS)
    stop = [t + dt.timedelta(seconds=int(s)) for t, s in zip(start, seconds, strict=True)]
    return {"start": start, "stop": stop, "minutes": seconds // 60}


def _clock(rng: np.random.Generator) -> dict[str, object]:
    hour, minute = rng.integers(0, 24, ROWS), rng.integers(0, 60, ROWS)
    return {"hour": hour, "minute": minute, "clock": hour * 100 + minute}


def _determined(rng: np.random.Generator) -> dict[str, object]:
    code = rng.integers(0, 30, ROWS)
    return {"code": [f"c{c}" for c in code], "name": [f"name {c * 7 % 30 // 2}" for c in code]}


def _band(rng: np.random.Generator) -> dict[str, object]:
    kind = rng.integers(0, 5, ROWS)
    return {"kind": [f"k{k}" for k in kind], "size": 100.0 * kind**2 + rng.normal(0, 5, ROWS)}


def _banded(rng: np.random.Generator) -> dict[str, object]:
    amount = rng.uniform(0, 100, ROWS).round(1)
    names = np.array(["small", "middle", "large"])
    return {"amount": amount, "size": list(names[np.digitize(amount, (20.0, 70.0))])}


def _cased(rng: np.random.Generator) -> dict[str, object]:
    texts = ["".join(rng.choice(list("ABCDE"), 6)) for _ in range(ROWS)]
    return {"upper": texts, "lower": [t.lower() for t in texts]}


def _ordered(rng: np.random.Generator) -> dict[str, object]:
    at = _moments(rng)
    return {
        "start": at,
        "stop": [
            t + dt.timedelta(hours=float(h)) for t, h in zip(at, rng.exponential(60, ROWS), strict=True)
        ],
    }


def _emptied(rng: np.random.Generator) -> dict[str, object]:
    gone = rng.random(ROWS) < 0.2
    one, other = rng.normal(0, 1, (2, ROWS))
    return {
        "arrived": [None if g else v for g, v in zip(gone, one, strict=True)],
        "delay": [None if g else v for g, v in zip(gone, other, strict=True)],
    }


PLANTED: dict[str, tuple[Callable[[np.random.Generator], dict[str, object]], Form, set[str]]] = {
    "a sum": (_sum, Form.LINEAR, {"net", "tax", "gross"}),
    "a product": (_product, Form.PRODUCT, {"amount", "price", "total"}),
    "a ratio": (_ratio, Form.RATIO, {"paid", "people", "each"}),
    "a sum of three": (_long_sum, Form.LINEAR, {"shelf", "off", "coupon", "listed"}),
    "a sum of three small counts": (_of_few, Form.LINEAR, {"adults", "children", "babies", "guests"}),
    "a sum of two columns far apart": (_among_many, Form.LINEAR, {"other_0", "other_29", "all"}),
    "a weekday that counts from Monday as 0": (_weekday, Form.PART, {"at", "weekday"}),
    "days from one date to another": (_lead, Form.ELAPSED, {"booked", "arrived", "lead_time"}),
    "whole minutes from start to stop": (_took, Form.ELAPSED, {"start", "stop", "minutes"}),
    "another unit": (_unit, Form.LINEAR, {"celsius", "fahrenheit"}),
    "a copy": (_copy, Form.EQUAL, {"seen", "seen_again"}),
    "the hour of a time": (_hour, Form.PART, {"hour", "at"}),
    "a time written as a number": (_clock, Form.LINEAR, {"hour", "minute", "clock"}),
    "a name that a code determines": (_determined, Form.DETERMINES, {"code", "name"}),
    "each code's name": (_determined, Form.MAPPED, {"code", "name"}),
    "a band for each group": (_band, Form.GROUPED, {"size", "kind"}),
    "a name for each span of numbers": (_banded, Form.BANDED, {"amount", "size"}),
    "capitals": (_cased, Form.UPPER, {"upper"}),
    "small letters": (_cased, Form.LOWER, {"lower"}),
    "an end after its start": (_ordered, Form.BEFORE, {"start", "stop"}),
    "an amount empty with another": (_emptied, Form.EMPTY, {"arrived", "delay"}),
}  # fmt: skip


def _mined(engine: DuckDB, columns: dict[str, object]) -> tuple[Dependency, ...]:
    return mine(engine, engine.relation(pl.DataFrame(columns, strict=False)))


def _about(found: tuple[Dependency, ...], form: Form, columns: set[str]) -> list[Dependency]:
    return [d for d in found if d.form is form and set(d.columns) == columns]


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_planted_is_found(engine: DuckDB, name: str, seed: int) -> None:
    made, form, columns = PLANTED[name]
    assert _about(_mined(engine, made(np.random.default_rng(seed))), form, columns)


@pytest.mark.parametrize("name", [name for name, (_, form, _) in PLANTED.items() if form in COMPUTED])
def test_a_few_rows_that_break_it_do_not_hide_it(engine: DuckDB, name: str) -> None:
    made, form, columns = PLANTED[name]
    rows = made(np.random.default_rng(3))
    first = next(c for c in rows if isinstance(rows[c], np.ndarray) or c in ("hour", "weekday"))
    broken = np.array(rows[first], dtype=np.float64)
    broken[:16] += 3.0
    assert _about(_mined(engine, {**rows, first: broken}), form, columns)


@pytest.mark.parametrize("name", [name for name, (_, _, columns) in PLANTED.items() if len(columns) > 1])
def test_none_of_it_is_found_in_the_same_columns_shuffled(engine: DuckDB, name: str) -> None:
    made, form, columns = PLANTED[name]
    rng = np.random.default_rng(4)
    shuffled = {c: [list(v)[i] for i in rng.permutation(ROWS)] for c, v in made(rng).items()}
    assert not _about(_mined(engine, shuffled), form, columns)


@pytest.mark.parametrize("seed", range(6))
def test_independent_columns_have_nothing_to_do_with_each_other(engine: DuckDB, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = _mined(
        engine,
        {
            "normal": rng.normal(0, 1, ROWS),
            "heavy": rng.lognormal(3, 2, ROWS).round(2),
            "count": rng.poisson(4, ROWS),
            "flag": rng.integers(0, 2, ROWS),
            "code": [f"x{i}" for i in rng.integers(0, 12, ROWS)],
            "city": [f"City {i}" for i in rng.zipf(2, ROWS) % 40],
            "at": _moments(rng),
            "sparse": [None if rng.random() < 0.3 else float(rng.normal(5, 1)) for _ in range(ROWS)],
        },
    )
    assert {d.form for d in found} <= SAYING_LITTLE, [str(d) for d in found]


def test_a_constant_an_empty_and_a_nested_column_suggest_nothing_of_others(engine: DuckDB) -> None:
    found = _mined(
        engine,
        {
            "one": [1] * ROWS,
            "void": [None] * ROWS,
            "list": [[1, 2]] * ROWS,
            "nan": [float("nan")] * ROWS,
            "x": np.random.default_rng(0).normal(0, 1, ROWS),
        },
    )
    assert {d.form for d in found} <= SAYING_LITTLE, [str(d) for d in found]


@pytest.mark.parametrize(("by", "mapped"), [(1.0, True), (1.37, False)])
def test_the_values_of_whole_numbers_are_written_down_and_those_of_amounts_are_not(
    engine: DuckDB, by: float, mapped: bool
) -> None:
    """An invoice's total is in all of its rows, names its customer today, and never comes again."""
    invoice = np.random.default_rng(1).integers(1, 12, ROWS)
    found = _mined(engine, {"total": invoice * by, "customer": [f"c{i * 5 % 12}" for i in invoice]})
    assert any(d.columns[-1] == "total" for d in found if d.form is Form.MAPPED) is mapped


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_handful_of_rows_suggests_no_sum(engine: DuckDB, rows: int) -> None:
    columns = {c: list(v)[:rows] for c, v in _sum(np.random.default_rng(0)).items()}
    assert not [d for d in _mined(engine, columns) if d.form in EXACT]


def test_a_large_partition_is_sampled_the_same_each_time(engine: DuckDB) -> None:
    relation = engine.relation(pl.DataFrame({"i": np.arange(150_000), "x": np.arange(150_000) % 97}))
    first, second = taken(engine, relation), taken(engine, relation)
    assert first.rows == second.rows == 2_048
    assert np.array_equal(first.values["i"], second.values["i"])
    assert np.ptp(first.values["i"]) > 0.95 * 150_000


# --- what a partition is counted against -------------------------------------------------


def _asked(engine: DuckDB, columns: dict[str, object], **how: object) -> tuple[Dependency, ...]:
    return detect.asked(None, engine, engine.relation(pl.DataFrame(columns)), **how)


@pytest.mark.parametrize("hidden", ["kind", "KIND", "size"])
def test_what_would_write_down_a_sensitive_columns_values_is_not_asked(engine: DuckDB, hidden: str) -> None:
    rows = _band(np.random.default_rng(5)) | _determined(np.random.default_rng(6))
    open_, kept = _asked(engine, rows), _asked(engine, rows, sensitive=[hidden])
    quoting = {c for d in open_ if d.form in QUOTING for c in d.columns}
    assert {"kind", "size", "code", "name"} <= quoting
    assert hidden.casefold() not in {c for d in kept if d.form in QUOTING for c in d.columns}
    assert {"code", "name"} <= {c for d in kept if d.form in QUOTING for c in d.columns}


def test_nothing_is_asked_that_the_partitions_columns_do_not_fit(engine: DuckDB) -> None:
    rows = _sum(np.random.default_rng(7))
    watch = _taught(engine, rows)
    assert any(set(d.columns) == {"net", "tax", "gross"} for d in watch.dependencies)
    changed = pl.DataFrame({"net": rows["net"], "gross": ["?"] * ROWS})
    for d in detect.asked(watch, engine, engine.relation(changed)):
        assert "tax" not in d.columns and "gross" not in d.columns


def test_once_there_is_a_past_no_more_is_looked_for(engine: DuckDB) -> None:
    watch = _taught(engine, _sum(np.random.default_rng(8)))
    before = len(engine.statements)
    other = engine.relation(pl.DataFrame(_product(np.random.default_rng(8)) | _sum(np.random.default_rng(9))))
    asked = detect.asked(watch, engine, other)
    assert not any("price" in d.columns for d in asked)
    assert len(engine.statements) - before == 1  # what staged the rows


def _taught(engine: DuckDB, rows: dict[str, object]) -> Watch:
    history = detect.History.of([])
    relation = engine.relation(pl.DataFrame(rows))
    for day in range(8):
        asked = detect.asked(history.watch() if day else None, engine, relation)
        made = profiles.compute(engine, relation, dependencies=asked)
        history = history.append(f"2024-01-{day + 1:02}", detect.features(made))
    return history.watch()


def test_a_sample_without_columns_has_no_rows(engine: DuckDB) -> None:
    nested = engine.relation(pl.DataFrame({"list": [[1], [2]]}))
    assert taken(engine, nested) == Sample(0, {}, {})


# --- in rows of which some are already bad ----------------------------------------------------

BY_LIMITS = (Form.GROUPED, Form.BANDED, Form.BEFORE, Form.EMPTY)  # which a few rows move
EXACTLY = [name for name, (_, form, _) in PLANTED.items() if form not in BY_LIMITS]


def _bad(value: object) -> object:
    if isinstance(value, str):
        return value.swapcase()
    if isinstance(value, dt.date):
        return value + dt.timedelta(hours=5, days=0 if isinstance(value, dt.datetime) else 1)
    return value * 1.609344 + 0.001


@pytest.mark.parametrize("name", EXACTLY)
def test_what_was_planted_is_found_though_one_row_in_fifty_is_bad(engine: DuckDB, name: str) -> None:
    made, form, columns = PLANTED[name]
    rng = np.random.default_rng(3)
    rows = made(rng)
    column = sorted(columns)[0]
    bad = set(rng.permutation(ROWS)[: ROWS // 50].tolist())
    rows[column] = [_bad(v) if i in bad else v for i, v in enumerate(rows[column])]
    assert _about(_mined(engine, rows), form, columns)
