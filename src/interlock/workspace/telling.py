"""A table's report: its facts read from one consistent view, and the page they make."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import interlock
from interlock import durable, report
from interlock.catalog import Mode, TableRecord
from interlock.constraints.table_contract import TableContract
from interlock.errors import LedgerError, StorageFailed
from interlock.gates.site import Site
from interlock.ledger import Ledger


def facts(site: Site, table: TableRecord, declared: TableContract, partitions: int | None) -> report.Report:
    """What is to be told of a table's last partitions."""
    subject = report.Subject(
        name=table.name,
        partition=table.partition,
        key=table.key or declared.key,
        owner=declared.owner or table.settings.get("owner"),
        attached=table.mode is Mode.ATTACHED,
        sensitive=frozenset((*table.settings.get("sensitive", ()), *declared.sensitive)),
        ledger=_ledger(site),
    )
    now = dt.datetime.now(dt.UTC)
    with site.catalog.read() as rx:
        return report.make(rx, subject, partitions=partitions, version=interlock.__version__, made_at=now)


def write(path: str | os.PathLike[str], told: report.Report) -> Path:
    """The page as a file, replaced as a whole."""
    place = Path(os.path.abspath(path))
    with durable.refusals(place):
        odd = place.exists() and not place.is_file()
    if odd:
        raise StorageFailed(f"{place} is not a file", hint="give the name of a file, such as report.html")
    durable.write(place, report.page(told).encode("utf-8", "replace"))
    return place


def _ledger(site: Site) -> tuple[int, str] | None:
    """Size and root under the checkpoint; None without one that can be read. `ledger verify` says why."""
    try:
        found = Ledger(site.ledger).checkpoint()
    except LedgerError:
        return None
    return (found.size, found.root.hex()) if found else None
