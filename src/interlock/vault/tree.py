"""The vault's names as folders: what lies directly in one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from interlock.catalog.catalog import Reader
from interlock.catalog.vault import schema as s
from interlock.catalog.vault import versions
from interlock.catalog.vault.records import READABLE, VersionRecord, VersionState


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

    Steps from one entry to the next along an index, so that it costs what it gives,
    however much lies below. Names whose versions are all deleted are left out unless ``deleted``.
    """
    states = READABLE if deleted else (VersionState.LIVE,)
    found: list[Entry] = []
    start = f"{folder}/" if folder else ""
    cursor, end = _following(after) if after else start, f"{folder}0" if folder else None
    while limit is None or len(found) < limit:
        name = _next(rx, cursor, end, states)
        if name is None:
            break
        head, slash, _ = name[len(start) :].partition("/")
        child = f"{start}{head}"
        found.append(Entry(child) if slash else Entry(child, versions.newest(rx, child, states)))
        cursor = f"{child}0" if slash else _following(child)
    return found


def is_folder(rx: Reader, name: str, *, deleted: bool = False) -> bool:
    """Whether any name lies under this one."""
    states = READABLE if deleted else (VersionState.LIVE,)
    return not name or _next(rx, f"{name}/", f"{name}0", states) is not None


def _following(name: str) -> str:
    """The least text after ``name``; control characters are in no name."""
    return f"{name}\x01"


def _next(rx: Reader, start: str, end: str | None, states: tuple[VersionState, ...]) -> str | None:
    v = s.versions
    wanted = select(v.c.name).where(v.c.name >= start, v.c.state.in_([state.value for state in states]))
    if end is not None:
        wanted = wanted.where(v.c.name < end)
    return rx.connection.scalar(wanted.order_by(v.c.name).limit(1))
