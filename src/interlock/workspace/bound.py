"""The record of a table by its name: what is known already, which has to agree with what is said now, or a new one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from interlock.catalog import Mode, TableRecord, outbox, tables
from interlock.engines.postgres import address
from interlock.errors import TableConflict
from interlock.gates import counterpart, projection
from interlock.names import table_name

if TYPE_CHECKING:
    from interlock.gates.site import Site

Key = Sequence[str] | str | None


def managed(site: Site, name: str, partition: str | None, key: Key, postgres: str | None = None) -> None:
    """A managed table, made if need be, and its `counterpart`. Raises `TableConflict`, and as `counterpart.bind`."""
    known = _known(site, name) or _made(site, name, Mode.MANAGED, partition, key)
    _agree(site, known, partition, _columns(key))
    if postgres is not None:
        if known.mode is not Mode.MANAGED:
            raise TableConflict(f"{name} is attached: what is published of it stays where it is")
        counterpart.bind(site, name, postgres)


def attached(site: Site, name: str, location: str | os.PathLike[str], key: Key) -> None:
    """An attached table, made if need be. Raises `TableConflict`, `UsageError` for an address with a password."""
    glob = os.fspath(location)
    address.of(glob)
    place = glob if "://" in glob else os.path.abspath(glob)
    known = _known(site, name) or _made(site, name, Mode.ATTACHED, None, key, place)
    if known.mode is not Mode.ATTACHED:
        raise TableConflict(f"{name} is a managed table", hint="attach the files under another name")
    _agree(site, known, None, _columns(key))


def _columns(key: Key) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else tuple(key or ())


def _known(site: Site, name: str) -> TableRecord | None:
    with site.catalog.read() as rx:
        return tables.find(rx, table_name(name))


def _made(
    site: Site, name: str, mode: Mode, partition: str | None, key: Key, location: str | None = None
) -> TableRecord:
    """The new table, or the one another process has made meanwhile."""
    with site.catalog.write() as tx:
        known = tables.find(tx, name)
        if known is not None:
            return known
        made = TableRecord(name, mode, partition, _columns(key), location, {}, tx.now)
        tables.put(tx, made)
        body = {"table": name, "mode": mode.value, "partition": partition, "key": list(made.key)}
        outbox.append(tx, "table", body)
    projection.project(site)
    return made


def _agree(site: Site, known: TableRecord, partition: str | None, key: tuple[str, ...]) -> None:
    if partition is not None and known.partition != partition:
        raise TableConflict(
            f"{known.name} is partitioned by {known.partition!r}, not by {partition!r}",
            hint="leave partition out, or use another table name",
        )
    if not key or known.key == key:
        return
    if known.key:
        raise TableConflict(
            f"{known.name} has the key {list(known.key)}, not {list(key)}", hint="leave key out"
        )
    with site.catalog.write() as tx:
        tables.put(tx, replace(tables.get(tx, known.name), key=key))
