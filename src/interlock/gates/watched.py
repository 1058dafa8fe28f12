"""A table in PostgreSQL that is judged where it is, after the commit: the partitions that its marks say have changed.

Marks are forgotten when the verdict on what they say is stored. Cut off before, the partition is judged again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from interlock import settings
from interlock.catalog import PartitionRecord, partitions
from interlock.engines.postgres import transfer
from interlock.engines.postgres.engine import PostgreSQL
from interlock.engines.protocol import Afar, Engine, Relation
from interlock.gates import attached, judge
from interlock.gates.attached import Found
from interlock.gates.native import changes
from interlock.gates.native.changes import Changes, Marked, Raw
from interlock.gates.request import Request
from interlock.gates.site import Site
from interlock.gates.verdict import Verdict

if TYPE_CHECKING:
    import psycopg

Progress = Callable[[int, int], None]
Todo = Mapping[str, tuple[Raw, ...] | None]  # None: the whole relation


def judge_changed(
    site: Site,
    request: Request,
    connection: psycopg.Connection[Any],
    marked: Marked,
    known_parts: Collection[int] | None,
    progress: Progress,
) -> list[Verdict]:
    """Judge each partition that changed, in the order of their labels, and forget its marks.

    ``known_parts`` are the parts the relation had when it was last judged: one that has come since is judged, and
    where one has gone, what it held; None: it never was, and all of it is.
    """
    found = changes.changes(connection, marked)
    with site.catalog.read() as rx:
        before = {r.label: r for r in attached.judged(rx, marked.table)}
    todo = _todo(connection, marked, found, known_parts, before)
    each = _each(site, request, connection, marked, found, todo)
    made = attached.judge_each(site, request, each, lambda n: progress(n, len(todo)))
    changes.forget_whole(connection, marked, found)
    return made


def _todo(
    connection: psycopg.Connection[Any],
    marked: Marked,
    found: Changes,
    known_parts: Collection[int] | None,
    judged: Mapping[str, PartitionRecord],
) -> Todo:
    parts = {part.oid for part in marked.relation.parts}
    moved = known_parts is None or parts != set(known_parts)
    if not found and not moved:
        return {}
    if marked.column is None:
        return {changes.today(): None}
    todo = {
        label: raws
        for label, raws in found.labels.items()
        if label in judged or changes.holds(connection, marked, raws)  # else it came and went
    }
    for part in parts - set(known_parts or parts):
        _add(todo, changes.labels(connection, marked, list(changes.present(connection, marked, part))))
    if moved or found.counts or found.everything:
        rows = changes.present(connection, marked)
        held = changes.labels(connection, marked, list(rows))
        counted = {label: sum(rows[r] for r in raws) for label, raws in held.items()}
        told = held if found.everything else {}
        _add(todo, told | {n: held[n] for n in held if n not in judged or judged[n].rows != counted[n]})
        _add(todo, {label: () for label, record in judged.items() if label not in held and record.rows})
    return dict(sorted(todo.items(), key=lambda pair: partitions.label_order(pair[0])))


def _add(todo: dict[str, tuple[Raw, ...]], more: Mapping[str, tuple[Raw, ...]]) -> None:
    for label, raws in more.items():
        todo[label] = tuple(dict.fromkeys((*todo.get(label, ()), *raws)))


def _each(
    site: Site,
    request: Request,
    connection: psycopg.Connection[Any],
    marked: Marked,
    found: Changes,
    todo: Todo,
) -> Iterator[Found]:
    for label, raws in todo.items():
        with contextlib.ExitStack() as after:
            yield Found(
                label,
                partial(_opened, site, request, connection, marked, raws, after),
                f"snapshot:{found.snapshot}",
            )
            if raws:
                changes.forget(connection, marked, found, raws)


def _opened(
    site: Site,
    request: Request,
    connection: psycopg.Connection[Any],
    marked: Marked,
    raws: tuple[Raw, ...] | None,
    after: contextlib.ExitStack,
) -> tuple[Engine | Afar, Relation]:
    """A partition with the engine that reads it: a large one where it is, unless something needs its rows.

    Else they are brought here. What that leaves behind is cleaned up ``after``.
    """
    columns, limit = marked.relation.columns, settings.current().exact_rows_max
    if _can_stay(request, marked) and changes.holds(connection, marked, raws, more_than=limit):
        there = after.enter_context(_in_place(connection))
        whole = there.relation(marked.relation)
        if raws is None:
            return there, whole
        return there, there.part(whole, exp.Var(this=changes.where(connection, marked, raws)))
    query = f"SELECT {transfer.items(columns)} FROM {changes.source(connection, marked, raws)}"
    with connection.transaction():
        for setting in transfer.PLAIN:
            connection.execute(setting)
        brought = transfer.bring(connection, site.engine, query, columns)
    for file in brought.files:
        after.callback(file.unlink, missing_ok=True)
    return site.engine, brought


@contextlib.contextmanager
def _in_place(connection: psycopg.Connection[Any]) -> Iterator[PostgreSQL]:
    """The engine that asks the database; no operator of somebody's own is found meanwhile."""
    connection.execute(transfer.PLAIN[0].replace("SET LOCAL", "SET"))
    try:
        with PostgreSQL(connection) as engine:
            yield engine
    finally:
        if not connection.closed:
            connection.execute("RESET search_path")


def _can_stay(request: Request, marked: Marked) -> bool:
    """Whether all that is asked of a partition can be answered where it is, and as if its rows had come here."""
    if request.rules.segments or any(model.predict is not None for model in request.models):
        return False
    columns, known = marked.relation.columns, request.rules.schema
    if not all(map(transfer.unchanged, columns)) or (known is not None and known != columns):
        return False
    asked = judge.prepare(replace(request.rules, source_of=None), columns, request.now, PostgreSQL.name)
    return all(constraint.inconclusive is None for constraint in asked.compiled)
