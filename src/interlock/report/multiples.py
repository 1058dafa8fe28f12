"""Small multiples: for each column a few statistics through time, as sparklines with the band that held before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from interlock.detect.features import Family
from interlock.detect.wording import number
from interlock.report.facts import WHOLE, Column, Point, Report, Series
from interlock.report.markup import Markup, el
from interlock.words import count

WIDTH, HEIGHT, EDGE = 2_400, 480, 40  # in a tenth of what is drawn, so that paths hold short whole numbers
_MANY = 150  # partitions from which lines are thinner


def multiples(report: Report) -> Markup:
    """Columns that broke something first; the rest is folded."""
    loud = [c for c in report.columns if c.broke or c.name == WHOLE]
    rest = [c for c in report.columns if c not in loud]
    labels = [p.label for p in report.shown]
    folded = el(
        "details",
        el("summary", f"{count(len(rest), 'column')} without a violation"),
        *(_column(c, labels) for c in rest),
        class_="fold",
    )
    return el(
        "section",
        el("h2", "Columns through time"),
        el(
            "p",
            "The band is the range of the partitions before that broke nothing. ",
            el("i", class_="dot"), " broke something, and readers see it; ",
            el("i", class_="dot hollow"), " never reached them, or is gone.",
            class_="lead",
        ),
        *(_column(c, labels) for c in loud),
        folded if rest else None,
        class_="history",
        id="columns",
    )  # fmt: skip


def _column(column: Column, labels: Sequence[str]) -> Markup:
    said = [column.type] if column.type else []
    said += ["sensitive: its values are not shown"] if column.sensitive else []
    charts = [_chart(s, labels, column.name) for s in column.series if s.constant is None]
    said += [f"{s.words} always {_number(s, s.constant)}" for s in column.series if s.constant is not None]
    badge = (
        el("span", count(column.broke, "violation"), class_=f"badge {column.severity}")
        if column.severity
        else None
    )
    return el(
        "article",
        el("header", el("h3", column.name or "whole table"), badge, el("p", " · ".join(said))),
        el("div", *charts, class_="charts") if charts else None,
        class_="column",
    )


def _chart(series: Series, labels: Sequence[str], column: str) -> Markup:
    known = [v for v in series.values if v is not None]
    last = next((v for v in reversed(series.values) if v is not None), None)
    span = f"{_number(series, min(known))} … {_number(series, max(known))}" if known else "never published"
    now = f", last {_number(series, last)}" if last is not None else ""
    broke = f"; {count(len(series.points), 'point')} broke something" if series.points else ""
    return el(
        "figure",
        el("figcaption", el("b", series.words), el("span", span + now)),
        spark(series, labels, f"{series.words} of {column or 'the table'}: {span}{now}{broke}"),
    )


def _number(series: Series, value: float) -> str:
    return number(value, Family(series.family))


# --- the drawing ----------------------------------------------------------------------


class Scale:
    """Where a value of a series goes; what lies outside is drawn at the edge."""

    def __init__(self, series: Series) -> None:
        shown = [v for run in (series.values, series.low, series.high) for v in run if v is not None]
        shown = shown or [p.value for p in series.points] or [0.0]
        self.low, self.high = low, high = min(shown), max(shown)
        self.half = (high / 2 - low / 2) or abs(high) or 1.0  # halves, since a span may be infinite
        self.flat = high == low
        self.step = (WIDTH - 2 * EDGE) / max(len(series.values) - 1, 1)

    def x(self, place: int) -> int:
        return round(EDGE + place * self.step)

    def y(self, value: float) -> int:
        share = 0.5 if self.flat and value == self.low else (value / 2 - self.low / 2) / self.half
        return round(HEIGHT - EDGE - min(max(share, 0.0), 1.0) * (HEIGHT - 2 * EDGE))

    def beyond(self, value: float) -> int:
        """-1 below what is drawn, 1 above it, 0 inside."""
        return 0 if self.flat and value == self.low else (value > self.high) - (value < self.low)


def spark(series: Series, labels: Sequence[str], title: str) -> Markup:
    """A sparkline as inline SVG."""
    scale = Scale(series)
    return el(
        "svg",
        el("path", d=_band(series, scale), class_="band") if any(v is not None for v in series.low) else None,
        el("path", d=_line(series, scale), class_="line many" if len(labels) > _MANY else "line"),
        *(_lonely(series, scale)),
        *(_point(p, series, labels, scale) for p in series.points),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="spark",
        role="img",
        aria_label=title,
    )


def _line(series: Series, scale: Scale) -> str:
    """The known values; a gap where a partition has none."""
    parts, x, y, drawing = [], 0, 0, False
    for place, value in enumerate(series.values):
        if value is None:
            drawing = False
            continue
        to_x, to_y = scale.x(place), scale.y(value)
        parts.append(f"l{to_x - x}{to_y - y:+d}" if drawing else f"M{to_x} {to_y}")
        x, y, drawing = to_x, to_y, True
    return "".join(parts)


def _lonely(series: Series, scale: Scale) -> Iterator[Markup]:
    """Values between two gaps, which no line shows."""
    values = [None, *series.values, None]
    for place, value in enumerate(series.values):
        if value is not None and values[place] is None and values[place + 2] is None:
            yield el("circle", cx=scale.x(place), cy=scale.y(value), r=14, class_="only")


def _band(series: Series, scale: Scale) -> str:
    """Steps along the lower limits, and back along the upper ones."""
    lower = _steps(series.low, scale)
    upper = _steps(series.high, scale)
    there = "".join(f"{'M' if i == 0 else 'L'}{x} {y}" for i, (x, y) in enumerate(lower))
    return there + "".join(f"L{x} {y}" for x, y in reversed(upper)) + "Z"


def _steps(limits: Sequence[float | None], scale: Scale) -> list[tuple[int, int]]:
    """Corners of a step line; a limit holds from half a partition before its own."""
    found: list[tuple[int, int]] = []
    for place, limit in enumerate(limits):
        if limit is None or (found and found[-1][1] == scale.y(limit)):
            continue
        x, y = scale.x(place), scale.y(limit)
        found += [(x, found[-1][1]), (x, y)] if found else [(x, y)]
    if found:
        found.append((scale.x(len(limits) - 1), found[-1][1]))
    return found


def _point(point: Point, series: Series, labels: Sequence[str], scale: Scale) -> Markup:
    """A dot, or an arrow at the edge for what lies beyond it."""
    x, y, beyond = scale.x(point.place), scale.y(point.value), scale.beyond(point.value)
    title = el("title", f"{labels[point.place]}: {_number(series, point.value)}")
    shown = "off" if point.read else "off hollow"
    if not beyond:
        return el("circle", title, cx=x, cy=y, r=34, class_=shown)
    tip, foot = (y - 30, y + 34) if beyond > 0 else (y + 30, y - 34)
    return el("path", title, d=f"M{x - 38} {foot}L{x} {tip}L{x + 38} {foot}Z", class_=shown)
