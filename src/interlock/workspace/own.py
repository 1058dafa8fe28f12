"""What is set of a table in the workspace itself: segments, source, objective, sensitivity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interlock.catalog import Reader, TableRecord, lake, outbox, tables
from interlock.errors import ColumnMissing, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlock.gates.site import Site


def put(site: Site, table: str, *, entry: str | None = None, **settings: Any) -> None:
    """Store what differs from before, with a ledger entry of the kind ``entry``. Raises `ColumnMissing`."""
    with site.catalog.write() as tx:
        record = tables.get(tx, table)
        if all(record.settings.get(k) == v for k, v in settings.items()):
            return
        _known(tx, record, settings.get("segments", ()))
        tables.put(tx, replace(record, settings={**record.settings, **settings}))
        if entry is not None:
            outbox.append(tx, entry, {"table": table, **settings})


def _known(rx: Reader, record: TableRecord, columns: Sequence[str]) -> None:
    if record.lake_table_id is None:
        return
    held = {f.name for f in lake.columns(rx, record.name)}
    for name in columns:
        if name not in held:
            raise ColumnMissing(f"{record.name} has no column {name!r}", hint=nearest(name, held))
