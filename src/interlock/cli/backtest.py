"""``interlock backtest``: what each sensitivity would have cost and caught."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from interlock import durable
from interlock.cli import render, tradeoff
from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json, progress
from interlock.words import count

if TYPE_CHECKING:
    from interlock.backtest import Backtest, Level, Recall


def backtest(
    table: Annotated[str, typer.Argument(help="The table.")],
    sensitivity: Annotated[
        list[str] | None,
        typer.Option(
            "--sensitivity",
            "-s",
            help="low, normal, high, or false alarms a year; may be repeated [default: the three].",
        ),
    ] = None,
    partitions: Annotated[
        int | None, typer.Option("--partitions", "-n", min=1, help="Partitions faults are planted in.")
    ] = None,
    not_clean: Annotated[
        list[str] | None,
        typer.Option("--not-clean", help="A partition on which an alert would be right; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed plants other faults.")] = 0,
    plot: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the trade-off as an SVG file.")
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """What each sensitivity would have cost and caught on the table's own past."""
    from interlock import detect

    chosen = [detect.as_sensitivity(s) for s in sensitivity or detect.LEVELS]
    with existing(workspace) as ws, progress(f"backtest of {table}", quiet=as_json) as advance:
        found = ws.existing_table(table).backtest(
            sensitivities=chosen,
            partitions=partitions,
            not_clean=not_clean or (),
            seed=seed,
            progress=advance,
        )
    if plot is not None:
        durable.write(plot, tradeoff.svg(found).encode())
    if as_json:
        print_json(found.to_dict())
    else:
        console().print(_shown(found))
    return 0


def _shown(found: Backtest) -> RenderableType:
    return Group(
        _head(found),
        Text(),
        _levels(found),
        Text(),
        tradeoff.chart(found),
        Text(),
        _kinds(found),
        Text(),
        _proposal(found),
    )


def _head(found: Backtest) -> Text:
    level, text = found.levels[0], Text()
    text.append(plain(found.table), style="bold")
    clean = count(level.clean, "clean partition")
    faults = count(level.recall.planted, "planted fault")
    text.append(f"  {clean} judged again, {faults} in {found.planted_in} of them")
    for reason, number in found.left_out.items():
        text.append(f"\n  not counted: {number:,} {plain(reason)}", style="dim")
    return text


def _levels(found: Backtest) -> RenderableType:
    lines = render.grid(
        "sensitivity", "alerts a week", "95%", "faults caught", "95%", "right column first", right=()
    )
    for level in found.levels:
        low, high = level.alerts_interval
        name = Text(str(level.sensitivity), style="bold" if level.sensitivity == found.proposed else "")
        lines.add_row(
            name.append("  now" if level.sensitivity == found.current else "", style="dim"),
            f"{level.alerts_per_week:.2f}",
            f"{low:.2f} – {high:.2f}",
            f"{level.recall.share:.1%}",
            _interval(level.recall),
            _first(level),
        )
    return lines


def _first(level: Level) -> str:
    return f"{level.recall.first / level.recall.caught:.1%}" if level.recall.caught else ""


def _interval(recall: Recall) -> str:
    low, high = recall.interval
    return f"{low:.0%} – {high:.0%}"


def _kinds(found: Backtest) -> RenderableType:
    names = [str(level.sensitivity) for level in found.levels]
    lines = render.grid("caught of each kind", "rows", *(c for n in names for c in (n, "95%")))
    for rows in zip(*(level.by_kind for level in found.levels), strict=True):
        share = rows[0].strength
        cells = [c for r in rows for c in (f"{r.caught}/{r.planted}", _interval(r))]
        lines.add_row(rows[0].kind, "" if share is None else f"{share:.0%}", *cells)
    return lines


def _proposal(found: Backtest) -> Text:
    text = Text("proposed: ").append(str(found.proposed), style="bold")
    text.append(f": {plain(found.why)}")
    if found.proposed != found.current:
        text.append(
            f"\nnext: `sensitivity: {found.proposed}` under {plain(found.table)} in interlock.yaml",
            style="dim",
        )
    return text
