"""What a workspace knows to be broken, as readers of a database are told."""

from __future__ import annotations

from interlock.catalog import tables
from interlock.engines.postgres import address
from interlock.gates.native.reads import Mark
from interlock.gates.site import Site
from interlock.workspace import broken


def marks(site: Site, table: str) -> list[Mark]:
    """What is broken in a table: one mark a column, of its worst alert.

    Of a table that is judged in the database, refused partitions count: they are there all the same.

    Raises `TableNotFound`.
    """
    with site.catalog.read() as rx:
        in_place = address.is_one(tables.get(rx, table).location)
        found = broken.of(rx, table, in_place=in_place)
    made: dict[str, Mark] = {}
    for one in found:
        for column in one.columns or ("",):
            made.setdefault(column, Mark(column, one.since, one.title, one.owner or "", one.alert))
    return list(made.values())
