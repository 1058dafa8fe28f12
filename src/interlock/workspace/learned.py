"""What people say of what was learned: whether it blocks, and since when another normal holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.catalog import AcceptRecord, accepts, outbox, partitions
from interlock.catalog import constraints as stored
from interlock.errors import UsageError, nearest
from interlock.names import partition_label

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from interlock.gates.site import Site


def enforce(site: Site, table: str, names: Sequence[str], known: Collection[str]) -> None:
    """Let constraints among the ``known`` block; all, later ones too, where none is named. Raises `UsageError`."""
    for name in names:
        if name not in known:
            raise UsageError(
                f"{table} has learned no constraint {name!r}",
                hint=nearest(name, known) or f"interlock learn {table} --all lists them",
            )
    with site.catalog.write() as tx:
        stored.enforce(tx, table, names or (stored.EVERY,))
        outbox.append(tx, "enforce", {"table": table, "constraints": list(names) or [stored.EVERY]})


def shadow(site: Site, table: str, names: Sequence[str]) -> None:
    """Take enforcement back, for these names or altogether."""
    with site.catalog.write() as tx:
        stored.shadow(tx, table, names or None)
        outbox.append(tx, "shadow", {"table": table, "constraints": list(names) or [stored.EVERY]})


def accept(site: Site, table: str, since: object, reason: str, who: str) -> list[str]:
    """Start a new normal; returns the labels it covers. Raises `UsageError` without a reason."""
    label = partition_label(since)
    if not reason.strip():
        raise UsageError("accepting a new normal needs a reason", hint="it is recorded in the ledger")
    first = partitions.label_order(label)
    with site.catalog.write() as tx:
        accepts.put(tx, AcceptRecord(table, label, reason, tx.now, who))
        return [p.label for p in partitions.current(tx, table) if partitions.label_order(p.label) >= first]
