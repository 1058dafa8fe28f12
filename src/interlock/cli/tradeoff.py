"""The trade-off of a backtest as a picture: alerts a week against faults caught, in the terminal or as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from interlock.backtest import Backtest, Level

WIDTH, HEIGHT = 56, 10  # characters of the chart in a terminal
SVG_WIDTH, SVG_HEIGHT, MARGIN = 640, 400, 60


def chart(found: Backtest) -> Text:
    """A point a sensitivity, with the interval of its alerts a week as a line."""
    cells = [[" "] * WIDTH for _ in range(HEIGHT)]
    for level in found.levels:
        y = _row(found, level)
        first, last = (_column(found, x) for x in level.alerts_interval)
        for x in range(first, last + 1):
            cells[y][x] = "─" if cells[y][x] == " " else cells[y][x]
    for level in found.levels:
        y, x = _row(found, level), _column(found, level.alerts_per_week)
        cells[y][x] = "●" if level.sensitivity == found.proposed else "○"
        _put(cells[y], x + 2, str(level.sensitivity))
    low, high = _recalls(found)
    text = Text("faults caught\n", style="dim")
    for i, row in enumerate(cells):
        mark = f"{high:>5.0%}" if i == 0 else f"{low:>5.0%}" if i == HEIGHT - 1 else " " * 5
        text.append(f"{mark} │", style="dim").append("".join(row) + "\n", style="cyan")
    text.append(f"{'':5} └{'─' * WIDTH}\n", style="dim")
    most = f"{_most(found):.2f} alerts a week"
    return text.append(f"{'':7}0{most:>{WIDTH - 1}}", style="dim")


def _put(row: list[str], at: int, word: str) -> None:
    """A label, where there is room for it."""
    at = min(at, WIDTH - len(word))
    if all(c in " ─" for c in row[at : at + len(word)]):
        row[at : at + len(word)] = word


def _most(found: Backtest) -> float:
    return max(max(level.alerts_interval) for level in found.levels)


def _recalls(found: Backtest) -> tuple[float, float]:
    """The ends of the scale of recall, a few points around what was found."""
    shares = [level.recall.share for level in found.levels]
    low, high = max(min(shares) - 0.03, 0.0), min(max(shares) + 0.03, 1.0)
    return low, high


def _column(found: Backtest, per_week: float) -> int:
    return round(per_week / _most(found) * (WIDTH - 1))


def _row(found: Backtest, level: Level) -> int:
    low, high = _recalls(found)
    return round((high - level.recall.share) / (high - low) * (HEIGHT - 1))


def svg(found: Backtest) -> str:
    """The same as an SVG document, with the intervals of both."""
    title = escape(f"{found.table}: what each sensitivity costs and catches")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SVG_WIDTH} {SVG_HEIGHT}" role="img"'
        f' aria-label="{title}" font-family="sans-serif" font-size="13" fill="#333">',
        f'<rect width="{SVG_WIDTH}" height="{SVG_HEIGHT}" fill="#fff"/>',
        f'<text x="{MARGIN}" y="28" font-size="15">{title}</text>',
        *_axes(found),
        *(part for level in found.levels for part in _point(found, level)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(found: Backtest, per_week: float) -> float:
    return MARGIN + per_week / _most(found) * (SVG_WIDTH - 2 * MARGIN)


def _y(found: Backtest, share: float) -> float:
    low, high = _ends(found)
    return SVG_HEIGHT - MARGIN - (share - low) / (high - low) * (SVG_HEIGHT - 2 * MARGIN)


def _ends(found: Backtest) -> tuple[float, float]:
    intervals = [level.recall.interval for level in found.levels]
    return max(min(i[0] for i in intervals) - 0.02, 0.0), min(max(i[1] for i in intervals) + 0.02, 1.0)


def _axes(found: Backtest) -> Iterator[str]:
    left, bottom, right = MARGIN, SVG_HEIGHT - MARGIN, SVG_WIDTH - MARGIN
    yield f'<path d="M{left} {MARGIN}V{bottom}H{right}" fill="none" stroke="#999"/>'
    for i in range(5):
        per_week = _most(found) * i / 4
        low, high = _ends(found)
        share = low + (high - low) * i / 4
        yield (
            f'<text x="{_x(found, per_week):.0f}" y="{bottom + 18}" text-anchor="middle">{per_week:.2f}</text>'
        )
        yield f'<text x="{left - 8}" y="{_y(found, share) + 4:.0f}" text-anchor="end">{share:.0%}</text>'
    yield f'<text x="{right}" y="{bottom + 38}" text-anchor="end">alerts a week on clean partitions</text>'
    yield f'<text x="{left}" y="{MARGIN - 10}">faults caught</text>'


def _point(found: Backtest, level: Level) -> Iterator[str]:
    x, y = _x(found, level.alerts_per_week), _y(found, level.recall.share)
    (left, right), (low, high) = level.alerts_interval, level.recall.interval
    colour = "#c33" if level.sensitivity == found.proposed else "#36c"
    yield (
        f'<path d="M{_x(found, left):.1f} {y:.1f}H{_x(found, right):.1f}M{x:.1f} {_y(found, low):.1f}'
        f'V{_y(found, high):.1f}" stroke="{colour}" opacity="0.5"/>'
    )
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
    yield f'<text x="{x + 9:.1f}" y="{y - 7:.1f}">{escape(str(level.sensitivity))}</text>'
