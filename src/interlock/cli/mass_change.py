"""``interlock approve``, ``restore-rows`` and ``changes``: what a PostgreSQL table's mass-change guard asks for."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from interlock.cli import render
from interlock.cli.native import RelationOption, TableArgument, UrlOption, database_url, quoted
from interlock.cli.options import JsonOption
from interlock.cli.output import console, plain, print_json
from interlock.errors import UsageError
from interlock.words import count

if TYPE_CHECKING:
    from interlock.gates.native.approval import Approval, Past


def approve(
    table: TableArgument,
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many may go or change, at most.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept with the approval.")],
    by: Annotated[
        str | None, typer.Option("--by", help="Who approves [default: the role.]", show_default=False)
    ] = None,
    for_: Annotated[str, typer.Option("--for", help="How long it is valid, at most 30d.")] = "1h",
    on: UrlOption = None,
    relation: RelationOption = None,
    as_json: JsonOption = False,
) -> int:
    """Let one transaction change more of a PostgreSQL table than its guard lets; the table's owner may."""
    from interlock.engines import postgres
    from interlock.gates.native import approval

    valid = _span(for_, "--for")
    if valid > approval.VALID_MAX:
        raise UsageError(
            f"{for_!r} is longer than 30 days", hint="an approval is for what is about to happen"
        )
    if not reason.strip():
        raise UsageError("an approval needs a reason", hint="--reason 'why it is meant'")
    with postgres.connected(database_url(on)) as connection:
        found = postgres.relation(connection, relation or quoted(table))
        granted = approval.approve(connection, found, rows, reason, by, valid)
    if as_json:
        print_json({"relation": str(found), **_approval(granted)})
    else:
        console().print(
            plain(
                f"{found}: one transaction before {granted.until:%Y-%m-%d %H:%M} UTC may change {rows:,} rows"
            ),
            markup=False,
        )
    return 0


def restore_rows(
    table: TableArgument,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="Rows deleted since then: 2h, or a time such as 2026-01-31T12:00 [default: by the last transaction].",
            show_default=False,
        ),
    ] = None,
    on: UrlOption = None,
    relation: RelationOption = None,
    as_json: JsonOption = False,
) -> int:
    """Put deleted rows of a PostgreSQL table back, where its guard kept them."""
    from interlock.engines import postgres
    from interlock.gates.native import kept

    moment = None if since is None else _moment(since)
    with postgres.connected(database_url(on)) as connection:
        found = postgres.relation(connection, relation or quoted(table))
        restored = kept.restore(connection, found, moment)
    if as_json:
        print_json({"relation": str(found), "restored": restored.rows, "skipped": restored.skipped})
        return 0
    console().print(plain(f"{found}: {count(restored.rows, 'row')} restored"), markup=False)
    if restored.skipped:
        console().print(
            f"{count(restored.skipped, 'row')} skipped: their key is there again; they are kept on",
            style="yellow",
        )
    return 0


def changes(
    table: TableArgument,
    tidy: Annotated[
        bool,
        typer.Option("--tidy", help="First let kept rows go whose time is over, of every table you own."),
    ] = False,
    on: UrlOption = None,
    relation: RelationOption = None,
    as_json: JsonOption = False,
) -> int:
    """What the guard of a PostgreSQL table refused, what was approved, and which deleted rows are kept."""
    from interlock.engines import postgres
    from interlock.gates.native import approval, kept

    with postgres.connected(database_url(on)) as connection:
        found = postgres.relation(connection, relation or quoted(table))
        gone = kept.tidy(connection) if tidy else None
        past = approval.past(connection, found)
    if as_json:
        print_json({"relation": str(found), **({} if gone is None else {"tidied": gone}), **_past(past)})
        return 0
    if gone is not None:
        console().print(f"{count(gone, 'row')} kept no longer")
    _print(past)
    return 0


def _print(past: Past) -> None:
    grid = render.grid("when (UTC)", "role", "rows", "", right=("rows",))
    for a in past.attempts:
        said = f"refused{f', {a.share:.1%} of the table' if a.rows else ': DROP or DETACH'}"
        grid.add_row(_at(a.at), Text(plain(a.role)), _count(a.rows), Text(said, style="red"))
    for g in past.approvals:
        used = f"used {_at(g.used_at)} by {g.used_by}" if g.used_at else f"not used, until {_at(g.until)}"
        grid.add_row(
            _at(g.at),
            Text(plain(g.role)),
            _count(g.rows),
            Text(plain(f"approved by {g.who}: {g.reason}; {used}")),
        )
    if past.attempts or past.approvals:
        console().print(grid)
    else:
        console().print("nothing was refused or approved", style="dim")
    if past.kept:
        console().print(f"{count(past.kept, 'row')} kept, deleted since {_at(past.kept_since)}")


def _past(past: Past) -> dict[str, Any]:
    return {
        "refused": [
            {"at": a.at.isoformat(), "role": a.role, "rows": a.rows, "share": a.share} for a in past.attempts
        ],
        "approvals": [_approval(a) for a in past.approvals],
        "kept": past.kept,
        "kept_since": past.kept_since.isoformat() if past.kept_since else None,
    }


def _approval(a: Approval) -> dict[str, Any]:
    return {
        "rows": a.rows,
        "reason": a.reason,
        "by": a.who,
        "role": a.role,
        "at": a.at.isoformat(),
        "until": a.until.isoformat(),
        "used_at": a.used_at.isoformat() if a.used_at else None,
        "used_by": a.used_by,
        "used_rows": a.used_rows,
    }


def _at(moment: dt.datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def _count(rows: int | None) -> str:
    return "" if rows is None else f"{rows:,}"


def _span(text: str, option: str) -> dt.timedelta:
    from interlock.constraints.parse import short_span

    found = short_span(text)
    if found is None:
        raise UsageError(f"{option} {text!r} is not a time span", hint="write 2h, 1d or '90 minutes'")
    return found


def _moment(text: str) -> dt.datetime:
    """A time without a zone is UTC."""
    from interlock.constraints.parse import short_span

    span = short_span(text)
    if span is not None:
        return dt.datetime.now(dt.UTC) - span
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since {text!r} is no time", hint="write 2h, or 2026-01-31T12:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
