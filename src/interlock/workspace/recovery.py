"""What the start of a workspace puts right after a process that died."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from interlock.catalog import State, lake, partitions, triggers
from interlock.errors import InterlockError, LedgerError
from interlock.gates import staging
from interlock.gates.site import Site
from interlock.ledger import Ledger
from interlock.settings import current
from interlock.vault import snapshots

if TYPE_CHECKING:
    from interlock.constraints.table_contract import TableContract


def recover(site: Site) -> tuple[str, ...]:
    """Finish or undo what was under way; one line for each thing found.

    A write that committed is finished (its ledger entry is projected); one that
    did not is undone: its files were never visible and go. Writers that are
    alive are left alone.
    """
    notes = []
    for left in staging.leftovers(site.locks, site.staging):
        committed = left.settle(site.catalog)
        left.discard()
        what = left.table if left.label == "?" else f"{left.table}@{left.label}"
        notes.append(
            f"the write of {what} had committed; nothing was lost"
            if committed
            else f"the write of {what} was cut off before its commit; nothing of it was published"
        )
    try:
        caught_up = Ledger(site.ledger).project(site.catalog)
    except LedgerError as error:
        return (*notes, f"the ledger is not in order: {error}")
    if caught_up:
        notes.append(f"{caught_up} ledger entries were committed but not yet in the ledger's files")
    return tuple(notes)


def run_triggers(site: Site, contract_of: Callable[[str], TableContract]) -> None:
    """Run what a process that died left undone; whatever a living one is at is left to it."""
    with site.catalog.read() as rx:
        waiting = {run.table for run in triggers.pending(rx)}
    for name in sorted(waiting):
        if declared := contract_of(name).triggers:
            from interlock.gates import trigger

            trigger.run_pending(site, name, declared, {}, wait_s=0)


def collect_orphans(site: Site) -> list[str]:
    """Remove files nobody refers to that are older than the grace period; returns their paths.

    Files of dropped partitions count as unreferenced. Everything a snapshot of
    the lake still lists is kept, by whoever it was written, and what the vault pins.
    """
    with site.catalog.read() as rx:
        known = {p.path for p in partitions.all_(rx) if p.path and p.state is not State.DROPPED}
        kept = {site.files.place(path) for path in known | snapshots.pinned(rx)} | lake.every_place(rx)
    before = time.time() - current().orphan_grace_s
    gone = []
    for path, file in site.files.listed().items():
        if site.files.place(path) not in kept and file.changed_at < before:
            with contextlib.suppress(InterlockError):
                site.files.remove([path])
                gone.append(path)
    return gone
