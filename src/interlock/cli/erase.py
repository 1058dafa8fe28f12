"""``interlock erase``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json, progress
from interlock.words import count

if TYPE_CHECKING:
    from interlock.gates.erase.erase import Erasure

_SHOWN = 20


def erase(
    table: Annotated[str, typer.Argument(help="The managed table.")],
    where: Annotated[str, typer.Option("--where", help="Which rows, such as 'user_id = 42'.")],
    reason: Annotated[
        str,
        typer.Option("--reason", "-r", help="Why; recorded in the ledger, so it must not name the person."),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what it would do.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Erase a person's rows from a table, its past and its snapshots. A second person lets the old bytes go."""
    with existing(workspace) as ws, progress(f"searching {table}", quiet=as_json) as advance:
        done = ws.erase(table, where, reason, dry_run=dry_run, progress=advance)
    if as_json:
        print_json(done.to_dict())
    else:
        _tell(done, dry_run=dry_run)
    return 0


def _tell(done: Erasure, *, dry_run: bool) -> None:
    def say(text: str, style: str | None = None) -> None:
        console().print(plain(text), markup=False, style=style)

    if not done.versions:
        waits = f"; {done.request.ref} waits for a second person" if done.request else ""
        say(f"{done.table}: no such row is left{waits}")
        return
    would = "would be " if dry_run else ""
    rows, of = count(done.rows, "row"), count(len(done.partitions), "partition")
    say(f"{done.table}: {rows} of {of} {would}erased")
    for ref, became in done.snapshots[:_SHOWN]:
        say(f"  {ref} → {became}" if became else f"  {ref}: {'would be rewritten' if dry_run else 'removed'}")
    if len(done.snapshots) > _SHOWN:
        say(f"  and {len(done.snapshots) - _SHOWN:,} more snapshots")
    if done.models:
        more = f" and {len(done.models) - _SHOWN:,} more" if len(done.models) > _SHOWN else ""
        say(f"made of these snapshots, and unchanged: {', '.join(done.models[:_SHOWN])}{more}", "yellow")
    if done.request is not None:
        kept = (
            "1 file with such rows is"
            if done.versions == 1
            else f"{done.versions:,} files with such rows are"
        )
        say(f"{kept} kept until a second person lets them go:")
        say(f"  interlock vault approve {done.request.ref}")
        say("  interlock vault collect")
        say(f"The ledger holds no value. To show later which condition it means, keep: {done.proof}")
