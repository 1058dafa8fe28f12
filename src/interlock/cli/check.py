"""``interlock check``: judge data without storing it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from interlock.cli import render
from interlock.cli.options import JsonOption, PartitionOption, StrictOption, WorkspaceOption, existing
from interlock.cli.output import console, exit_status, print_json, progress
from interlock.errors import UsageError
from interlock.gates.verdict import Verdict


def check(
    target: Annotated[str | None, typer.Argument(help="A file (with --against) or a table; all tables if left out.")] = None,
    data: Annotated[str | None, typer.Argument(help="The file to judge as a new partition of the table.")] = None,
    against: Annotated[str | None, typer.Option("--against", help="A glob of files that are normal; needs no workspace.")] = None,
    partition: PartitionOption = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Judge data and store nothing: what would the write gate do?

    `interlock check new.parquet --against 'history/*.parquet'` needs no workspace.
    `interlock check flights new.parquet` judges against the table's contract and history.
    `interlock check orders` judges the new files of an attached table.
    """
    if against is not None:
        if target is None:
            raise UsageError("which file?", hint="interlock check FILE --against GLOB")
        from interlock.workspace import check as check_adhoc

        verdicts, notes = [check_adhoc(target, against=against)], list[str]()
    else:
        if target is not None and data is None and Path(target).is_file():
            raise UsageError(
                f"{target} is a file; what is it to be judged by?",
                hint=f"interlock check {target} --against 'history/*.parquet', or interlock check TABLE {target}",
            )
        verdicts, notes = _in_workspace(workspace, target, data, partition, quiet=as_json)
    if as_json:
        documents = [v.to_dict() for v in verdicts]
        single = against is not None or data is not None
        print_json(documents[0] if single else {"verdicts": documents, "past_the_gate": notes})
    else:
        out = console()
        for verdict in verdicts:
            out.print(render.verdict(verdict))
        for note in notes:
            out.print(f"! {note}", style="bold yellow", markup=False)
        if not verdicts and not notes:
            out.print("nothing new to judge", style="dim")
    return max(exit_status(verdicts, strict=strict), 1 if notes else 0)


def _in_workspace(
    workspace: str | None, target: str | None, data: str | None, partition: str | None, *, quiet: bool
) -> tuple[list[Verdict], list[str]]:
    with existing(workspace) as ws:
        if data is not None and target is not None:
            return [ws.table(target).check(data, partition)], []
        tables = [ws.table(target)] if target is not None else ws.tables()
        verdicts: list[Verdict] = []
        for table in tables:
            if table.attached:
                with progress(f"judging {table.name}", quiet=quiet) as advance:
                    verdicts.extend(table.judge_new(advance))
        return verdicts, [str(n) for n in ws.past_the_gate() if target is None or target in n.tables]
