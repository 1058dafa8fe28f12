"""``interlock install`` and ``uninstall``: a contract's row rules as triggers of a PostgreSQL table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from interlock import settings
from interlock.cli import render
from interlock.cli.options import JsonOption
from interlock.cli.output import console, plain, print_json
from interlock.errors import UsageError, nearest

if TYPE_CHECKING:
    from interlock.constraints.table_contract import TableContract
    from interlock.gates.native import Plan

URL_VARIABLE = settings.environment_variable("postgres_url")

TableArgument = Annotated[str, typer.Argument(help="The table, as the contract calls it.")]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--on", help=f"postgresql://USER@HOST:PORT/DATABASE [default: ${URL_VARIABLE}].", show_default=False
    ),
]
RelationOption = Annotated[
    str | None, typer.Option("--relation", help="Its name there, as in SQL [default: the table's name].")
]
ContractOption = Annotated[str, typer.Option("--contract", help="The contract file.")]
SqlOption = Annotated[bool, typer.Option("--sql", help="Print the script and change nothing.")]


def install(
    table: TableArgument,
    on: UrlOption = None,
    relation: RelationOption = None,
    contract: ContractOption = "interlock.yaml",
    sql: SqlOption = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Change nothing; exit 1 where the database is not as the contract says."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Write a table's row rules into PostgreSQL as triggers that refuse what breaks them; again mends them."""
    from interlock.engines import postgres
    from interlock.gates import native
    from interlock.gates.native import standing

    promised = _contract(contract, table)
    with postgres.connected(_url(on)) as connection:
        found = postgres.relation(connection, relation or _quoted(table))
        planned = native.plan(table, promised, found)
        owners = standing.could_switch_off(connection, found)

        def missing() -> Sequence[str]:
            return native.install(
                planned, standing.of(connection, found), standing.functions_there(connection)
            )

        if sql:
            script = missing()
            typer.echo(native.script(script), nl=False)
            return 1 if check and script else 0
        todo = missing() if check else native.change(connection, missing)
    status = 1 if check and todo else 0
    if as_json:
        print_json(_document(planned, drifted=bool(todo), changed=bool(todo) and not check, owners=owners))
    else:
        _print(planned, changed=bool(todo), check=check, owners=owners)
    return status


def uninstall(
    table: TableArgument,
    on: UrlOption = None,
    relation: RelationOption = None,
    sql: SqlOption = False,
    as_json: JsonOption = False,
) -> int:
    """Take every rule of ours off a PostgreSQL table; with the last one, all else that was installed."""
    from interlock.engines import postgres
    from interlock.gates import native
    from interlock.gates.native import standing

    with postgres.connected(_url(on)) as connection:
        found = postgres.relation(connection, relation or _quoted(table))
        rules = standing.of(connection, found)

        def all_of_it() -> Sequence[str]:
            return native.uninstall(standing.of(connection, found))

        if sql:
            typer.echo(native.script(all_of_it()), nl=False)
            return 0
        native.change(connection, all_of_it)
        stay = standing.functions_there(connection) is not None
    if as_json:
        print_json(
            {
                "relation": str(found),
                "taken_off": [s.trigger for s in rules],
                "functions_stay": stay,
            }
        )
        return 0
    console().print(plain(f"{found}: {_count(len(rules), 'rule')} taken off"), markup=False)
    if stay:
        console().print("the schema interlock stays: other tables or views use it", style="dim")
    return 0


def _url(given: str | None) -> str:
    url = given or settings.current().postgres_url
    if not url:
        raise UsageError(
            "which database?",
            hint=f"--on postgresql://USER@HOST/DATABASE, or set {URL_VARIABLE} to keep a password out",
        )
    return url


def _contract(path: str, table: str) -> TableContract:
    from interlock.constraints.contract import Contract

    found = Contract.load(path)
    if table not in found.tables:
        raise UsageError(f"{path} has no table {table!r}", hint=nearest(table, found.tables))
    return found.tables[table]


def _quoted(table: str) -> str:
    return '"' + table.replace('"', '""') + '"'


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _document(planned: Plan, *, drifted: bool, changed: bool, owners: tuple[str, ...]) -> dict[str, Any]:
    return {
        "table": planned.table,
        "relation": str(planned.relation),
        "drifted": drifted,
        "changed": changed,
        "refused_at_write": [r.constraint.name for r in planned.rules],
        "judged_elsewhere": [{"constraint": c.name, "why": why} for c, why in planned.left],
        "could_switch_off": list(owners),
    }


def _print(planned: Plan, *, changed: bool, check: bool, owners: tuple[str, ...]) -> None:
    if check:
        says = (
            "is not as the contract says; install again to mend it" if changed else "is as the contract says"
        )
        console().print(Text(plain(f"{planned.relation} {says}"), style="yellow" if changed else "green"))
    else:
        words = "installed" if changed else "stood already; nothing was changed"
        console().print(
            plain(f"{planned.relation}: {_count(len(planned.rules), 'rule')} {words}"), markup=False
        )
    grid = render.grid("rule", "", "")
    for rule in planned.rules:
        grid.add_row(Text(plain(rule.constraint.name)), Text("refuses at write", style="green"), "")
    for constraint, why in planned.left:
        grid.add_row(Text(plain(constraint.name)), Text("not installed", style="yellow"), Text(plain(why)))
    console().print(grid)
    if owners:
        said = f"could switch rules off: {', '.join(owners)} (they own the table or the functions; --check detects it)"
        console().print(Text(plain(said), style="dim"))
