"""Declared constraints of a table: those of ``interlock.yaml``, and those of Python, which the catalog keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock import constraints
from interlock.catalog import constraints as stored
from interlock.catalog import outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlock.constraints.constraint import Constraint
    from interlock.gates.site import Site


def of(site: Site, table: str, written: Sequence[Constraint]) -> tuple[Constraint, ...]:
    """Those ``written`` in the file first; they are heard before others of their name."""
    with site.catalog.read() as rx:
        own = [constraints.from_dict(d) for d in stored.list_(rx, table)]
    names = {c.name for c in written}
    return (*written, *(c for c in own if c.name not in names))


def put(site: Site, table: str, made: Sequence[Constraint]) -> None:
    """Store those that are new or differ, each with a ledger entry."""
    with site.catalog.write() as tx:
        known = {d["name"]: d for d in stored.list_(tx, table)}
        for constraint in made:
            document = constraints.to_dict(constraint)
            if known.get(constraint.name) != document:
                stored.put(tx, table, document)
                outbox.append(tx, "require", {"table": table, "constraint": document})
