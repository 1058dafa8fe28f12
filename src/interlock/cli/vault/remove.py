"""``interlock vault rm``, ``restore``, ``purge`` and ``collect``."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json
from interlock.cli.vault.words import ReasonOption, What, moment, size, tell
from interlock.words import count


def rm(
    what: What, reason: ReasonOption = None, as_json: JsonOption = False, workspace: WorkspaceOption = None
) -> int:
    """Delete: a tombstone, which `restore` undoes at once. Too much, or in use, waits for a second person."""
    with existing(workspace) as ws:
        outcome = ws.vault.delete(*what, reason=reason)
    ref = outcome.request.ref if outcome.request else ""
    said = f"{count(outcome.versions, 'version')} deleted; `interlock vault restore {ref}` brings them back"
    return tell(outcome, said, as_json)


def restore(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="Versions, names, folders, / for everything, or a request such as D17.",
            metavar="[WHAT]...",
            show_default=False,
        ),
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Only what this person deleted.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Only what was deleted since: 2h, or 2026-01-31T12:00.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Only what was deleted before.")] = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Bring back what was deleted, with its aliases. Nobody has to approve it."""
    with existing(workspace) as ws:
        outcome = ws.vault.restore(
            *(what or ()),
            by=by,
            since=moment(since, "--since"),
            until=moment(until, "--until"),
            reason=reason,
        )
    return tell(outcome, f"{count(outcome.versions, 'version')} restored", as_json)


def purge(
    what: What, reason: ReasonOption = None, as_json: JsonOption = False, workspace: WorkspaceOption = None
) -> int:
    """Ask for the end of tombstones: retention must be over, nothing in use, and a second person approves."""
    with existing(workspace) as ws:
        outcome = ws.vault.purge(*what, reason=reason)
    return tell(outcome, f"{count(outcome.versions, 'version')} purged", as_json)


def collect(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Remove bytes that nothing needs any more: first they are marked, after the policy's grace they go."""
    with existing(workspace) as ws:
        done = ws.vault.collect(dry_run=dry_run)
    if as_json:
        print_json({**done.to_dict(), "dry_run": dry_run})
        return 0
    would = "would be " if dry_run else ""
    console().print(plain(f"{done.removed:,} objects {would}removed, {size(done.size_bytes)}"), markup=False)
    more = {
        "marked as not needed": done.marked,
        "waiting for their grace to end": done.waiting,
        "locked by the store": done.locked,
        "not let go by the store": done.failed,
        "puts that died given up": done.given_up,
        "temporary files swept": done.temporary,
        "data files of erasures removed": done.erased,
        "of erasures still there: run it again": done.unerased,
    }
    for said, n in more.items():
        if n:
            console().print(f"  {n:,} {said}", style="dim")
    return 0
