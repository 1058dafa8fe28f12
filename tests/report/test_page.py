"""The page: one file that asks nobody for anything, and in which data stays data."""

from __future__ import annotations

import datetime as dt
import re

import duckdb
import pytest

import interlock
from interlock.names import Decision, Outcome, Severity
from interlock.report import page
from interlock.report.facts import (
    WHOLE,
    Column,
    Finding,
    Load,
    Partition,
    Point,
    Report,
    Series,
    Standing,
    Subject,
    Told,
)
from interlock.report.heatmap import LOUD
from interlock.report.markup import data, el, raw, text
from interlock.report.multiples import HEIGHT, WIDTH, Scale, spark
from tests.report.conftest import label
from tests.report.pages import hash_of, seen

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def shown(sales, tmp_path):
    return seen(sales.report(tmp_path / "page.html").read_text(encoding="utf-8"))


# --- what it says ---------------------------------------------------------------------


def test_the_page_says_how_the_table_is_in_a_sentence(shown):
    assert f"Needs a decision 1 partition is in quarantine: {label(38)}." in shown.text
    assert f"The newest partition, {label(39)}, came just now; it was published with an alert." in shown.text
    assert "Last 30 partitions 26 passed 1 alerted 0 inconclusive 3 failed" in shown.text


def test_the_footer_says_when_it_was_made_by_what_and_where_the_ledger_stands(shown, ws):
    checked = ws.verify_ledger()

    assert f"by Interlock {interlock.__version__}" in shown.text
    assert f"Ledger: {checked.size} entries, root {checked.root}" in shown.text


def test_a_cell_is_as_loud_as_its_loudest_violation_and_hollow_once_the_load_is_gone(shown):
    labels = shown.facts["labels"]
    rows = shown.facts["columns"]
    assert rows == ["whole table", "price", "city"]
    words = re.findall(r"page, loud|ticket|page|failed|alerted", shown.text)
    assert words  # a screen reader hears them
    classes = [attributes.get("class") for attributes in shown.all("td")]
    ruler = len({name[:7] for name in labels}) + 1
    grid = classes[ruler : ruler + (len(rows) + 1) * len(labels)]
    row = {name: grid[i * len(labels) : (i + 1) * len(labels)] for i, name in enumerate(["verdict", *rows])}
    assert [row["verdict"][n] for n in (33, 34, 36, 38, 39)] == [None, "f x", "f", "f", "a"]
    assert [row["price"][n] for n in (33, 34, 36, 38, 39)] == [None, "P x", "P", "P", "t"]
    assert [row["city"][n] for n in (34, 38)] == [None, "P"]
    assert [row["whole table"][n] for n in (34, 38)] == [None, None]


def test_the_details_of_a_cell_hold_what_was_observed_and_expected(shown):
    (load,) = shown.facts["loads"][39]

    about, severity, observed, expected, constraint, score, since, blocks = load["found"][-1]
    assert (about, severity, constraint, blocks) == ([1], "ticket", "cheap", 0)
    assert observed.startswith("avg(price) = 16.")
    assert (expected, score, since) == ("avg(price) < 16", 1, label(39))


def test_columns_without_a_violation_are_named_and_need_no_row(shown):
    assert "2 columns without a violation day" in shown.text


# --- nothing runs, nothing is fetched -------------------------------------------------


def test_only_what_has_its_hash_in_the_policy_may_run(shown):
    (style,) = [content for tag, content in shown.raw if tag == "style"]
    scripts = [content for tag, content in shown.raw if tag == "script" and not content.startswith("{")]

    assert len(scripts) == 1
    assert shown.policy == (
        f"default-src 'none'; style-src '{hash_of(style)}'; script-src '{hash_of(scripts[0])}'; "
        "base-uri 'none'; form-action 'none'"
    )


def unsafe(found) -> list[str]:
    """Handlers, inline styles and whatever could be fetched."""
    return [
        f"{tag} {name}={value}"
        for tag, attributes in found.elements
        for name, value in attributes.items()
        if name.startswith("on") or name in ("style", "src", "srcset", "action", "xlink:href")
        or (name == "href" and not str(value).startswith("#"))
    ]  # fmt: skip


def test_the_page_holds_no_handler_no_inline_style_and_no_address(shown, sales, tmp_path):
    assert unsafe(shown) == []
    assert "://" not in (tmp_path / "page.html").read_text(encoding="utf-8")


EVIL = "<script>alert(1)</script>"
EVIL_COLUMNS = ('"onload=alert(1) x="', "</style><img src=x onerror=alert(1)>", "<!--", "</script>")


def evil_table(ws):
    """A table whose every text tries to be markup."""
    table = ws.table("<script>alert(1)<", partition="day")
    names = [f'"{name.replace(chr(34), chr(34) * 2)}"' for name in EVIL_COLUMNS]
    for day in range(10):
        bad = day == 9
        values = ", ".join(
            f"CASE WHEN {bad} THEN '{EVIL}' ELSE ['a', 'b'][1 + i % 2] END AS {name}" for name in names
        )
        table.write(
            duckdb.sql(f"SELECT '{label(day)}<i>' AS day, {values} FROM range({40 + 300 * bad}) t(i)"),
            f"{label(day)}<i>",
        )
    return table


