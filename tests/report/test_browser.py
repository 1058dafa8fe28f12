"""The page in a real browser: no errors, cells that open, light and dark, a phone, paper."""

from __future__ import annotations

import pytest

from interlock.report import page as page_of
from tests.report.browser import ENTER, LEFT, UP
from tests.report.conftest import label
from tests.report.test_page import EVIL_COLUMNS, evil_table, huge


@pytest.fixture
def desk(chromium):
    """The window on a desk, in a light room."""
    chromium.resize(1280, 900)
    chromium.emulate(prefers_color_scheme="light")
    chromium.log()
    return chromium


@pytest.fixture
def opened(desk, sales, tmp_path):
    """The page of the sales, which no choice of an earlier test reaches."""
    page = sales.report(tmp_path / "page.html")
    desk.open(page)
    desk.run("localStorage.clear()")
    desk.open(page)
    yield desk
    assert desk.log() == []


def cell(row: int, place: int) -> str:
    """The selector of a cell; row 0 is the verdicts."""
    return f"#heat tbody tr:nth-child({row + 1}) td:nth-child({place + 2})"


def test_a_click_on_a_cell_shows_what_broke_in_it(opened):
    assert opened.run("return document.getElementById('detail').hidden") is True

    opened.click(cell(2, 39))

    said = opened.text("#detail")
    assert f"price · {label(39)}" in said
    assert "avg(price) < 16" in said and "cheap" in said


def test_a_cell_of_a_load_that_came_twice_tells_of_both(opened):
    opened.click(cell(2, 34))

    said = opened.text("#detail")
    assert "failed · stopped, then dropped" in said
    assert "passed · published\nNothing broke here." in said


def test_the_keyboard_alone_reaches_every_cell(opened):
    opened.run(f"document.querySelector('{cell(0, 39)}').focus()")
    opened.press(LEFT * 3 + UP)
    reached = opened.run("return document.activeElement.getAttribute('aria-label')")

    opened.press(ENTER)

    assert reached == f"verdict, {label(36)}: failed"
    assert f"verdict · {label(36)}" in opened.text("#detail")
    assert opened.run("return document.querySelectorAll('#heat [tabindex=\"0\"]').length") == 1


def test_the_buttons_step_through_time(opened):
    opened.click("#newest")
    assert f"verdict · {label(39)}" in opened.text("#detail")

    opened.click("#detail button")

    assert f"verdict · {label(38)}" in opened.text("#detail")
    assert opened.run("return document.activeElement.textContent") == "‹ earlier"


def paper(browser) -> str:
    return str(browser.run("return getComputedStyle(document.body).backgroundColor"))


def test_the_page_is_dark_where_the_system_is_and_where_somebody_says_so(opened):
    light = paper(opened)
    opened.emulate(prefers_color_scheme="dark")
    dark = paper(opened)
    assert light != dark
    assert opened.text("#theme") == "Light"

    opened.click("#theme")

    assert paper(opened) == light
    opened.reload()
    assert paper(opened) == light, "the choice is remembered"


@pytest.mark.parametrize("made", ["sales", "evil", "huge"])
def test_nothing_scrolls_sideways_on_a_phone_but_the_map(desk, ws, sales, tmp_path, made):
    page = tmp_path / "page.html"
    if made == "huge":
        page.write_text(page_of(huge(120, 40)), encoding="utf-8")
    else:
        (evil_table(ws) if made == "evil" else sales).report(page)
    desk.resize(360, 780, phone=True)
    desk.open(page)
    desk.run("for (const one of document.querySelectorAll('details')) one.open = true")
    desk.click("#newest")

    width = desk.run("return [document.documentElement.scrollWidth, innerWidth]")

    assert width == [360, 360]
    assert desk.log() == []


def test_on_paper_everything_is_open_light_and_fits(opened):
    opened.click("#theme")
    opened.run("dispatchEvent(new Event('beforeprint'))")
    opened.emulate(media="print")
    opened.resize(1032, 700)

    assert opened.run("return document.querySelectorAll('details:not([open])').length") == 0
    assert opened.run("return document.documentElement.scrollWidth") == 1032
    assert paper(opened) == "rgb(255, 255, 255)"
    assert opened.run("return getComputedStyle(document.body).color") == "rgb(27, 33, 38)"
    names, first = (
        opened.run(f"return document.querySelector('#heat tbody {cell_}').getBoundingClientRect().toJSON()")
        for cell_ in ("th span", "td")
    )
    assert names["right"] <= first["left"]
    assert (
        opened.run("return getComputedStyle(document.getElementById('theme').parentNode).display") == "none"
    )
    opened.run("dispatchEvent(new Event('afterprint'))")
    assert opened.run("return document.querySelectorAll('details:not([open])').length") > 0


def test_names_that_are_markup_stay_names(desk, ws, tmp_path):
    desk.open(evil_table(ws).report(tmp_path / "evil.html"))
    desk.click("#newest")

    assert desk.log() == []
    assert desk.run("return [document.scripts.length, document.images.length]") == [2, 0]
    said = desk.run("return document.body.textContent")
    assert [name for name in EVIL_COLUMNS if name not in said] == []
    assert "alert(1)" in desk.text("#detail")


def test_the_policy_refuses_what_is_not_the_pages_own(desk, sales, tmp_path):
    page = sales.report(tmp_path / "page.html")
    html = page.read_text(encoding="utf-8")
    page.write_text(html.replace("</main>", "<script>document.title='run'</script></main>"), encoding="utf-8")

    desk.open(page)

    assert desk.run("return document.title") == "sales · Interlock report"
    (refused,) = desk.log()
    assert "Content Security Policy" in refused


def test_a_year_of_a_hundred_columns_opens_and_answers(desk, tmp_path):
    page = tmp_path / "huge.html"
    page.write_text(page_of(huge(365, 100)), encoding="utf-8")
    desk.open(page)
    desk.click("#more")
    desk.run("document.querySelector('#folded tr:last-child td:last-child').click()")

    assert "a_column_with_a_name_" in desk.text("#detail h3")
    assert desk.log() == []
