"""How ``interlock incident alert-fatigue`` prints itself."""

from __future__ import annotations

import calendar
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from interlock.incidents.alert_fatigue import AlertFatigue, Month


def alert_fatigue(story: AlertFatigue) -> RenderableType:
    """What was sent, in a line a watcher; then month by month; then how it was counted."""
    return Group(
        Text(
            f"\n{story.days} days of real flights, {story.faults} planted faults, "
            f"{story.unusual_days} days of storms and holidays. What would you have been sent?\n",
            style="bold",
        ),
        _year(story),
        Text(
            "\nMonth by month: alerts (pages among them), ✓ the planted fault was caught, ✗ it was not\n",
            style="bold",
        ),
        _months(story),
        *(Text(f"\n{w.name} missed: {', '.join(w.missed)}") for w in story.watched if w.missed),
        Text(
            "\nAll learn from January; nobody answers an alert. The limits: seven statistics a column over 28 days, "
            "one alert a column until it is quiet again, a page at 2.5 times the limit, as Interlock's. "
            "An alert was about something if a fault was planted that day, or the calendar or the news say why it "
            "was not as usual. Interlock's settings were chosen on this table; benchmarks/detection has others.",
            style="dim",
        ),
    )


def _year(story: AlertFatigue) -> Table:
    grid = _grid("", "alerts a week", "pages a year", "faults caught", "about something")
    for w in story.watched:
        total = w.total()
        grid.add_row(
            Text(w.name, style="bold" if w is story.watched[-1] else ""),
            f"{w.per_week:.1f}",
            f"{total.pages}",
            f"{total.caught} of {total.faults}",
            "–" if w.precision is None else f"{total.real} of {total.sent}, {w.precision:.0%}",
        )
    return grid


def _months(story: AlertFatigue) -> Table:
    grid = _grid("", "faults", *(w.name.removeprefix("a limit a column, ") for w in story.watched))
    for row in zip(*(w.months for w in story.watched), strict=True):
        grid.add_row(_name(row[0]), f"{row[0].faults or ''}", *map(_month, row))
    return grid


def _grid(*titles: str) -> Table:
    grid = Table(box=None, pad_edge=False, header_style="dim", show_edge=False, padding=(0, 3, 0, 0))
    for i, title in enumerate(titles):
        grid.add_column(title, justify="right" if i else "left", no_wrap=True)
    return grid


def _month(month: Month) -> str:
    mark = "✓" if month.caught == month.faults else "✗"
    return f"{month.sent} ({month.pages}) {mark if month.faults else ' '}"


def _name(month: Month) -> str:
    return calendar.month_name[int(month.month[-2:])]
