"""``interlock vault snapshot``."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json
from interlock.cli.vault.words import size, to_dict
from interlock.words import count


def snapshot(
    name: Annotated[str, typer.Argument(help="What it is called: a path such as train/flights.")],
    tables: Annotated[list[str], typer.Argument(help="Managed tables.", metavar="TABLE...")],
    partition: Annotated[
        list[str] | None, typer.Option("--partition", "-p", help="Only this partition; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Keep tables as they are now as the next version of NAME. Nothing is copied."""
    with existing(workspace) as ws:
        record = ws.vault.snapshot(name, tables, partitions=partition)
    if as_json:
        print_json(to_dict(record))
    else:
        files = count(record.files, "data file")
        said = f"{record.ref}: {files}, {size(record.size_bytes)}, pinned where they are"
        console().print(plain(said), markup=False)
    return 0
