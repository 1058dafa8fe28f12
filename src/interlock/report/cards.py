"""Alerts as cards: what, since when, where, why, what to type, and what changed."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.detect.wording import number, percent
from interlock.names import Severity
from interlock.report.facts import Change, Finding, Report, Story, Told
from interlock.report.markup import Markup, el, join
from interlock.report.words import STANDINGS, brief
from interlock.words import count

OPEN = 3  # cards open at first
REASONS = 5  # violations listed in a card
_NAMED = 6  # columns named in a card
_WORD = {Severity.PAGE: "page", Severity.TICKET: "ticket", Severity.INFO: "note"}
_WIDTH, _ROW = 1_000, 26
_QUARTILES = {"0.05": "5% quantile", "0.5": "median", "0.95": "95% quantile"}


def cards(report: Report) -> Markup:
    """Pages and tickets as cards, the newest first; notes folded."""
    loud = [s for s in report.stories if s.told.severity is not Severity.INFO]
    notes = [s for s in report.stories if s.told.severity is Severity.INFO]
    left = report.stories_left_out
    return el(
        "section",
        el("h2", "Alerts"),
        el("p", _lead(report, len(loud)), class_="lead"),
        *(_card(story, opened=place < OPEN) for place, story in enumerate(loud)),
        _folded(notes),
        el("p", f"{count(left, 'more alert')}; the map above has them all.", class_="lead") if left else None,
        class_="alerts",
        id="alerts",
    )


def _lead(report: Report, loud: int) -> str:
    over = f"in the last {count(len(report.shown), 'partition')}"
    return f"{count(loud, 'alert')} {over}, the newest first." if loud else f"No page and no ticket {over}."


def _folded(notes: Sequence[Story]) -> Markup | None:
    if not notes:
        return None
    head = el("summary", f"{count(len(notes), 'note')}, too quiet to act on")
    return el("details", head, *(_card(story, opened=False) for story in notes), class_="fold")


def _card(story: Story, *, opened: bool) -> Markup:
    told = story.told
    head = el(
        "summary",
        el("span", _WORD[told.severity], class_=f"badge {told.severity}"),
        el("span", story.label, class_="when"),
        el("span", brief(told.title), class_="what"),
    )
    return el("details", head, el("div", _about(story), _reasons(told.findings), _changes(story), class_="body"),
              class_=f"card {told.severity}", open=opened)  # fmt: skip


def _about(story: Story) -> Markup:
    told = story.told
    columns = ", ".join(told.columns[:_NAMED])
    more = f" and {len(told.columns) - _NAMED:,} more" if len(told.columns) > _NAMED else ""
    pairs = (
        ("Became", STANDINGS[story.standing]),
        ("Since", told.since if told.since and told.since != story.label else None),
        ("Columns", columns + more or "the whole table"),
        ("Cause", _cause(told)),
        ("Hits", "; ".join(told.hit)),
    )
    shown = [el("div", el("dt", k), el("dd", v)) for k, v in pairs if v]
    if story.advice:
        shown.append(el("div", el("dt", "Next"), el("dd", el("code", story.advice))))
    return el("dl", *shown, class_="about")


def _cause(told: Told) -> str | None:
    """Its name, unless the title says it already."""
    return told.cause if told.cause != told.title else None


def _reasons(findings: Sequence[Finding]) -> Markup:
    lines = [
        el("li", el("b", f.observed), " ", el("span", f"expected {brief(f.expected)}"))
        for f in sorted(findings, key=lambda f: f.loudness)[:REASONS]
    ]
    left = len(findings) - len(lines)
    more = el("li", el("span", f"and {left:,} more")) if left > 0 else None
    return el("ul", *lines, more, class_="reasons")


# --- before and now -------------------------------------------------------------------


def _changes(story: Story) -> Markup | None:
    before = f"Median of {story.compared} before" if story.compared > 1 else "Before"
    parts = [_change(change, before) for change in story.changes]
    return el("div", *parts, class_="changes") if parts else None


def _change(change: Change, before: str) -> Markup:
    return el(
        "div",
        el("h4", change.column or "whole table"),
        _numbers(change, before),
        _quantiles(change, before) if change.quantiles else None,
        _values(change, before) if change.values else None,
        class_="change",
    )


def _numbers(change: Change, before: str) -> Markup | None:
    rows = [(n.words, n.before, n.now) for n in change.numbers]
    rows += [(_QUARTILES[q], number(a), number(b)) for q, a, b in change.quantiles if q in _QUARTILES]
    if not rows:
        return None
    head = el("tr", el("td"), el("th", before, scope="col"), el("th", "This load", scope="col"))
    body = [el("tr", el("th", word, scope="row"), el("td", old), el("td", new)) for word, old, new in rows]
    return el("table", el("thead", head), el("tbody", *body), class_="numbers")


def _quantiles(change: Change, before: str) -> Markup:
    """Two strips on one scale: whiskers from 1 to 99 percent, a box from 25 to 75, a tick at the median."""
    old = {q: a for q, a, _ in change.quantiles}
    new = {q: b for q, _, b in change.quantiles}
    low, high = min(*old.values(), *new.values()), max(*old.values(), *new.values())
    span = (high - low) or 1.0
    strips = (_strip(at, low, span, y, name) for at, y, name in ((old, 4, "old"), (new, 4 + _ROW, "new")))
    drawn = el("svg", *strips, viewBox=f"-8 0 {_WIDTH + 16} {2 * _ROW}", preserveAspectRatio="none", class_="strips",
               role="img", aria_label="Distribution before, above, and in this load, below")  # fmt: skip
    ends = el("p", el("span", number(low)), el("span", number(high)), class_="ends")
    return el("figure", _key(before), drawn, ends)


def _key(before: str) -> Markup:
    return el("figcaption", el("i", class_="key old"), before, el("i", class_="key new"), "This load")


def _strip(at: dict[str, float], low: float, span: float, y: int, name: str) -> Markup:
    def x(share: str, other: str) -> float:
        return round((at.get(share, at.get(other, low)) - low) / span * _WIDTH, 1)

    first, last = x("0.01", "0.05"), x("0.99", "0.95")
    left, middle, right = x("0.25", "0.5"), x("0.5", "0.25"), x("0.75", "0.5")
    height = _ROW - 8
    whisker = el("rect", x=first, y=y + height // 2 - 1, width=max(last - first, 3), height=3)
    box = el("rect", x=left, y=y, width=max(round(right - left, 1), 3), height=height, class_="box")
    tick = el("rect", x=max(middle - 2, 0), y=y - 2, width=4, height=height + 4, class_="tick")
    return el("g", whisker, box, tick, class_=name)


def _values(change: Change, before: str) -> Markup:
    """Shares of the most frequent values, side by side."""
    most = max((max(a, b) for _, a, b in change.values), default=1.0) or 1.0
    rows = [
        el("tr", el("th", value if value.strip() else repr(value), scope="row"), *_bars(a, b, most))
        for value, a, b in change.values
    ]
    return el("figure", _key(before), el("table", el("tbody", *rows), class_="values"))


def _bars(before: float, now: float, most: float) -> tuple[Markup, Markup]:
    bars = (
        el("rect", x=0, y=y, width=max(round(share / most * 100, 1), 0.5), height=6, class_=name)
        for share, y, name in ((before, 0, "old"), (now, 8, "new"))
    )
    drawn = el(
        "svg", *bars, viewBox="0 0 100 14", preserveAspectRatio="none", class_="bars", aria_hidden="true"
    )
    return el("td", drawn), el("td", join([percent(before), percent(now)], " → "), class_="share")
