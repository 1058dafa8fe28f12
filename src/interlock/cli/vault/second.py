"""``interlock vault replica``, ``replicate``, ``renew`` and ``status``: the second store, and how both stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from interlock.cli import render
from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json, progress
from interlock.cli.vault.words import ReasonOption, size

if TYPE_CHECKING:
    from interlock.vault.retention import Renewed

replica = typer.Typer(
    help="The vault's second store, under other credentials.", no_args_is_help=True, rich_markup_mode=None
)
_SHOWN = 20


@replica.command("set")
def set_(
    address: Annotated[
        str, typer.Argument(help="A folder, or s3://BUCKET/PREFIX?profile=NAME for other credentials.")
    ],
    reason: ReasonOption = None,
    workspace: WorkspaceOption = None,
) -> int:
    """Keep everything that is put a second time there. What was put before is copied by `interlock vault replicate`.

    Another one than there is needs a second person.
    """
    with existing(workspace) as ws:
        ws.vault.set_replica(address, reason)
        lag = ws.vault.status().lag
    console().print("the vault has a replica")
    if lag is not None and lag.versions:
        said = f"{lag.versions:,} versions, {size(lag.size_bytes)}, are not in it: interlock vault replicate"
        console().print(plain(said), style="dim", markup=False)
    return 0


@replica.command()
def remove(reason: ReasonOption = None, workspace: WorkspaceOption = None) -> int:
    """Keep nothing a second time any more. Needs a second person; what is there stays."""
    with existing(workspace) as ws:
        ws.vault.set_replica(None, reason)
    console().print("the vault has no replica")
    return 0


def replicate(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> int:
    """Copy to the replica what is not there yet, verified on the way. Exit 1 if anything could not be copied.

    One that was stopped goes on where it was. Locks are renewed too.
    """
    with existing(workspace) as ws, progress("replicating", quiet=as_json) as advance:
        done = ws.vault.replicate(progress=advance)
    if as_json:
        print_json(done.to_dict())
        return 0 if done.ok else 1
    out = console()
    copied = f"{done.versions:,} versions, {done.objects:,} objects, {size(done.size_bytes)} copied"
    out.print(plain(copied), markup=False)
    for ref, why in list(done.failed.items())[:_SHOWN]:
        out.print(Text.assemble(("✗ ", "bold red"), plain(f"{ref}: {why}")))
    if len(done.failed) > _SHOWN:
        out.print(f"… and {len(done.failed) - _SHOWN:,} more; --json lists them", style="dim")
    _tell_short(done.locks)
    return 0 if done.ok else 1


def renew(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> int:
    """Lock what is needed for the whole retention again, where a store locks. Exit 1 if a store does not."""
    with existing(workspace) as ws:
        done = ws.vault.renew()
    if as_json:
        print_json(done.to_dict())
        return 0 if done.ok else 1
    console().print(f"{done.renewed:,} locks renewed")
    _tell_short(done)
    return 0 if done.ok else 1


def _tell_short(locks: Renewed) -> None:
    for store, key in locks.short[:_SHOWN]:
        said = f"{store}: {key} is not locked as long as it should be"
        console().print(Text.assemble(("✗ ", "bold red"), plain(said)))
    if len(locks.short) > _SHOWN:
        console().print(f"… and {len(locks.short) - _SHOWN:,} more; --json lists them", style="dim")


def status(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> int:
    """What the stores should hold, how far the replica is behind, and when they were last read."""
    with existing(workspace) as ws:
        found = ws.vault.status()
    if as_json:
        print_json(found.to_dict())
        return 0
    out = console()
    grid = render.grid("store", "objects", "size", "not read yet", "others since", right=("objects", "size"))
    for s in found.stores:
        since = f"{s.read_since:%Y-%m-%d %H:%M} UTC" if s.read_since else ""
        cells = (f"{s.name}: {s.where}", f"{s.objects:,}", size(s.size_bytes), f"{s.unread:,}", since)
        grid.add_row(*(Text(plain(cell)) for cell in cells))
    out.print(grid)
    if found.lag is None:
        out.print("there is no replica: interlock vault replica set ADDRESS", style="dim")
    elif found.lag.versions:
        behind = f"{found.lag.versions:,} versions, {size(found.lag.size_bytes)}, behind: interlock vault replicate"
        out.print(plain(f"the replica is {behind}"), style="yellow", markup=False)
    if found.unfinished:
        out.print("a scrub was stopped: interlock vault scrub goes on with it", style="yellow")
    return 0
