"""Owners are told of what waits for a second person: by the triggers that tell them of alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from interlock.catalog import Writer
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.parts import parts
from interlock.catalog.vault.records import RequestRecord

if TYPE_CHECKING:
    from interlock.constraints.table_contract import Trigger

TABLE = "interlock_vault"  # no table can be called so
NAMES_TOLD = 20
OWNERS_TOLD = 10


def put(tx: Writer, request: RequestRecord, models: Iterable[str], declared: Sequence[Trigger]) -> None:
    """Record that the owners are to be told, in the transaction that says the request waits."""
    if declared:
        from interlock.gates import trigger

        title = f"{request.ref}: {request.action} of {request.subject[:200]} waits for a second person"
        said = {"title": title, "body": _body(tx, request, sorted(models)), "request": request.ref}
        trigger.put_said(tx, TABLE, request.ref, said, declared)


def _body(tx: Writer, request: RequestRecord, models: Sequence[str]) -> str:
    owners = _owners(tx, models[:NAMES_TOLD])
    lines = [f"{request.who} asked for it; nothing was done: {request.why}"]
    lines += [f"reason given: {request.reason}"] if request.reason else []
    lines += [f"of: {', '.join(owners[:OWNERS_TOLD])}"] if owners else []
    lines += [f"  {name}" for name in models[:NAMES_TOLD]]
    lines += [f"  and {len(models) - NAMES_TOLD:,} more"] if len(models) > NAMES_TOLD else []
    return "\n".join([*lines, f"next: interlock vault requests {request.ref}"])


def _owners(tx: Writer, models: Sequence[str]) -> list[str]:
    n, found = s.names, set[str]()
    for some in parts(models):
        exact = [name for name in some if not name.endswith("/")]
        found.update(o for o in tx.connection.scalars(select(n.c.owner).where(n.c.name.in_(exact))) if o)
    for folder in (name for name in models if name.endswith("/")):
        inside = select(n.c.owner).where(n.c.name >= folder, n.c.name < f"{folder[:-1]}0").limit(1)
        found.update(o for o in tx.connection.scalars(inside) if o)
    return sorted(found)
