"""``interlock slo``: how tables stand to what they promise."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from interlock.cli import render
from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json
from interlock.names import Outcome

if TYPE_CHECKING:
    from interlock.alerts.slo import Standing

_MARKS = {
    Outcome.PASS: ("✓ met", "green"),
    Outcome.FAIL: ("✗ missed", "bold red"),
    Outcome.INCONCLUSIVE: ("? no data", "yellow"),
}
_BAR = 10
_SHOWN = 5


def slo(
    table: Annotated[str | None, typer.Argument(help="One table only.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 where a table has no partitions.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Objectives, the error budget left, what is late. Exit 1 where one is missed."""
    with existing(workspace) as ws:
        tables = [ws.existing_table(table)] if table is not None else ws.tables()
        found = [s for s in (t.slo() for t in tables) if s is not None]
    if as_json:
        print_json([s.to_dict() for s in found])
    elif not found:
        console().print(
            "no table has an objective; add one to its contract: slo: {healthy: 0.99}", style="dim"
        )
    else:
        _print(found)
    outcomes = {s.outcome for s in found}
    if Outcome.FAIL in outcomes:
        return 1
    return 3 if strict and Outcome.INCONCLUSIVE in outcomes else 0


def _print(found: list[Standing]) -> None:
    grid = render.grid("table", "objective", "healthy", "budget left", "", right=("healthy",))
    for s in found:
        word, style = _MARKS[s.outcome]
        grid.add_row(
            Text(plain(s.table)),
            _objective(s),
            f"{s.partitions - len(s.unhealthy)} of {s.partitions}",
            _budget(s),
            Text(word, style=style),
        )
    console().print(grid)
    for s in found:
        for line in _notes(s):
            console().print(Text(plain(f"{s.table}: {line}"), style="dim"))


def _objective(s: Standing) -> str:
    fresh = f", by {s.objective.fresh:%H:%M} {s.objective.zone}" if s.objective.fresh else ""
    return f"{s.objective.healthy:.4g} over {s.objective.window_days} d{fresh}"


def _budget(s: Standing) -> Text:
    if not s.partitions:
        return Text("–")
    full = round(_BAR * min(max(s.left, 0.0), 1.0))
    style = "green" if s.left > 0.5 else "yellow" if s.left > 0 else "red"
    words = f" {s.left:.0%}" if s.left >= 0 else " overdrawn"
    return Text.assemble(("█" * full, style), ("░" * (_BAR - full), "dim"), words)


def _notes(s: Standing) -> list[str]:
    notes = [f"{h.label} unhealthy: {h.problem}" for h in s.unhealthy[-_SHOWN:]]
    if len(s.unhealthy) > _SHOWN:
        notes.insert(0, f"{len(s.unhealthy) - _SHOWN} more unhealthy partitions before these")
    if s.burning:
        notes.append(f"the budget burns: {s.burning}")
    if s.late:
        notes.append(f"late: {', '.join(s.late[-_SHOWN:])}" + (" and more" if len(s.late) > _SHOWN else ""))
    if s.overdue and s.due is not None:
        late = dt.datetime.now(dt.UTC) - s.due
        notes.append(f"the next partition was due {s.due:%Y-%m-%d %H:%M} UTC, {late.days} days ago")
    return notes
