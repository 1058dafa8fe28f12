"""Names in the vault and their versions.

Every change of a version's state is told to the ledger: by the entry of the
transaction that makes it, else by one written at its end (`outbox.cite_rest`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, literal, or_, select, update

from interlock.catalog.catalog import Reader, Writer, inserted_id
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.parts import parts
from interlock.catalog.vault.records import READABLE, Kind, VersionRecord, VersionState
from interlock.errors import VaultError


def reserve(tx: Writer, name: str, kind: Kind, who: str, owner: str | None = None) -> VersionRecord:
    """The next version of ``name``, staged. Numbers are never given twice. `VaultError` where it cannot be one."""
    known = may_be(tx, name, kind)
    if known is None:
        number = 1
        row = {
            "name": name,
            "kind": kind.value,
            "next_version": 2,
            "owner": owner or who,
            "created_at": tx.now,
        }
        tx.connection.execute(insert(s.names).values(**row))
    else:
        number = known.next_version
        tx.connection.execute(update(s.names).where(s.names.c.name == name).values(next_version=number + 1))
    made = {
        "name": name,
        "version": number,
        "state": VersionState.STAGED.value,
        "size_bytes": 0,
        "files": 0,
        "who": who,
        "created_at": tx.now,
        "metadata": {},
        "lineage": {},
    }
    id_ = inserted_id(tx.connection.execute(insert(s.versions).values(**made)))
    return get(tx, [id_])[0]


def claim(tx: Writer, like: str, name: str) -> None:
    """Take a new name of the same kind and owner, whose numbers go on where those of ``like`` are.

    One that was taken and never had a version may be taken again. `VaultError` for any other.
    """
    old = tx.connection.execute(select(s.names).where(s.names.c.name == like)).one()
    known = kind_of(tx, name)
    if known is None:
        _refuse_overlap(tx, name)
        row = {**old._mapping, "name": name, "created_at": tx.now}
        tx.connection.execute(insert(s.names).values(**row))
        return
    had = select(s.versions.c.id).where(s.versions.c.name == name).limit(1)
    if known != old.kind or tx.connection.scalar(had) is not None:
        raise VaultError(
            f"{name} is a name in the vault already", hint="choose another; names are never reused"
        )
    counted_on = update(s.names).where(s.names.c.name == name, s.names.c.next_version < old.next_version)
    tx.connection.execute(counted_on.values(next_version=old.next_version))


def copy(
    tx: Writer, record: VersionRecord, name: str, manifest: str, lineage: Mapping[str, Any]
) -> VersionRecord:
    """A live version like this one under another name, with the same number, objects and past."""
    known = {f.name: getattr(record, f.name) for f in fields(record) if f.name not in ("id", "kind")}
    values = known | {
        "name": name,
        "state": VersionState.LIVE.value,
        "manifest": manifest,
        "metadata": dict(record.metadata),
        "lineage": dict(lineage),
    }
    values |= dict.fromkeys(("deleted_at", "deleted_by", "purge_after", "request_id"))
    id_ = inserted_id(tx.connection.execute(insert(s.versions).values(**values)))
    used = select(literal(id_), s.uses.c.key).where(s.uses.c.version_id == record.id)
    tx.connection.execute(insert(s.uses).from_select(["version_id", "key"], used))
    tx.changed_versions[id_] = None
    return replace(record, id=id_, name=name, manifest=manifest, lineage=dict(lineage))


def may_be(rx: Reader, name: str, kind: Kind) -> Row[Any] | None:
    """The row of a name, None for a new one. `VaultError` where it cannot be a name of this kind."""
    known = rx.connection.execute(select(s.names).where(s.names.c.name == name)).first()
    if known is None:
        _refuse_overlap(rx, name)
    elif known.kind != kind:
        raise VaultError(f"{name} is a {known.kind} in the vault, not a {kind}", hint="choose another name")
    return known


def _refuse_overlap(rx: Reader, name: str) -> None:
    """A name is a leaf or a folder of names, so that a path means one thing."""
    parts = name.split("/")
    above = ["/".join(parts[:i]) for i in range(1, len(parts))]
    taken = select(s.names.c.name).where(or_(s.names.c.name.in_(above), under(s.names.c.name, name)))
    if (other := rx.connection.scalar(taken.limit(1))) is not None:
        raise VaultError(
            f"{name} cannot be a name beside {other}",
            hint="one would be a folder of the other; choose another",
        )


def commit(
    tx: Writer,
    staged: VersionRecord,
    *,
    manifest: str,
    size_bytes: int,
    files: int,
    keys: Iterable[str],
    sha256: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    lineage: Mapping[str, Any] | None = None,
) -> VersionRecord:
    """A staged version becomes live: from here on it is acknowledged. ``keys`` are the objects it needs."""
    values = {
        "state": VersionState.LIVE.value,
        "manifest": manifest,
        "size_bytes": size_bytes,
        "files": files,
        "sha256": sha256,
        "metadata": dict(metadata or {}),
        "lineage": dict(lineage or {}),
        "created_at": tx.now,
    }
    v = s.versions
    done = tx.connection.execute(
        update(v).where(v.c.id == staged.id, v.c.state == VersionState.STAGED.value).values(**values)
    )
    if done.rowcount != 1:
        raise VaultError(
            f"{staged.ref} is not being put any more", hint="it took too long, and was given up; put it again"
        )
    for some in parts(dict.fromkeys(keys)):
        tx.connection.execute(insert(s.uses), [{"version_id": staged.id, "key": key} for key in some])
    tx.changed_versions[staged.id] = None
    return get(tx, [staged.id])[0]


def abandon(tx: Writer, ids: Sequence[int]) -> None:
    """Staged versions that will not be committed; their numbers stay taken."""
    for some in parts(ids):
        v = s.versions
        tx.connection.execute(v.delete().where(v.c.id.in_(some), v.c.state == VersionState.STAGED.value))


def change(tx: Writer, ids: Sequence[int], before: VersionState, after: VersionState, **values: Any) -> int:
    """Move versions from one state to another; returns how many were in the first."""
    moved = 0
    v = s.versions
    for some in parts(ids):
        done = tx.connection.execute(
            update(v).where(v.c.id.in_(some), v.c.state == before.value).values(state=after.value, **values)
        )
        moved += done.rowcount
        tx.changed_versions.update(dict.fromkeys(some))
    return moved


def tombstone(
    tx: Writer, ids: Sequence[int], *, who: str, purge_after: dt.datetime, request_id: int | None = None
) -> int:
    """Live versions become tombstones; returns how many were live."""
    return change(
        tx,
        ids,
        VersionState.LIVE,
        VersionState.DELETED,
        deleted_at=tx.now,
        deleted_by=who,
        purge_after=purge_after,
        request_id=request_id,
    )


def keep_until(tx: Writer, ids: Sequence[int], purge_after: dt.datetime) -> None:
    """Tombstones can be restored until then."""
    change(tx, ids, VersionState.DELETED, VersionState.DELETED, purge_after=purge_after)


def revive(tx: Writer, ids: Sequence[int]) -> int:
    """Tombstones become live versions again; returns how many were tombstones."""
    nothing = dict.fromkeys(("deleted_at", "deleted_by", "purge_after", "request_id"))
    return change(tx, ids, VersionState.DELETED, VersionState.LIVE, **nothing)


# --- reading ------------------------------------------------------------------------------


def get(rx: Reader, ids: Sequence[int]) -> list[VersionRecord]:
    """Versions by id, in that order; unknown ids are left out."""
    found: dict[int, VersionRecord] = {}
    for some in parts(ids):
        found |= {r.id: r for r in _records(rx, _rows().where(s.versions.c.id.in_(some)))}
    return [found[id_] for id_ in ids if id_ in found]


def facts(rx: Reader, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What the ledger is told of each, in the order of their ids; the last fact of one is what must hold."""
    v, found = s.versions, list[dict[str, Any]]()
    wanted: Select[Any] = select(v.c.id, v.c.name, v.c.version, v.c.state, v.c.manifest, v.c.purge_after)
    for some in parts(sorted(ids)):
        rows = rx.connection.execute(wanted.where(v.c.id.in_(some)).order_by(v.c.id))
        found += [_fact(row) for row in rows]
    return found


