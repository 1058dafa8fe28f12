"""Watching tables in PostgreSQL: each partition that changed is judged after the commit, the verdict on record.

Readers who are warned are told what is broken by then; deleted rows that were kept long enough go.
A worker is told of loads by NOTIFY and looks by itself for what is small. It may be killed at any moment: what it had
not judged is marked still. Several may watch one table; one at a time judges it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock import settings
from interlock.engines import postgres
from interlock.engines.postgres import address
from interlock.errors import DatabaseBusy, DatabaseUnreachable, UsageError
from interlock.gates import watched
from interlock.gates.native import changes, kept, marks, reads
from interlock.gates.verdict import Verdict
from interlock.workspace import own, request
from interlock.workspace.marked import marks as known_broken

if TYPE_CHECKING:
    import psycopg

    from interlock.workspace.table import Table
    from interlock.workspace.workspace import Workspace

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Round:
    """What one look at the tables gave: verdicts, and what somebody should know besides."""

    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()


def tables(workspace: Workspace, names: Sequence[str]) -> list[Table]:
    """Those named, or every one that is in PostgreSQL. Raises `TableNotFound`, `UsageError`."""
    chosen = [workspace.existing_table(name) for name in names] or workspace.tables()
    found = [t for t in chosen if address.is_one(t.record.location)]
    for table in chosen if names else ():
        if table not in found:
            raise UsageError(
                f"{table.name} is not in PostgreSQL",
                hint=f"attach: postgresql://USER@HOST/DATABASE in interlock.yaml says where {table.name} is",
            )
    if not found:
        raise UsageError(
            f"no table of {workspace.path} is in PostgreSQL",
            hint="attach: postgresql://USER@HOST/DATABASE in interlock.yaml says where one is",
        )
    return found


def url(tables: Sequence[Table], given: str | None) -> str:
    """The one database that these tables are in. Raises `UsageError` where it is not one."""
    if given:
        return given
    usual = settings.current().postgres_url
    found = {address.of(t.record.location).url or usual for t in tables}
    if len(found) > 1:
        raise UsageError("these tables are in several databases", hint="name tables of one, or say --on")
    if not (one := found.pop()):
        raise UsageError(
            "which database?", hint=f"--on postgresql://…, or {settings.environment_variable('postgres_url')}"
        )
    return one


def judged(table: Table, progress: Progress) -> list[Verdict]:
    """Judge what of one table has changed, once."""
    with postgres.connected(url([table], None)) as connection:
        return list(_look(connection, table, progress).verdicts)


def rounds(
    chosen: Sequence[Table], on: str, *, once: bool = False, progress: Progress = lambda done, total: None
) -> Iterator[Round]:
    """Look again and again, or once; a round is given when it has something to say.

    A connection that is lost is made again. Raises `DatabaseError` where it cannot be made the first time, or where
    the database refuses something.
    """
    reached = False
    while True:
        try:
            with postgres.connected(on) as connection:
                connection.execute(f"LISTEN {marks.CHANNEL}")
                said: tuple[str, ...] = ()
                while True:
                    began = time.monotonic()
                    found = [_look(connection, table, progress) for table in chosen]
                    reached = True
                    notes = tuple(note for one in found for note in one.notes)
                    verdicts = tuple(v for one in found for v in one.verdicts)
                    if verdicts or notes != said or once:
                        yield Round(verdicts, () if notes == said else notes)
                    if once:
                        return
                    said = notes
                    _rest(connection, time.monotonic() - began)
        except (DatabaseUnreachable, DatabaseBusy) as error:
            if once or not reached:
                raise
            yield Round(notes=(f"{error.message}; trying again",))
            time.sleep(settings.current().watch_poll_s)


def _rest(connection: psycopg.Connection[Any], took_s: float) -> None:
    """As long as the round took, so that watching a busy table is half of the time at most; then until told."""
    limits = settings.current()
    time.sleep(max(limits.watch_pause_s, took_s))
    for _ in connection.notifies(timeout=limits.watch_poll_s, stop_after=1):
        pass


def _look(connection: psycopg.Connection[Any], table: Table, progress: Progress) -> Round:
    place = address.of(table.record.location)
    named = postgres.relation(connection, place.relation or '"' + table.name.replace('"', '""') + '"')
    relation = reads.behind(connection, named)
    marked = changes.marked(connection, table.name, relation)
    notes = [
        f"{name} leaves no marks: what is written to it by its own name is not seen (interlock install {table.name})"
        for name in marked.unmarked
    ]
    with changes.alone(connection, marked) as free:
        if not free:
            return Round(notes=(*notes, f"another worker judges {table.name} just now"))
        known = table.record.settings.get("watched_parts")
        made = watched.judge_changed(
            table.workspace.site, request.of(table), connection, marked, known, progress
        )
        own.put(table.workspace.site, table.name, watched_parts=[part.oid for part in relation.parts])
    if reads.of(connection, relation) is not None:
        reads.publish(connection, relation, table.name, known_broken(table.workspace.site, table.name))
    if made and kept.there(connection):
        kept.tidy(connection)
    return Round(tuple(made), tuple(notes))
