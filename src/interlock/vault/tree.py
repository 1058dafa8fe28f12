"""The vault's names as folders: what lies directly in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, func, literal, select, true

from interlock.catalog.catalog import Reader
from interlock.catalog.vault import schema as s
from interlock.catalog.vault import versions
from interlock.catalog.vault.records import READABLE, VersionRecord, VersionState

_LEAST = "\x01"  # is in no name: what follows a name at once
_PAST = "0"  # what follows "/": a folder's name and this come after all that lies in it


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
    found: dict[str, int | None] = {}  # name → id of its newest version, None for a folder
    for name, newest in _walked(rx, start, _following(after) if after else start, states, limit):
        head, slash, _ = name[len(start) :].partition("/")
        found[f"{start}{head}"] = None if slash else newest
    records = {r.id: r for r in versions.get(rx, [id_ for id_ in found.values() if id_ is not None])}
    return [Entry(name, None if id_ is None else records[id_]) for name, id_ in found.items()]


def is_folder(rx: Reader, name: str, *, deleted: bool = False) -> bool:
    """Whether any name lies under this one."""
    states = READABLE if deleted else (VersionState.LIVE,)
    return not name or bool(_walked(rx, f"{name}/", f"{name}/", states, 1))


def _following(name: str) -> str:
    """The least text after ``name``; control characters are in no name."""
    return f"{name}{_LEAST}"


def _walked(
    rx: Reader, start: str, cursor: str, states: Sequence[VersionState], limit: int | None
) -> list[tuple[str, int]]:
    """From ``cursor`` on, the first name that each child of a folder is or holds, with the name's newest version.

    One statement, which seeks the next child from the last: no other way is quick for few folders
    of many names, for many of a few, and for names of many versions.
    """
    n, v = s.names.c, s.versions.c
    inside = n.name < f"{start[:-1]}{_PAST}" if start else true()

    def of(name: ColumnElement[str]) -> Select[tuple[int]]:
        return select(v.id).where(v.name == name, v.state.in_([state.value for state in states]))

    def first(least: ColumnElement[str] | str) -> ScalarSelect[str]:
        wanted = select(n.name).where(n.name >= least, inside, of(n.name).exists())
        return wanted.order_by(n.name).limit(1).scalar_subquery()

    walk = select(first(cursor).label("name"), literal(1).label("count")).cte("walk", recursive=True)
    position = func.instr if rx.connection.dialect.name == "sqlite" else func.strpos
    slash = position(func.substr(walk.c.name, len(start) + 1), "/")
    past = func.substr(walk.c.name, 1, len(start) + slash - 1) + _PAST
    beyond = first(case((slash > 0, past), else_=walk.c.name + _LEAST))
    more = and_(walk.c.name.is_not(None), true() if limit is None else walk.c.count < limit)
    walk = walk.union_all(select(beyond, walk.c.count + 1).where(more))
    newest = of(walk.c.name).order_by(v.version.desc()).limit(1).scalar_subquery()
    found = select(walk.c.name, newest).where(walk.c.name.is_not(None)).order_by(walk.c.name)
    return [(row[0], row[1]) for row in rx.connection.execute(found)]
