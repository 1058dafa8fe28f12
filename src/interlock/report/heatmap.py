"""The heat map: columns along partitions, each cell as loud as the loudest violation in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from interlock.names import Severity, partition_time
from interlock.report.facts import WHOLE, Answer, Column, Finding, Load, Partition, Report
from interlock.report.markup import Markup, el, join
from interlock.report.words import became
from interlock.words import count, minute

LOUD = 3.0  # a score from which a cell is darker
ROWS_OPEN = 24  # rows shown before the rest is folded
TICKS = 10  # partitions a tick stands for where labels are no dates
_FEW = 40  # partitions up to which cells are wide
_LETTER = {Severity.PAGE: "p", Severity.TICKET: "t", Severity.INFO: "i"}
_ANSWER = {Answer.FAIL: "f", Answer.INCONCLUSIVE: "u", Answer.ALERTED: "a", Answer.PASS: ""}
_WORDS = {
    "p": "page",
    "P": "page, loud",
    "t": "ticket",
    "T": "ticket, loud",
    "i": "note",
    "I": "note, loud",
    "u": "inconclusive",
    "f": "failed",
    "a": "alerted",
}
_LEGEND = (
    ("held", "nothing broke"),
    ("i", "note"),
    ("t", "ticket"),
    ("T", f"ticket, score ≥ {LOUD:g}"),
    ("p", "page"),
    ("P", f"page, score ≥ {LOUD:g}"),
    ("u", "inconclusive"),
    ("p x", "in a load that was dropped or replaced"),
)


def heatmap(report: Report) -> Markup:
    """The map with its legend, and an empty place for the details of a cell."""
    broken = [c for c in report.columns if c.broke or c.name == WHOLE]
    return el(
        "section",
        el("h2", "What broke where"),
        el("p", _lead(report, broken), class_="lead"),
        el("ul", *(el("li", el("i", class_=f"key {key}"), words) for key, words in _LEGEND), class_="legend"),
        el("div", _table(report, broken), class_="scroll", id="scroll"),
        _buttons(broken),
        _quiet([c.name for c in report.columns if c not in broken], report.columns_left_out),
        el(
            "noscript",
            el("p", "The details of a cell need JavaScript; every alert is told below.", class_="lead"),
        ),
        el(
            "div", id="detail", role="region", aria_live="polite", aria_label="Details of a cell", hidden=True
        ),
        class_="map",
        id="map",
    )


def _lead(report: Report, broken: Sequence[Column]) -> str:
    columns = len(broken) - 1
    said = f"{count(columns, 'column')} broke something" if columns else "No column broke anything"
    return (
        f"{said} in the last {count(len(report.shown), 'partition')}, the newest on the right. "
        "Choose a cell for its details; arrow keys move."
    )


def _table(report: Report, broken: Sequence[Column]) -> Markup:
    rows = [_row("verdict", [_verdict(p) for p in report.shown], class_="verdict")]
    rows += [
        _row(c.name or "whole table", [_cell(p, c.name) for p in report.shown], title=c.name or None)
        for c in broken
    ]
    kept, folded = rows[: ROWS_OPEN + 1], rows[ROWS_OPEN + 1 :]
    labels = (el("th", label, scope="col") for label in ("column", *(p.label for p in report.shown)))
    return el(
        "table",
        el("caption", f"Violations by column and partition of {report.subject.name}"),
        el("thead", _ruler(report.shown), el("tr", *labels, class_="labels")),
        el("tbody", *kept),
        el("tbody", *folded, id="folded", hidden=True) if folded else None,
        role="grid",
        id="heat",
        class_="few" if len(report.shown) <= _FEW else None,
        aria_label="Violations by column and partition",
    )


def _row(name: str, cells: Sequence[str], *, title: str | None = None, class_: str | None = None) -> Markup:
    head = el("th", el("span", name), scope="row", title=title)
    return el("tr", head, Markup("".join(cells)), class_=class_)


def _ruler(shown: Sequence[Partition]) -> Markup:
    """A row of months, or of every tenth partition."""
    names = [_month(p.label) for p in shown]
    if not all(names):
        names = [shown[i - i % TICKS].label for i in range(len(shown))]
    spans = [(name, len(list(group))) for name, group in groupby(names)]
    ticks = (el("td", el("span", name or ""), colspan=width) for name, width in spans)
    return el("tr", el("td"), *ticks, class_="ruler", aria_hidden="true")


def _month(label: str) -> str | None:
    moment = partition_time(label)
    return moment.strftime("%b %Y") if moment else None


def _verdict(partition: Partition) -> str:
    return _td(_ANSWER[partition.answer], held=any(_matters(load, partition) for load in partition.loads))


def _matters(load: Load, partition: Partition) -> bool:
    return load.standing.held and load.answer is partition.answer


def _cell(partition: Partition, column: str) -> str:
    """The loudest violation of any load; hollow where no load that is still there has it."""
    found = [(f, load) for load in partition.loads for f in load.findings if f.of(column)]
    if not found:
        return _td("", held=True)
    standing = [pair for pair in found if pair[1].standing.held]
    loudest, _ = min(found, key=lambda pair: pair[0].loudness)
    return _td(_class(loudest), held=bool(standing))


def _class(finding: Finding) -> str:
    if finding.inconclusive:
        return "u"
    letter = _LETTER[finding.severity]
    return letter.upper() if finding.score >= LOUD and letter != "i" else letter


def _td(letter: str, *, held: bool) -> str:
    """A cell in as few bytes as it takes: there may be tens of thousands."""
    if not letter:
        return "<td>"
    return f"<td class={letter}>{_WORDS[letter]}" if held else f'<td class="{letter} x">{_WORDS[letter]}'


def _buttons(broken: Sequence[Column]) -> Markup | None:
    """What the page's script offers below the map."""
    if not any(c.broke for c in broken):
        return None
    newest = el("button", "Show the newest violation", type="button", id="newest", class_="quiet")
    left = len(broken) - ROWS_OPEN
    words = f"Show {count(left, 'more column')}"
    more = el("button", words, type="button", id="more", class_="quiet", aria_controls="folded")
    return el("div", newest, more if left > 0 else None, class_="under")