def one(rx: Reader, name: str, version: int) -> VersionRecord | None:
    """A version by name and number, in whatever state."""
    wanted = _rows().where(s.versions.c.name == name, s.versions.c.version == version)
    return next(_records(rx, wanted), None)


def newest(
    rx: Reader, name: str, states: Sequence[VersionState] = (VersionState.LIVE,)
) -> VersionRecord | None:
    """The highest version of a name among these states."""
    wanted = _rows().where(s.versions.c.name == name, _in(states))
    return next(_records(rx, wanted.order_by(s.versions.c.version.desc()).limit(1)), None)


def live_among(rx: Reader, names: Sequence[str]) -> str | None:
    """Which of these names has a live version; of a path and the folders above it at most one has."""
    wanted = select(s.versions.c.name).where(s.versions.c.name.in_(names), _in((VersionState.LIVE,)))
    return rx.connection.scalar(wanted.limit(1))


def list_(
    rx: Reader,
    *,
    name: str | None = None,
    prefix: str | None = None,
    states: Sequence[VersionState] = READABLE,
    limit: int | None = None,
) -> list[VersionRecord]:
    """Versions by name and number: those of ``name``, or of every name that is ``prefix`` or lies under it."""
    wanted = _rows().where(_in(states))
    if name is not None:
        wanted = wanted.where(s.versions.c.name == name)
    if prefix:  # one or the other: for both at once SQLite reads every version
        bare = prefix.rstrip("/")
        is_name = kind_of(rx, bare) is not None
        wanted = wanted.where(s.versions.c.name == bare if is_name else under(s.versions.c.name, bare))
    return list(_records(rx, wanted.order_by(s.versions.c.name, s.versions.c.version).limit(limit)))


