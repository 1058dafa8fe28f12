"""``interlock check``: judge data without storing it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from interlock.cli.output import console, exit_status, plain, print_json, progress, working
from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.gates.verdict import Verdict
    from interlock.workspace.series import Series


def check(
    target: Annotated[
        str | None, typer.Argument(help="A file (with --against) or a table; all tables if left out.")
    ] = None,
    data: Annotated[
        str | None, typer.Argument(help="The file to judge as a new partition of the table.")
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", help="A glob of files that are normal; needs no workspace.")
    ] = None,
    partition: PartitionOption = None,
    strict: StrictOption = False,
    everything: AllOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Judge data and store nothing: what would the write gate do?

    `interlock check new.parquet --against 'history/*.parquet'` needs no workspace.
    `interlock check flights new.parquet` judges against the table's contract and history.
    `interlock check orders` judges the new files of an attached table.
    """
    past: dict[str, list[Series]] = {}
    if against is not None:
        verdict, series = _against(target, data, against, quiet=as_json)
        verdicts, notes, past[verdict.id] = [verdict], list[str](), series
    else:
        if target is not None and data is None and Path(target).is_file():
            raise UsageError(
                f"{target} is a file; what is it to be judged by?",
                hint=f"interlock check {target} --against 'history/*.parquet', or interlock check TABLE {target}",
            )
        verdicts, notes, past = _in_workspace(workspace, target, data, partition, quiet=as_json)
    if as_json:
        documents = [v.to_dict() for v in verdicts]
        single = against is not None or data is not None
        print_json(documents[0] if single else {"verdicts": documents, "past_the_gate": notes})
    else:
        out = console()
        for verdict in verdicts:
            out.print(render.verdict(verdict, past.get(verdict.id, ()), everything=everything))
        for note in notes:
            out.print(plain(f"! {note}"), style="bold yellow", markup=False)
        if not verdicts and not notes:
            out.print("nothing new to judge", style="dim")
    return max(exit_status(verdicts, strict=strict), 1 if notes else 0)


def _against(
    target: str | None, data: str | None, against: str, *, quiet: bool
) -> tuple[Verdict, list[Series]]:
    if target is None:
        raise UsageError("which file?", hint="interlock check FILE --against GLOB")
    if data is not None:
        raise UsageError(
            f"{data!r} is one argument too many",
            hint="put the glob in quotes, or the shell spells it out: --against 'history/*.parquet'",
        )
    from interlock.workspace.adhoc import judged
    from interlock.workspace.series import series

    with working(f"judging {target}", quiet=quiet):
        verdict, history = judged(target, against)
    return verdict, series(history, verdict)


def _in_workspace(
    workspace: str | None, target: str | None, data: str | None, partition: str | None, *, quiet: bool
) -> tuple[list[Verdict], list[str], dict[str, list[Series]]]:
    with existing(workspace) as ws:
        if data is not None and target is not None:
            table = ws.existing_table(target)
            verdict = table.check(data, partition)
            return [verdict], [], {verdict.id: table.series(verdict)}
        verdicts: list[Verdict] = []
        past: dict[str, list[Series]] = {}
        for table in [ws.existing_table(target)] if target is not None else ws.tables():
            if table.attached:
                with progress(f"judging {table.name}", quiet=quiet) as advance:
                    found = table.judge_new(advance)
                verdicts.extend(found)
                past.update((v.id, table.series(v)) for v in found if v.alerts)
        return verdicts, [str(n) for n in ws.past_the_gate() if target is None or target in n.tables], past
