"""``interlock report``: one page about a table's recent past."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json, working
from interlock.words import count

DEFAULT = "report.html"


def report(
    table: Annotated[str, typer.Argument(help="The table.")],
    output: Annotated[
        str | None, typer.Option("--output", "-o", help=f"The page to write [default: {DEFAULT}].")
    ] = None,
    partitions: Annotated[
        int | None,
        typer.Option("--partitions", "-n", help="Show the last N [default: report_partitions, 90]."),
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """One self-contained HTML page: what broke where, since when, and what changed.

    With --json the facts on the page are printed, and the page is written only where -o names it.
    """
    with existing(workspace) as ws:
        target = ws.existing_table(table)
        with working(f"reading {table}", quiet=as_json):
            facts = target.facts(partitions=partitions)
            wanted = output if output is not None or as_json else DEFAULT
            written = target.report(wanted, facts=facts) if wanted is not None else None
    if as_json:
        print_json(facts.to_dict())
    elif written is not None:
        from interlock.report.words import size

        said = f"{count(len(facts.shown), 'partition')}, {count(len(facts.stories), 'alert')}"
        console().print(
            plain(f"{written}: {said}, {size(written.stat().st_size)}"), markup=False, soft_wrap=True
        )
    return 0
