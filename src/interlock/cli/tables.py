"""Commands on one table: init, learn, enforce, accept, alerts, profile, sql."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Grid
from rich.text import Text

from interlock.cli import render
from interlock.cli.options import JsonOption, WorkspaceOption, created, existing, table_and_partition
from interlock.cli.output import console, print_json, progress
from interlock.errors import UsageError

TableArgument = Annotated[str, typer.Argument(help="The table.")]


def init(
    data: Annotated[str | None, typer.Argument(help="A file or glob with the table's history.")] = None,
    table: Annotated[str | None, typer.Option("--table", "-t", help="The table's name.")] = None,
    partition: Annotated[str | None, typer.Option("--partition", "-p", help="The column that splits it.")] = None,
    key: Annotated[list[str] | None, typer.Option("--key", "-k", help="A column of the row key; may be repeated.")] = None,
    segment: Annotated[
        list[str] | None, typer.Option("--segment", "-s", help="A column whose values are watched one by one.")
    ] = None,
    attach: Annotated[bool, typer.Option("--attach", help="Judge the files where they are; move nothing.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Make a workspace; on data with history, show what the gate would have said of it."""
    if data is not None and table is None:
        raise UsageError("what is the table called?", hint=f"interlock init {data} --table NAME --partition COLUMN")
    with created(workspace) as ws:
        verdicts = []
        if table is not None:
            if attach:
                if data is None:
                    raise UsageError("--attach needs a glob", hint="interlock init 'lake/*.parquet' --table NAME --attach")
                target = ws.attach(table, data, key=key)
            else:
                target = ws.table(table, partition=partition, key=key)
            if segment:
                target.segments(*segment)
            with progress(f"learning {table}", quiet=as_json) as advance:
                if attach:
                    verdicts = target.judge_new(advance)
                elif data is not None:
                    verdicts = target.backfill(data, progress=advance)
        if as_json:
            print_json({"workspace": str(ws.path), "table": table, "verdicts": [v.to_dict() for v in verdicts]})
            return 0
        out = console()
        out.print(f"workspace {ws.path}", style="bold", markup=False)
        if not verdicts:
            out.print("next: interlock init FILE --table NAME --partition COLUMN, or interlock write", style="dim", markup=False)
            return 0
        out.print(render.proof(verdicts))
        out.print(
            f"\nnext: interlock learn {table}                what it learned, and from what\n"
            f"      interlock write {table} FILE           the next partition\n"
            f"      interlock enforce {table}              let what was learned block",
            style="dim",
            markup=False,
        )
    return 0


def learn(
    table: TableArgument,
    write: Annotated[bool, typer.Option("--write", help="Put it into interlock.yaml for you to edit.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """What the table normally holds, each with its evidence."""
    with existing(workspace) as ws:
        target = ws.table(table)
        learned = target.learn()
        added = target.write_learned() if write else ()
        enforced = target.enforced
        if as_json:
            print_json([{"name": c.name, "sql": c.sql, "kind": c.kind, "severity": c.severity.value,
                         "blocks": "*" in enforced or c.name in enforced, "evidence": dict(c.evidence)} for c in learned])
            return 0
        out = console()
        if not learned:
            out.print(f"nothing yet: {table} has {len(target.partitions())} partitions; learning begins at 7", markup=False)
            return 0
        grid = Grid(box=None, pad_edge=False, header_style="dim")
        for title in ("constraint", "expression", "evidence", ""):
            grid.add_column(title, overflow="fold")
        for c in learned:
            blocks = "*" in enforced or c.name in enforced
            grid.add_row(Text(c.name), Text(c.sql), Text(render.evidence(c.evidence), style="dim"), "⛔ blocks" if blocks else "alerts")
        out.print(grid)
        if write:
            out.print(f"{len(added)} added to {ws.contract_path}; edit them there", markup=False)
    return 0


def enforce(
    table: TableArgument,
    constraint: Annotated[list[str] | None, typer.Argument(help="Names from `interlock learn`; all if left out.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Back to shadow: publish and alert.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Let learned constraints block, all or by name."""
    with existing(workspace) as ws:
        names = ws.table(table).enforce(*(constraint or ()), off=off)
        if as_json:
            print_json({"table": table, "enforced": sorted(names)})
        else:
            said = "all learned constraints" if "*" in names else ", ".join(sorted(names)) or "nothing learned"
            console().print(f"{table}: {said} will block", markup=False)
    return 0


def accept(
    table: TableArgument,
    since: Annotated[str, typer.Option("--since", help="The first partition of the new normal.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; recorded in the ledger.")],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """A new normal: the world changed, and what is different since then is no fault."""
    with existing(workspace) as ws:
        accepted = ws.table(table).accept(since, reason)
        if as_json:
            print_json({"table": table, "since": since, "reason": reason, "partitions": accepted})
        else:
            console().print(f"{table}: {len(accepted)} partitions since {since} are normal now", markup=False)
    return 0


def alerts(
    table: Annotated[str | None, typer.Argument(help="One table only.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="The newest N.")] = 20,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """The newest alerts, loudest first within a partition."""
    with existing(workspace) as ws:
        found = ws.alerts(table, limit)
    if as_json:
        print_json(found)
        return 0
    if not found:
        console().print("no alerts", style="dim")
    for one in found:
        console().print(Text.assemble((f"{one['table']}@{one['partition']}  ", "bold"), render.alert_document(one)))
    return 0


def profile(
    target: Annotated[str, typer.Argument(help="A file or glob, or TABLE@PARTITION.")],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """The statistics of a file, or of a partition as they were taken."""
    if "@" in target and not Path(target).exists():
        name, label = table_and_partition(target)
        with existing(workspace) as ws:
            profiled = ws.table(name).profile(label)
    else:
        from interlock.workspace import profile as profile_adhoc

        profiled = profile_adhoc(target)
    if as_json:
        from interlock.profile import to_document

        print_json(to_document(profiled))
    else:
        console().print(render.profile(profiled))
    return 0


def sql(
    query: Annotated[str, typer.Argument(help="A query over published data; tables by their names.")],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Query what is published."""
    with existing(workspace) as ws:
        columns, rows = ws.rows(query)
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return 0
    grid = Grid(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        grid.add_column(Text(name))
    for row in rows[:200]:
        grid.add_row(*(Text("" if v is None else str(v)) for v in row))
    console().print(grid)
    if len(rows) > 200:
        console().print(f"… {len(rows) - 200:,} more rows; --json prints all", style="dim")
    return 0
