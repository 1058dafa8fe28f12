"""What the tests of several processes, and of killed ones, do to a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interlock import durable
from interlock.catalog import Catalog, DataFile, State, lake, outbox, partitions, verdicts
from interlock.ledger import Ledger, verify
from tests.catalog.conftest import verdict, version
from tests.processes import Tell


def prepare(place: str | Path, entries: int) -> None:
    """A workspace with a table and a ledger of so many entries."""
    with Catalog.create(place) as catalog:
        with catalog.write() as tx:
            lake.create_table(tx, "flights", (("id", "INTEGER"),))
            outbox.append_all(tx, [("note", {"n": n}) for n in range(entries)])
        Ledger(catalog.folder / "ledger").project(catalog)


def load(catalog: Catalog, label: str, number: int) -> None:
    """Publish a partition the way a gate does: a durable file, one transaction, then the ledger."""
    with catalog.read() as rx:
        folder = catalog.folder / lake.folder(rx, "flights")
    name, content = f"{label}-{number}.parquet", f"{label} {number}".encode() * 100
    durable.write(folder / name, content)
    with catalog.write() as tx:
        old = partitions.one(tx, "flights", label)
        gone = [old.data_file_id] if old is not None and old.data_file_id is not None else []
        published = lake.publish(tx, "flights", [DataFile(name, number, len(content), 10)], gone)
        if old is not None and old.id is not None:
            partitions.move(tx, [old.id], State.REPLACED)
        file_id, snapshot = published.data_file_ids[0], published.snapshot_id
        record = version(label, rows=number, size_bytes=len(content), path=str(folder / name), digest=name)
        partitions.add(
            tx, record.__class__(**{**_fields(record), "data_file_id": file_id, "snapshot_id": snapshot})
        )
        verdicts.put(tx, verdict(f"{label}-{number}", label))
    Ledger(catalog.folder / "ledger").project(catalog)


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


# --- what processes do ----------------------------------------------------------------


def make(tell: Tell, folder: str) -> None:
    prepare(Path(folder), 3)
    tell("done")


def make_and_note(tell: Tell, folder: str) -> None:
    with Catalog.create(folder) as catalog:
        with catalog.write() as tx:
            outbox.append(tx, "note", {})
        Ledger(catalog.folder / "ledger").project(catalog)
        tell(catalog.id)


def load_each(tell: Tell, folder: str, loads: list[tuple[str, int]]) -> None:
    """Load one (label, number) after the other."""
    with Catalog.open(folder) as catalog:
        for label, number in loads:
            load(catalog, label, number)
            tell([label, number])


# --- what must hold -------------------------------------------------------------------


def assert_whole(place: str | Path) -> dict[str, int]:
    """Every partition is there once, with its file, verdict and entry; label → number of the current ones."""
    with Catalog.open(place) as catalog:
        folder = catalog.folder
        report = verify(folder / "ledger", catalog)
        assert report.ok, report.problems
        with catalog.read() as rx:
            current = partitions.current(rx, "flights")
            files = {f.id: f for f in lake.files(rx, "flights")}
            judged = {v.id for v in verdicts.list_(rx)}
            pending = len(outbox.pending(rx))
        assert sorted(files) == sorted(p.data_file_id for p in current if p.data_file_id is not None)
        assert len({p.label for p in current}) == len(current)
        for partition in current:
            assert partition.data_file_id is not None
            content = f"{partition.label} {partition.rows}".encode() * 100
            assert Path(files[partition.data_file_id].place).read_bytes() == content
            assert f"{partition.label}-{partition.rows}" in judged
        assert Ledger(folder / "ledger").project(catalog) == pending
        assert Ledger(folder / "ledger").project(catalog) == 0
        report = verify(folder / "ledger", catalog)
        assert (report.problems, report.notes) == ((), ())
        return {p.label: p.rows for p in current}
