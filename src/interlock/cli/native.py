"""``interlock install`` and ``uninstall``: a contract's rules, and marks, as triggers of a PostgreSQL table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from interlock import settings
from interlock.cli import render
from interlock.cli.options import JsonOption
from interlock.cli.output import console, plain, print_json, stderr
from interlock.errors import UsageError, nearest
from interlock.names import GuardReads
from interlock.words import count

if TYPE_CHECKING:
    from interlock.constraints.table_contract import MassChange, TableContract
    from interlock.engines.postgres import Relation
    from interlock.gates.native import Plan
    from interlock.gates.native.standing import Standing

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
    refuse_drops: Annotated[
        bool,
        typer.Option(
            "--refuse-drops", help="Refuse DROP and DETACH of guarded tables too; needs a superuser."
        ),
    ] = False,
    guard_reads: Annotated[
        GuardReads | None,
        typer.Option(
            "--guard-reads",
            help="Warn who reads a broken column: by a view beside the table, or one that takes its name.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Swap without asking.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Write a table's row rules into PostgreSQL as triggers that refuse what breaks them; again mends them.

    Rules about a partition stand there too where the contract says `at_commit`. A table that it attaches in PostgreSQL
    is marked as well where it changes, for `interlock watch`.
    """
    from interlock.engines import postgres
    from interlock.engines.postgres import address
    from interlock.gates import native
    from interlock.gates.native import mass_change, reads, standing, swap

    promised = _contract(contract, table)
    if refuse_drops and promised.mass_change is None:
        raise UsageError(f"{table} has no mass-change guard", hint="write `mass_change: 20%` in the contract")
    place = address.of(promised.attach)
    with postgres.connected(database_url(on or place.url)) as connection:
        named = postgres.relation(connection, relation or place.relation or quoted(table))
        found = reads.behind(connection, named)
        planned = native.plan(table, promised, reads.renamed(connection, found, guard_reads))
        owners = standing.could_switch_off(connection, found)

        def missing() -> Sequence[str]:
            made = native.install(
                planned,
                standing.of(connection, found),
                standing.functions_there(connection),
                reads.guarded(connection, found, guard_reads),
            )
            return made + (mass_change.drops(connection) if refuse_drops else [])

        if guard_reads is GuardReads.SWAP and not check and reads.of(connection, found) is None:
            _warn_of_swap(found, swap.breaks(connection, found), agreed=yes or sql)
        if sql:
            script = missing()
            typer.echo(native.script(script), nl=False)
            return 1 if check and script else 0
        todo = missing() if check else native.change(connection, missing)
        view = reads.of(connection, postgres.relation_of(connection, found.oid))
    status = 1 if check and todo else 0
    if as_json:
        told = _document(planned, drifted=bool(todo), changed=bool(todo) and not check, owners=owners)
        print_json(told | {"read_through": str(view) if view else None})
    else:
        _print(planned, changed=bool(todo), check=check, owners=owners)
        if view is not None:
            console().print(Text(plain(f"readers are warned by {view}")))
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
    from interlock.gates.native import reads, standing

    with postgres.connected(database_url(on)) as connection:
        found = reads.behind(connection, postgres.relation(connection, relation or quoted(table)))
        there, view = standing.of(connection, found), reads.of(connection, found)

        def all_of_it() -> Sequence[str]:
            return native.uninstall(
                standing.of(connection, found), reads.unguarded(reads.of(connection, found))
            )

        if sql:
            typer.echo(native.script(all_of_it()), nl=False)
            return 0
        native.change(connection, all_of_it)
        stay = standing.functions_there(connection) is not None
    if as_json:
        print_json(
            {
                "relation": str(found),
                "taken_off": [s.trigger for s in there],
                "view_taken_off": str(view) if view else None,
                "functions_stay": stay,
            }
        )
        return 0
    if there or view is None:
        console().print(plain(f"{found}: {_taken_off(there)}"), markup=False)
    if view is not None:
        console().print(plain(f"{view}: the readers' view is gone"), markup=False)
    if stay:
        console().print(
            "the schema interlock stays: it is used, keeps deleted rows, or rows are in quarantine",
            style="dim",
        )
    return 0


