"""Commands on one table: init, learn, enforce, accept, profile, sql."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from interlock.cli import learned as in_words
from interlock.cli import render
from interlock.cli.options import (
    AllOption,
    JsonOption,
    WorkspaceOption,
    created,
    existing,
    table_and_partition,
)
from interlock.cli.output import console, plain, print_json, progress
from interlock.errors import ColumnMissing, QueryFailed, UsageError, nearest
from interlock.names import OnBroken
from interlock.words import count

ROWS_MAX = 200  # rows of a query that a person is shown
TableArgument = Annotated[str, typer.Argument(help="The table.")]


def init(
    data: Annotated[str | None, typer.Argument(help="A file or glob with the table's history.")] = None,
    table: Annotated[str | None, typer.Option("--table", "-t", help="The table's name.")] = None,
    partition: Annotated[
        str | None, typer.Option("--partition", "-p", help="The column that splits it.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", "-k", help="A column of the row key; may be repeated.")
    ] = None,
    segment: Annotated[
        list[str] | None,
        typer.Option("--segment", "-s", help="A column whose values are watched one by one."),
    ] = None,
    attach: Annotated[
        bool, typer.Option("--attach", help="Judge the files where they are; move nothing.")
    ] = False,
    data_folder: Annotated[
        str | None,
        typer.Option(
            "--data-folder",
            help="Where the files of a new workspace in PostgreSQL lie: a folder, or s3://BUCKET/PREFIX.",
        ),
    ] = None,
    everything: AllOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Make a workspace; on data with history, show what the gate would have said of it."""
    if data is not None and table is None:
        raise UsageError(
            "what is the table called?", hint=f"interlock init {data} --table NAME --partition COLUMN"
        )
    if data is not None and not attach:
        _look(data, partition)
    with created(workspace, data_folder) as ws:
        verdicts = []
        if table is not None:
            if attach:
                if data is None:
                    raise UsageError(
                        "--attach needs a glob", hint="interlock init 'lake/*.parquet' --table NAME --attach"
                    )
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
            print_json({"workspace": ws.where, "table": table, "verdicts": [v.to_dict() for v in verdicts]})
            return 0
        out = console()
        out.print(plain(f"workspace {ws.where}"), style="bold", markup=False, soft_wrap=True)
        if not verdicts:
            out.print(
                "next: interlock init FILE --table NAME --partition COLUMN, or interlock write",
                style="dim",
                markup=False,
            )
            return 0
        out.print(render.proof(verdicts, everything=everything))
        if partition is None and not attach:
            out.print(
                f"all of it is one partition of {table}; --partition COLUMN splits it",
                style="yellow",
                markup=False,
            )
        out.print(
            f"\nnext: interlock learn {table}                what it learned, and from what\n"
            f"      interlock write {table} FILE           the next partition\n"
            f"      interlock enforce {table}              let what was learned block",
            style="dim",
            markup=False,
        )
    return 0


def _look(data: str, partition: str | None) -> None:
    """Refuse what cannot be read or split before a table is made for it."""
    from interlock.engines.duckdb import DuckDB

    with DuckDB() as engine:
        names = [c.name for c in engine.describe(data)]
    if partition is not None and partition.casefold() not in {n.casefold() for n in names}:
        raise ColumnMissing(f"{data} has no column {partition!r} to split by", hint=nearest(partition, names))


def learn(
    table: TableArgument,
    write: Annotated[
        bool, typer.Option("--write", help="Put it into interlock.yaml for you to edit.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Every constraint: its SQL and what it rests on.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """What the table normally holds, a line a column."""
    with existing(workspace) as ws:
        target = ws.existing_table(table)
        learned = target.learn()
        added = target.write_learned() if write else ()
        enforced = target.enforced
        if as_json:
            print_json(
                [
                    {
                        "name": c.name,
                        "sql": c.sql,
                        "kind": c.kind,
                        "severity": c.severity.value,
                        "blocks": "*" in enforced or c.name in enforced,
                        "evidence": dict(c.evidence),
                    }
                    for c in learned
                ]
            )
            return 0
        out = console()
        if not learned:
            out.print(
                f"nothing yet: {table} has {count(len(target.partitions()), 'partition')}; learning begins at 7",
                markup=False,
            )
            return 0
        if everything:
            out.print(in_words.listing(learned, enforced))
            said = (
                f"{count(len(learned), 'constraint')}; what does not block alerts: interlock enforce {table}"
            )
        else:
            from interlock.engines.types import column as column_of

            schema = [column_of(*column) for column in target.partitions()[-1].schema]
            out.print(in_words.summary(learned, schema, enforced))
            said = (
                f"--all shows each with its evidence; what does not block alerts: interlock enforce {table}"
            )
        out.print("\n" + plain(said), style="dim", markup=False)
        if write:
            out.print(f"{len(added)} added to {ws.contract_path}; edit them there", markup=False)
    return 0


def enforce(
    table: TableArgument,
    constraint: Annotated[
        list[str] | None, typer.Argument(help="Names from `interlock learn`; all if left out.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Back to shadow: publish and alert.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Let learned constraints block, all or by name."""
    with existing(workspace) as ws:
        names = ws.existing_table(table).enforce(*(constraint or ()), off=off)
        if as_json:
            print_json({"table": table, "enforced": sorted(names)})
        else:
            said = (
                "every learned constraint"
                if "*" in names
                else ", ".join(sorted(names)) or "nothing that was learned"
            )
            console().print(plain(f"{table}: {said} blocks"), markup=False)
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
        accepted = ws.existing_table(table).accept(since, reason)
        if as_json:
            print_json({"table": table, "since": since, "reason": reason, "partitions": accepted})
        else:
            covered = count(len(accepted), "partition")
            said = f"{table}: what is different since {since} is normal now ({covered})"
            console().print(plain(said), markup=False)
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
            profiled = ws.existing_table(name).profile(label)
    else:
        from interlock.workspace import profile as profile_adhoc

        profiled = profile_adhoc(target)
    if as_json:
        from interlock.profiles import to_document

        print_json(to_document(profiled))
    else:
        console().print(render.profile(profiled))
    return 0


def sql(
    query: Annotated[str, typer.Argument(help="A query over published data; tables by their names.")],
    on_broken: Annotated[
        OnBroken, typer.Option("--on-broken", help="Where the query reads what is broken.")
    ] = OnBroken.WARN,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Query what is published; what of it is broken is said on standard error."""
    with existing(workspace) as ws:
        try:
            columns, rows = ws.rows(query, on_broken=on_broken.value)
        except QueryFailed as error:
            raise _with_nearest_table(error, [t.name for t in ws.tables()]) from None
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return 0
    grid = render.grid(*columns)
    for row in rows[:ROWS_MAX]:
        grid.add_row(*(Text("" if v is None else plain(v)) for v in row))
    console().print(grid)
    if len(rows) > ROWS_MAX:
        console().print(f"… {len(rows) - ROWS_MAX:,} more rows; --json prints all", style="dim")
    return 0


def _with_nearest_table(error: QueryFailed, known: list[str]) -> QueryFailed:
    missing = re.search(r"Table with name (.+) does not exist", error.message)
    if missing is None or error.hint:
        return error
    if missing[1] in known:
        return QueryFailed(f"nothing of {missing[1]} is published yet")
    tables = f"there are: {', '.join(known)}" if known else "there are no tables yet"
    return QueryFailed(f"no table {missing[1]!r}", hint=nearest(missing[1], known) or tables)
