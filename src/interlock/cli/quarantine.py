"""``interlock quarantine``: what was kept from readers, and letting it go either way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from interlock.cli import render
from interlock.cli.options import AllOption, JsonOption, WorkspaceOption, existing, table_and_partition
from interlock.cli.output import console, plain, print_json

if TYPE_CHECKING:
    from interlock.workspace import Table

app = typer.Typer(
    help="List, show, release or drop quarantined partitions.", no_args_is_help=True, rich_markup_mode=None
)

Place = Annotated[str, typer.Argument(help="TABLE@PARTITION, such as flights@2013-06-01.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; recorded in the ledger.")]


@app.command("list")
def list_(
    table: Annotated[str | None, typer.Argument(help="One table only.")] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Every partition in quarantine."""
    with existing(workspace) as ws:
        held = ws.quarantined(table)
        if as_json:
            print_json([h.to_dict() for h in held])
            return 0
        if not held:
            console().print("the quarantine is empty", style="dim")
            return 0
        grid = render.grid("partition", "rows", "since", "why", right=("rows",))
        for h in held:
            grid.add_row(
                Text(plain(f"{h.table}@{h.label}")),
                f"{h.rows:,}",
                f"{h.since:%Y-%m-%d %H:%M}",
                Text(plain(h.why)),
            )
        console().print(grid)
    return 0


@app.command()
def show(
    place: Place,
    everything: AllOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """The verdict that put a partition there."""
    name, label = table_and_partition(place)
    with existing(workspace) as ws:
        document = ws.existing_table(name).quarantined_verdict(label)
        if as_json:
            print_json(document)
        else:
            console().print(render.document(document, everything=everything))
            advice = f"\nrelease it:  interlock quarantine release {place} --reason …"
            advice += f"\nor drop it:  interlock quarantine drop {place} --reason …"
            console().print(advice, style="dim", markup=False)
    return 0


@app.command()
def release(
    place: Place, reason: Reason, as_json: JsonOption = False, workspace: WorkspaceOption = None
) -> int:
    """Publish a quarantined partition after all."""
    return _let_go(lambda t, *why: t.release(*why), "published", place, reason, as_json, workspace)


@app.command()
def drop(place: Place, reason: Reason, as_json: JsonOption = False, workspace: WorkspaceOption = None) -> int:
    """Take a partition out of quarantine for good; its file is kept for the grace period."""
    return _let_go(lambda t, *why: t.drop(*why), "dropped", place, reason, as_json, workspace)


def _let_go(
    way: Callable[[Table, str, str], dict[str, Any]],
    done: str,
    place: str,
    reason: str,
    as_json: bool,
    workspace: str | None,
) -> int:
    name, label = table_and_partition(place)
    with existing(workspace) as ws:
        fact = way(ws.existing_table(name), label, reason)
        if as_json:
            print_json(fact)
        else:
            console().print(plain(f"{place} is {done}; recorded with its reason"), markup=False)
    return 0