def _taken_off(there: Sequence[Standing]) -> str:
    """What these triggers were, in words."""
    from interlock.gates.native import at_commit, marks, mass_change, rules

    names = [s.trigger for s in there]
    known = {
        "rules": rules.NAME,
        "marks": marks.NAMED,
        "rules at commit": at_commit.NAMED,
        "the mass-change guard": mass_change.NAME,
    }
    parts = [what for what, start in known.items() if any(name.startswith(start) for name in names)]
    return f"{' and '.join(parts)} taken off" if parts else "nothing to take off"


def _warn_of_swap(relation: Relation, broken: Sequence[str], *, agreed: bool) -> None:
    stderr().print(plain(f"A view will have the name {relation}. What that changes:"), markup=False)
    for line in broken:
        stderr().print(plain(f"- {line}"), markup=False)
    if not agreed and not (sys.stdin.isatty() and typer.confirm("Swap?", err=True)):
        raise UsageError("nothing was changed", hint="--yes swaps, and uninstall swaps back")


def database_url(given: str | None) -> str:
    """The database a command means. Raises `UsageError` where nobody said."""
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


def quoted(table: str) -> str:
    return '"' + table.replace('"', '""') + '"'


def _document(planned: Plan, *, drifted: bool, changed: bool, owners: tuple[str, ...]) -> dict[str, Any]:
    return {
        "table": planned.table,
        "relation": str(planned.relation),
        "drifted": drifted,
        "changed": changed,
        "refused_at_write": [r.constraint.name for r in planned.rules],
        "refused_at_commit": [r.constraint.name for r in planned.at_commit],
        "quarantines_rows": bool(planned.quarantine),
        "marks_changes": bool(planned.marks),
        "judged_elsewhere": [{"constraint": c.name, "why": why} for c, why in planned.left],
        "mass_change": _guard_document(planned.mass_change),
        "could_switch_off": list(owners),
    }


def _guard_document(guard: MassChange | None) -> dict[str, Any] | None:
    if guard is None:
        return None
    return {
        "share": guard.share,
        "rows": guard.rows,
        "window_s": guard.window.total_seconds(),
        "updates": guard.updates,
        "keep_s": guard.keep.total_seconds() if guard.keep else None,
    }


def _guard_said(guard: MassChange) -> str:
    from interlock.constraints.parse import span_text

    what = "go or change" if guard.updates else "go"
    kept = f"; deleted rows kept {span_text(guard.keep)}" if guard.keep else ""
    return f"more than {guard.share:.4g} of the rows that {what}, at once or within {span_text(guard.window)}{kept}"


def _print(planned: Plan, *, changed: bool, check: bool, owners: tuple[str, ...]) -> None:
    if check:
        says = (
            "is not as the contract says; install again to mend it" if changed else "is as the contract says"
        )
        console().print(Text(plain(f"{planned.relation} {says}"), style="yellow" if changed else "green"))
    else:
        rules = len(planned.rules) + len(planned.at_commit)
        words = "installed" if changed else "stood already; nothing was changed"
        also = " and marks" if planned.marks else ""
        also += " and the mass-change guard" if planned.mass_change else ""
        console().print(plain(f"{planned.relation}: {count(rules, 'rule')}{also} {words}"), markup=False)
    grid = render.grid("rule", "", "")
    does = "keeps rows out of a load, refuses updates" if planned.quarantine else "refuses at write"
    for rule in planned.rules:
        grid.add_row(Text(plain(rule.constraint.name)), Text(does, style="green"), "")
    for at_end in planned.at_commit:
        grid.add_row(Text(plain(at_end.constraint.name)), Text("refuses at commit", style="green"), "")
    if planned.mass_change is not None:
        said = _guard_said(planned.mass_change)
        grid.add_row(Text("mass change"), Text("refuses at commit", style="green"), Text(said))
    for constraint, why in planned.left:
        grid.add_row(Text(plain(constraint.name)), Text("not installed", style="yellow"), Text(plain(why)))
    if planned.rules or planned.at_commit or planned.left or planned.mass_change:
        console().print(grid)
    if owners:
        said = f"could switch rules off: {', '.join(owners)} (they own the table or the functions; --check detects it)"
        console().print(Text(plain(said), style="dim"))
