"""``interlock ledger``: what happened, and the proof that nobody rewrote it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json

app = typer.Typer(help="Read and verify the append-only record.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def log(
    limit: Annotated[int, typer.Option("--limit", "-n", help="The newest N entries.")] = 20,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """The newest entries, oldest first."""
    with existing(workspace) as ws:
        entries = ws.ledger_entries(limit)
    if as_json:
        print_json(entries)
        return 0
    for entry in entries:
        console().print(
            Text(plain(f"{entry['index']:>6}  {entry['at'][:19]}  {entry['kind']:<12} {entry['what']}"))
        )
    return 0


@app.command()
def verify(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> int:
    """Re-derive everything from the files; exit 1 and name the place if a byte was changed."""
    with existing(workspace) as ws:
        report = ws.verify_ledger()
    if as_json:
        print_json(report.to_dict())
    elif report.ok:
        console().print(
            f"ledger verified: {report.size:,} entries, root {report.root}",
            style="green",
            markup=False,
            soft_wrap=True,
        )
    else:
        for problem in report.problems:
            console().print(plain(f"✗ {problem}"), style="bold red", markup=False)
    return 0 if report.ok else 1
