"""What a workspace knows to be broken, as readers of a database are told."""

from __future__ import annotations

from interlock.catalog import tables
from interlock.gates.native.reads import Mark
from interlock.gates.site import Site
from interlock.workspace import broken


def marks(site: Site, table: str) -> list[Mark]:
    """What is broken in a table: one mark a column, of its worst alert.

    Raises `TableNotFound`.
    """
    with site.catalog.read() as rx:
        tables.get(rx, table)
        found = broken.of(rx, table)
    made: dict[str, Mark] = {}
    for one in found:
        for column in one.columns or ("",):
            made.setdefault(column, Mark(column, one.since, one.title, one.owner or "", one.alert))
    return list(made.values())
