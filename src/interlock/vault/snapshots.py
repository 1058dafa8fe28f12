"""Dataset snapshots: versions whose files are the lake's own, where they lie.

A snapshot costs a manifest and no copy. The files are pinned by the catalog: it lists their
paths as what the version needs, and whoever removes data files asks it first (`pinned`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import select

from interlock.catalog import Catalog, Mode, PartitionRecord, State, lake, partitions, scan, schema, tables
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.files import DATA
from interlock.catalog.types import Field, to_lake_type
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.parts import parts
from interlock.catalog.vault.records import VersionRecord
from interlock.errors import PartitionNotFound, UsageError, VaultError, VersionNotFound, nearest
from interlock.names import PART_BYTES_MAX
from interlock.vault import intake
from interlock.vault.hashing import sha256_of
from interlock.vault.intake import Wanted
from interlock.vault.manifest import File, Manifest, Stored
from interlock.vault.stores.opened import Stores
from interlock.vault.stores.protocol import CHUNK_BYTES

_DIGEST = "sha256:"  # what a partition's digest begins with where it is that of the file's bytes


@dataclass(frozen=True, slots=True)
class Table:
    """A table as a snapshot holds it: its files lie in the version's ``folder``."""

    name: str
    folder: str
    fields: tuple[Field, ...]

    def to_dict(self, rows: int) -> dict[str, Any]:
        columns = [[f.id, f.name, f.type.duckdb] for f in self.fields]
        return {"folder": self.folder, "columns": columns, "rows": rows}


def take(
    stores: Stores, wanted: Wanted, names: Sequence[str], labels: Collection[str] | None = None
) -> VersionRecord:
    """Record what is published of tables, or these partitions of them, as the next version of a name.

    Raises `TableNotFound`, `PartitionNotFound`, `UsageError` for an attached table, and `VaultError` where
    nothing is published or part of what readers see never passed the gate.
    """
    with stores.catalog.read() as rx:
        of, chosen = _seen(rx, names, labels)
    listed = [_file(stores.catalog, path, record) for path, record in chosen]
    paths = [record.path or "" for _, record in chosen]
    with intake.staged(stores, replace(wanted, of=of)) as (staged, lease):
        return intake.finish(
            stores,
            replace(wanted, of=of),
            staged,
            lease,
            listed,
            (),
            pinned=paths,
            check=lambda tx: _still_there(tx, paths),
        )


def pinned(rx: Reader) -> set[str]:
    """Data files, by their paths among the workspace's, that a version which can be read needs."""
    key = s.uses.c.key
    return set(rx.connection.scalars(select(key).where(key >= f"{DATA}/", key < f"{DATA}0").distinct()))


def pinning(rx: Reader, paths: Iterable[str]) -> dict[int, set[str]]:
    """Versions, by id, that need any of these data files, and which of them."""
    found: dict[int, set[str]] = {}
    for some in parts(paths):
        wanted = select(s.uses.c.version_id, s.uses.c.key).where(s.uses.c.key.in_(some))
        for id_, key in rx.connection.execute(wanted):
            found.setdefault(id_, set()).add(key)
    return found


def tables_of(made: Manifest) -> list[Table]:
    """The tables in a snapshot, by name."""
    return [
        Table(name, given["folder"], tuple(Field(id_, n, to_lake_type(t)) for id_, n, t in given["columns"]))
        for name, given in sorted(made.of.get("tables", {}).items())
    ]


def table_of(made: Manifest, name: str | None = None) -> Table:
    """A table of a snapshot; the only one without a ``name``. `VersionNotFound`."""
    known = {table.name: table for table in tables_of(made)}
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if name is None or name not in known:
        hint = nearest(name or "", known) or f"it holds {', '.join(known)}"
        what = f"no table {name!r}" if name else f"{len(known)} tables: name one"
        raise VersionNotFound(f"{made.name}@v{made.number} holds {what}", hint=hint)
    return known[name]