def named(rx: Reader, names: Sequence[str], states: Sequence[VersionState] = READABLE) -> list[VersionRecord]:
    """Versions of these names, in no order; names the vault does not have are left out."""
    found: list[VersionRecord] = []
    for some in parts(dict.fromkeys(names)):
        found += _records(rx, _rows().where(_in(states), s.versions.c.name.in_(some)))
    return found


def of_requests(rx: Reader, request_ids: Iterable[int]) -> list[VersionRecord]:
    """Tombstones that these requests made, in no order."""
    found: list[VersionRecord] = []
    for some in parts(dict.fromkeys(request_ids)):
        deleted = _rows().where(_in((VersionState.DELETED,)), s.versions.c.request_id.in_(some))
        found += _records(rx, deleted)
    return found


def readable(rx: Reader, after: int, limit: int) -> list[VersionRecord]:
    """Versions that can be read, by id, from the one ``after`` on."""
    wanted = _rows().where(_in(READABLE), s.versions.c.id > after)
    return list(_records(rx, wanted.order_by(s.versions.c.id).limit(limit)))


def kind_of(rx: Reader, name: str) -> Kind | None:
    """What a name stands for; None where the vault never had it."""
    found = rx.connection.scalar(select(s.names.c.kind).where(s.names.c.name == name))
    return None if found is None else Kind(found)


def is_known(rx: Reader, name: str) -> bool:
    """Whether the vault ever had this name, or one in the folder that it is."""
    found = select(s.names.c.name).where(at_or_under(s.names.c.name, name)).limit(1)
    return rx.connection.scalar(found) is not None


def names(rx: Reader, prefix: str = "", limit: int | None = None) -> list[str]:
    """Names with a version that can be read, at or under ``prefix``, in order."""
    wanted = select(s.versions.c.name).where(_in(READABLE)).distinct()
    if prefix:
        wanted = wanted.where(at_or_under(s.versions.c.name, prefix))
    return list(rx.connection.scalars(wanted.order_by(s.versions.c.name).limit(limit)))


def keys(rx: Reader, id_: int) -> list[str]:
    """The objects a version needs."""
    return list(
        rx.connection.scalars(select(s.uses.c.key).where(s.uses.c.version_id == id_).order_by(s.uses.c.key))
    )


def any_(rx: Reader) -> bool:
    """Whether any version was ever begun."""
    return rx.connection.scalar(select(s.versions.c.id).limit(1)) is not None


def count(rx: Reader) -> int:
    """How many versions can be read."""
    return int(rx.connection.scalar(select(func.count()).select_from(s.versions).where(_in(READABLE))) or 0)


def under(column: ColumnElement[str], folder: str) -> ColumnElement[bool]:
    """Names inside a folder. ``0`` follows ``/`` in ASCII, so an index answers it."""
    return and_(column >= f"{folder}/", column < f"{folder}0")


def at_or_under(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """The name itself, or those inside the folder it is."""
    bare = name.rstrip("/")
    return or_(column == bare, under(column, bare))


def _in(states: Sequence[VersionState]) -> ColumnElement[bool]:
    return s.versions.c.state.in_([state.value for state in states])


def _rows() -> Select[Any]:
    return select(s.versions, s.names.c.kind).join(s.names, s.names.c.name == s.versions.c.name)


def _records(rx: Reader, wanted: Select[Any]) -> Iterator[VersionRecord]:
    for row in rx.connection.execute(wanted):
        yield _record(row)


def _record(row: Row[Any]) -> VersionRecord:
    values = dict(row._mapping)
    values["kind"], values["state"] = Kind(values["kind"]), VersionState(values["state"])
    return VersionRecord(**values)


def _fact(row: Row[Any]) -> dict[str, Any]:
    fact = dict(row._mapping)
    until = fact.pop("purge_after")
    return fact if until is None else fact | {"purge_after": until.isoformat(timespec="microseconds")}
