"""The vault's names as folders: what lies directly in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from interlock.catalog.catalog import Reader
from interlock.catalog.vault import schema as s
from interlock.catalog.vault import versions
from interlock.catalog.vault.records import READABLE, VersionRecord, VersionState

_BATCH = 256  # names of one statement


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder, or a name with its newest version among the states asked for (``record``)."""

    name: str
    record: VersionRecord | None = None

    @property
    def is_folder(self) -> bool:
        return self.record is None


def children(
    rx: Reader, folder: str = "", *, deleted: bool = False, after: str | None = None, limit: int | None = None
) -> list[Entry]:
    """What lies directly in a folder (``""`` is the top), by name, from the one ``after`` on.

    Goes along an index, past what lies below a folder, so that it costs what it gives. Names
    whose versions are all deleted are left out unless ``deleted``.
    """
    states = READABLE if deleted else (VersionState.LIVE,)
    start = f"{folder}/" if folder else ""
    cursor, end = _following(after) if after else start, f"{folder}0" if folder else None
    found: dict[str, int | None] = {}  # name → id of its newest version, None for a folder
    while limit is None or len(found) < limit:
        batch = _batch(rx, cursor, end, states)
        for name, newest in batch:
            head, slash, _ = name[len(start) :].partition("/")
            child = f"{start}{head}"
            found[child] = None if slash else newest
            cursor = f"{child}0" if slash else _following(child)  # past all that lies below it
        if len(batch) < _BATCH:
            break
    chosen = list(found.items())[:limit]
    records = {r.id: r for r in versions.get(rx, [id_ for _, id_ in chosen if id_ is not None])}
    return [Entry(name, None if id_ is None else records[id_]) for name, id_ in chosen]


def is_folder(rx: Reader, name: str, *, deleted: bool = False) -> bool:
    """Whether any name lies under this one."""
    states = READABLE if deleted else (VersionState.LIVE,)
    return not name or bool(_batch(rx, f"{name}/", f"{name}0", states, 1))


def _following(name: str) -> str:
    """The least text after ``name``; control characters are in no name."""
    return f"{name}\x01"


def _batch(
    rx: Reader, start: str, end: str | None, states: Sequence[VersionState], size: int = _BATCH
) -> list[tuple[str, int]]:
    """The next names from ``start`` on, each with the id of its newest version; ids grow with numbers."""
    v = s.versions
    wanted = select(v.c.name, func.max(v.c.id)).where(
        v.c.name >= start, v.c.state.in_([state.value for state in states])
    )
    if end is not None:
        wanted = wanted.where(v.c.name < end)
    rows = rx.connection.execute(wanted.group_by(v.c.name).order_by(v.c.name).limit(size))
    return [(row[0], row[1]) for row in rows]