def files_of(made: Manifest, table: Table) -> list[File]:
    """The data files of a table of a snapshot."""
    return [file for file in made.files if file.path.startswith(f"{table.folder}/")]


def query(catalog: Catalog, table: Table, files: Iterable[File], fetched: Mapping[str, Path]) -> str:
    """The DuckDB SELECT that reads a table from these files, with the columns it had.

    ``fetched`` says where those are, by their path in the version, that are not read where the lake has them.
    """
    places = [str(fetched.get(file.path) or catalog.files.place(file.at or "")) for file in files]
    return scan.plain(table.fields, places)


def _seen(
    rx: Reader, names: Sequence[str], labels: Collection[str] | None
) -> tuple[dict[str, Any], list[tuple[str, PartitionRecord]]]:
    """What the manifest says of the tables, and the partitions by their files' paths in the version."""
    if not names:
        raise UsageError("a snapshot of no table", hint="name one or more")
    described: dict[str, Any] = {}
    chosen: list[tuple[str, PartitionRecord]] = []
    for name in dict.fromkeys(names):
        current = _current(rx, name)
        if labels is not None:
            current = [p for p in current if p.label in labels]
        folder = _folder(rx, name)
        described[name] = Table(name, folder, lake.columns(rx, name)).to_dict(sum(p.rows for p in current))
        chosen += [(f"{folder}/{PurePosixPath(p.path or '').name}", p) for p in current]
    missing = sorted(set(labels or ()) - {p.label for _, p in chosen})
    if missing:
        known = [p.label for name in names for p in _current(rx, name)]
        raise PartitionNotFound(
            f"{', '.join(names)}: no partition {missing[0]!r}", hint=nearest(missing[0], known)
        )
    return {"snapshot_id": lake.latest(rx).id, "tables": described}, chosen


def _current(rx: Reader, name: str) -> list[PartitionRecord]:
    record = tables.get(rx, name)
    if record.mode is Mode.ATTACHED:
        raise UsageError(
            f"{name} is attached: its files are somebody else's, who may change them",
            hint="`interlock vault adopt FOLDER` keeps such files; a managed table can be a snapshot",
        )
    current = partitions.current(rx, name)
    if record.lake_table_id is None or not current:
        raise VaultError(f"nothing is published of {name}", hint=f"`interlock write {name} FILE` publishes")
    ours = {p.data_file_id for p in current}
    if {f.id for f in lake.files(rx, name)} != ours or not scan.is_plain(rx, name):
        raise VaultError(
            f"readers of {name} see rows that never passed the gate; a snapshot holds what was judged",
            hint="`interlock doctor` says which; write their partitions again",
        )
    return current


def _folder(rx: Reader, name: str) -> str:
    """The table's own name where it can name a folder; it holds no ``/``."""
    return name if len(name.encode()) <= PART_BYTES_MAX else PurePosixPath(lake.folder(rx, name)).name


def _file(catalog: Catalog, path: str, record: PartitionRecord) -> File:
    at, digest = record.path or "", record.digest or ""
    sha256 = digest.removeprefix(_DIGEST) if digest.startswith(_DIGEST) else sha256_of(_bytes(catalog, at))[0]
    return File(path, sha256, record.size_bytes, Stored.LAKE, at)


def _bytes(catalog: Catalog, path: str) -> Iterator[bytes]:
    with catalog.files.read(path) as source:
        yield from iter(lambda: source.read(CHUNK_BYTES), b"")


def _still_there(tx: Writer, paths: Sequence[str]) -> None:
    """Between the look at the table and this commit somebody may have given files up for good."""
    p = schema.partitions
    gone = (p.c.state == State.DROPPED.value,)
    for some in parts(paths):
        if tx.connection.scalar(select(p.c.label).where(p.c.path.in_(some), *gone).limit(1)) is not None:
            raise VaultError("part of it was erased meanwhile", hint="take the snapshot again")