def test_names_and_values_that_are_markup_are_shown_as_text(ws, tmp_path):
    table = evil_table(ws)

    raw_page = table.report(tmp_path / "evil.html").read_text(encoding="utf-8")

    found = seen(raw_page)
    assert unsafe(found) == []
    assert sum(tag in ("script", "style", "img") for tag, _ in found.elements) == 3
    assert {name for name in EVIL_COLUMNS if name in found.text} == set(EVIL_COLUMNS)
    assert EVIL in found.text
    assert found.facts["table"] == table.name
    assert set(EVIL_COLUMNS) <= set(found.facts["columns"])


# --- markup ---------------------------------------------------------------------------


def test_every_text_is_escaped_unless_it_is_markup():
    assert (
        el("p", "<b>", el("i", "&"), title='"><x') == '<p title="&quot;&gt;&lt;x">&lt;b&gt;<i>&amp;</i></p>'
    )
    assert text("a\x00b\x1b\n") == "a b \n"


def test_a_json_document_cannot_end_its_element():
    made = data("facts", {"a": "</script><!--&\u2028"})

    assert made.count("<") == 2 and "\u2028" not in made and "&" not in made
    assert seen(made).raw == [("script", '{"a":"\\u003c/script\\u003e\\u003c!--\\u0026\\u2028"}')]


def test_a_script_that_holds_its_own_end_is_refused():
    with pytest.raises(ValueError, match="its own end"):
        raw("script", "'</SCRIPT>'")


# --- sparklines -----------------------------------------------------------------------


def a_series(*values: float | None, points: tuple[Point, ...] = ()) -> Series:
    none = (None,) * len(values)
    return Series("mean", "mean", "real", values, none, none, points)


def test_a_line_has_a_gap_where_there_is_no_value():
    drawn = spark(a_series(1, 2, None, 3, None, 4, 5), [str(n) for n in range(7)], "title")

    assert len(re.findall(r"M\d+ \d+", drawn)) == 3
    assert drawn.count("<circle") == 1  # the value between two gaps


def test_the_largest_value_is_on_top_and_what_lies_beyond_is_an_arrow_at_the_edge():
    series = a_series(0, 10, points=(Point(1, 600.0, read=False),))
    scale = Scale(series)

    assert 0 < scale.y(10) < scale.y(0) < HEIGHT
    assert scale.y(600) == scale.y(10)
    assert (scale.beyond(600), scale.beyond(5), scale.beyond(-1)) == (1, 0, -1)
    assert '<path d="M' in spark(series, ["a", "b"], "t") and "b: 600" in spark(series, ["a", "b"], "t")


@pytest.mark.parametrize("values", [(), (None,), (3.0,), (3.0, 3.0), (1e308, -1e308), (None, None)])
def test_any_history_can_be_drawn(values):
    series = a_series(*values)
    numbers = re.findall(
        r"-?\d+", " ".join(re.findall(r' d="([^"]*)"', spark(series, ["x"] * len(values), "t")))
    )

    assert all(abs(int(n)) <= WIDTH for n in numbers)


# --- size -----------------------------------------------------------------------------


def huge(partitions: int, columns: int) -> Report:
    """A table that breaks in every column of every partition."""
    labels = [(dt.date(2025, 1, 1) + dt.timedelta(n)).isoformat() for n in range(partitions)]
    names = [f"a_column_with_a_name_{n}" for n in range(columns)]

    def load(place: int) -> Load:
        findings = tuple(
            Finding(f"{name}_mean", (name,), "mean", f"mean of {name} = {place}", "12.5 … 13.7 (alarm at 4.5 times)",
                    Severity.PAGE, LOUD + place / 100, labels[place], False, False, None)
            for name in names
        )  # fmt: skip
        told = Told("everything broke", Severity.PAGE, tuple(names), findings, None, None, "advice")
        return Load(place, labels[place], Standing.PUBLISHED, 1_000, NOW, Outcome.PASS, Decision.PUBLISHED,
                    findings, (told,), ())  # fmt: skip

    shown = tuple(Partition(name, (load(place),)) for place, name in enumerate(labels))
    noise = [(n * 7919 % 997) / 3 for n in range(partitions)]
    drawn = tuple(
        Series(s, s, "real", tuple(noise), (0.0,) * partitions, (400.0,) * partitions,
               tuple(Point(n, v, read=True) for n, v in enumerate(noise[:10])))
        for s in ("mean", "nulls", "q95")
    )  # fmt: skip
    made = tuple(Column(n, "double", partitions, Severity.PAGE, False, drawn) for n in (WHOLE, *names))
    return Report(Subject("huge", "day", ()), NOW, "1", partitions, 0, shown, shown, made, 0, (), 0)


def test_a_year_of_a_hundred_columns_that_all_break_stays_under_three_megabytes():
    made = page(huge(365, 100))

    assert len(made.encode()) < 3_000_000
    assert len(re.findall("<td", made)) > 36_500
    assert "Show 77 more columns" in made  # the whole table is one of the 24 rows


def test_the_script_is_told_of_the_loudest_violations_and_how_many_more_there_are():
    with interlock.settings.override(report_violations_max=10):
        facts = seen(page(huge(30, 5))).facts

    assert sum(len(load["found"]) for loads in facts["loads"] for load in loads) == 10
    assert len(facts["loads"][29][0]["found"]) == 5
    assert facts["loads"][0][0]["more"] == 5
