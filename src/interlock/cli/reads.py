"""``interlock reads``: what those are warned of who read a PostgreSQL table through its guarded view."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from interlock.cli import render
from interlock.cli.native import RelationOption, TableArgument, UrlOption, database_url, quoted
from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json

if TYPE_CHECKING:
    import psycopg

    from interlock.engines.postgres import Relation
    from interlock.gates.native.reads import Mark

app = typer.Typer(
    help="What readers of a guarded PostgreSQL table are warned of.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
ColumnArgument = Annotated[
    str | None, typer.Argument(help="The column; the table as a whole if left out.", show_default=False)
]


@app.command()
def publish(
    table: TableArgument,
    on: UrlOption = None,
    relation: RelationOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Let readers be warned of what the workspace's alerts say is broken, and of nothing else."""
    from interlock.gates.native import reads
    from interlock.workspace.marked import marks

    with existing(workspace) as ws, _relation(on, relation, table) as (connection, found):
        marked, healed = reads.publish(connection, found, table, marks(ws.site, table))
    if as_json:
        print_json({"relation": str(found), "broken": marked, "healed": healed})
    else:
        console().print(plain(f"{found}: {marked} broken, {healed} healthy again"), markup=False)
    return 0


@app.command()
def mark(
    table: TableArgument,
    column: ColumnArgument = None,
    reason: Annotated[str, typer.Option("--reason", help="What broke, in a few words.")] = "",
    since: Annotated[str | None, typer.Option("--since", help="Since when [default: today].")] = None,
    ask: Annotated[str, typer.Option("--ask", help="Whom to ask.")] = "",
    on: UrlOption = None,
    relation: RelationOption = None,
    as_json: JsonOption = False,
) -> int:
    """Warn readers of a column that somebody knows to be broken, until it is cleared."""
    from interlock.errors import UsageError
    from interlock.gates.native import reads

    if not reason.strip():
        raise UsageError("what broke?", hint="--reason 'half of it is negative'")
    made = reads.Mark(column or "", since or dt.datetime.now().astimezone().date().isoformat(), reason, ask)
    with _relation(on, relation, table) as (connection, found):
        reads.mark(connection, found, table, [made])
        now = reads.marks(connection, found)
    return _told(found, now, as_json=as_json)


@app.command()
def clear(
    table: TableArgument,
    column: ColumnArgument = None,
    on: UrlOption = None,
    relation: RelationOption = None,
    as_json: JsonOption = False,
) -> int:
    """Warn of a column no more; of nothing of the table, where none is named."""
    from interlock.gates.native import reads

    with _relation(on, relation, table) as (connection, found):
        reads.clear(connection, found, column)
        now = reads.marks(connection, found)
    return _told(found, now, as_json=as_json)


@app.command("list")
def list_(
    table: TableArgument, on: UrlOption = None, relation: RelationOption = None, as_json: JsonOption = False
) -> int:
    """What readers of a table are warned of."""
    from interlock.gates.native import reads

    with _relation(on, relation, table) as (connection, found):
        now = reads.marks(connection, found)
    return _told(found, now, as_json=as_json)


@contextmanager
def _relation(
    on: str | None, relation: str | None, table: str
) -> Iterator[tuple[psycopg.Connection[Any], Relation]]:
    from interlock.engines import postgres
    from interlock.gates.native import reads

    with postgres.connected(database_url(on)) as connection:
        yield connection, reads.behind(connection, postgres.relation(connection, relation or quoted(table)))


def _told(relation: Relation, marks: tuple[Mark, ...], *, as_json: bool) -> int:
    if as_json:
        print_json({"relation": str(relation), "broken": [_document(m) for m in marks]})
        return 0
    if not marks:
        console().print(plain(f"{relation}: readers are warned of nothing"), markup=False)
        return 0
    grid = render.grid("broken", "since", "what broke", "whom to ask")
    for m in marks:
        about = " ".join(part for part in (m.ask, m.alert or "") if part)
        grid.add_row(*(Text(plain(text)) for text in (m.column or "the whole table", m.since, m.what, about)))
    console().print(grid)
    return 0


def _document(mark: Mark) -> dict[str, Any]:
    return {
        "column": mark.column or None,
        "since": mark.since,
        "what": mark.what,
        "ask": mark.ask or None,
        "alert": mark.alert,
    }