def _quiet(names: Sequence[str], left_out: int) -> Markup | None:
    """Columns that broke nothing need no row."""
    if not names and not left_out:
        return None
    head = (
        f"{count(len(names) + left_out, 'column')} without a violation"
        if names
        else f"{left_out:,} more columns"
    )
    more = el("span", f" and {left_out:,} more, which are not drawn") if left_out else None
    listed = join([el("code", name) for name in names], " ")
    return el("details", el("summary", head), el("p", listed, more, class_="names"), class_="fold")


# --- what the page's script shows of a cell -------------------------------------------


def details(report: Report, most: int) -> dict[str, Any]:
    """Labels, row names and every load with its violations, the ``most`` loudest of them."""
    names = [c.name for c in report.columns if c.broke or c.name == WHOLE]
    place = {name: i for i, name in enumerate(names)}
    kept = _loudest(report, most)
    return {
        "table": report.subject.name,
        "labels": [p.label for p in report.shown],
        "columns": ["whole table", *names[1:]],
        "loads": [[_load(load, place, kept) for load in p.loads] for p in report.shown],
    }


def _loudest(report: Report, most: int) -> set[int]:
    found = [f for p in report.shown for load in p.loads for f in load.findings]
    return {id(f) for f in sorted(found, key=lambda f: f.loudness)[:most]}


def _load(load: Load, place: dict[str, int], kept: set[int]) -> dict[str, Any]:
    told = [f for f in load.findings if id(f) in kept]
    found: dict[str, Any] = {
        "what": became(load),
        "when": minute(load.loaded_at),
        "rows": load.rows,
        "held": load.standing.held,
        "found": [_finding(f, place) for f in told],
    }
    if load.alerts:
        found["alerts"] = [[a.severity.value, a.title] for a in load.alerts]
    if len(told) < len(load.findings):
        found["more"] = len(load.findings) - len(told)
    if load.notes:
        found["notes"] = list(load.notes)
    return found


def _finding(finding: Finding, place: dict[str, int]) -> list[Any]:
    severity = "inconclusive" if finding.inconclusive else finding.severity.value
    rows = [place[c] for c in finding.columns if c in place] or [0]
    blocks = finding.blocking and not finding.inconclusive
    return [
        rows,
        severity,
        finding.observed,
        finding.expected,
        finding.constraint,
        round(finding.score, 2),
        finding.since or "",
        int(blocks),
    ]
