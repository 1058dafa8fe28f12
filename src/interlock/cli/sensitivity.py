"""``interlock sensitivity``: how many false alarms a table's owner accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json
from interlock.words import count

if TYPE_CHECKING:
    from interlock.workspace.chosen import Chosen

_FROM = {
    "contract": "interlock.yaml says so",
    "workspace": "set in this workspace",
    "default": "nobody chose another",
}


def sensitivity(
    table: Annotated[str, typer.Argument(help="The table.")],
    value: Annotated[
        str | None,
        typer.Argument(
            help="low, normal, high, or the false alarms a year that are accepted; shown if left out."
        ),
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """How sensitive a table is, who says so, and what that means in false alarms a year; or set it."""
    with existing(workspace) as ws:
        target = ws.existing_table(table)
        if value is not None:
            target.sensitivity(value)
        found = target.chosen_sensitivity
    if as_json:
        print_json({"table": table, **found.to_dict()})
        return 0
    out = console()
    out.print(plain(f"{table}: {_named(found)} ({_FROM[found.origin.value]})"), style="bold", markup=False)
    out.print(plain(_meaning(found)), markup=False)
    out.print(
        plain(f"\nnext: interlock backtest {table}    what each sensitivity would have cost and caught"),
        style="dim",
        markup=False,
    )
    return 0


def _named(found: Chosen) -> str:
    if isinstance(found.sensitivity, str):
        return found.sensitivity
    return f"{found.sensitivity:g} false alarm{'' if found.sensitivity == 1 else 's'} a year"


def _meaning(found: Chosen) -> str:
    every = count(round(1 / found.share), "clean partition")
    aimed = f"{found.false_alarms_per_year:.2g}"
    a_year = f"{found.partitions_per_year:,.0f} partitions a year"
    return (
        f"aims at one false alarm in {every}: about {aimed} a year, at {a_year}, by what the past shows;\n"
        "what no past shows comes on top, and a backtest measures both"
    )
