"""``interlock write``: put data through the write gate."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli import render
from interlock.cli.options import (
    AllOption,
    JsonOption,
    PartitionOption,
    StrictOption,
    WorkspaceOption,
    existing,
)
from interlock.cli.output import console, exit_status, print_json, progress


def write(
    table: Annotated[str, typer.Argument(help="The table to write to.")],
    data: Annotated[str, typer.Argument(help="A Parquet, CSV or JSON file, or a glob.")],
    partition: PartitionOption = None,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Split the data by the partition column.")
    ] = False,
    strict: StrictOption = False,
    everything: AllOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Write – audit – publish: publish the partition, or quarantine it and say why."""
    with existing(workspace) as ws:
        target = ws.existing_table(table)
        if backfill:
            with progress(f"writing {table}", quiet=as_json) as advance:
                verdicts = target.backfill(data, progress=advance)
        else:
            verdicts = [target.write(data, partition)]
        if as_json:
            documents = [v.to_dict() for v in verdicts]
            print_json({"verdicts": documents} if backfill else documents[0])
        else:
            out = console()
            for verdict in verdicts:
                if not backfill or verdict.alerts or verdict.violations:
                    out.print(render.verdict(verdict, target.series(verdict), everything=everything))
            if backfill:
                out.print(render.summary(verdicts))
    return exit_status(verdicts, strict=strict)
