"""The read gate: a view through which whoever reads a broken column is warned, in the client that they use.

The view has the relation's columns. A broken one is ``CASE WHEN (SELECT interlock.warn(12)) THEN c ELSE c END``:
PostgreSQL evaluates that once a query, and only where the column is read. Where the table as a whole is broken the same
stands in ``WHERE``. With nothing broken it is a plain view, which PostgreSQL plans as it plans the table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from interlock.constraints.postgres import SCHEMA
from interlock.engines.postgres import Relation
from interlock.errors import ColumnMissing, DatabaseRefused, RelationNotFound, nearest
from interlock.gates.native import quoting, standing, statements
from interlock.gates.native.standing import OURS
from interlock.gates.native.trigger import sealed
from interlock.names import GuardReads

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[Any]

_COMMENT = OURS + "reads "
_INVOKER = 150_000  # the version from which a view may read as whoever reads it
_SEAL = (
    "SELECT md5(concat_ws(' ', pg_get_viewdef(c.oid), c.reloptions, (SELECT string_agg(pg_get_ruledef(r.oid), ' ')"
    " FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'))) FROM pg_class c WHERE c.oid ="
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A broken column of a relation; empty: the table as a whole. ``alert`` None: marked by hand."""

    column: str
    since: str
    what: str
    ask: str = ""
    alert: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """A view that stands. ``relation`` is what it reads, ``name`` the view's own, in the same schema."""

    relation: Relation
    mode: GuardReads
    name: str
    digest: str = ""
    columns: tuple[tuple[str, str], ...] = ()  # with their types
    defaults: tuple[str, ...] = ()  # columns that the view has one of its own for

    @property
    def on(self) -> str:
        return f"{quoting.name(self.relation.schema)}.{quoting.name(self.name)}"

    def __str__(self) -> str:
        return f"{self.relation.schema}.{self.name}"


def named(relation: Relation, mode: GuardReads) -> tuple[str, str]:
    """What the table is called beside its view, and the view."""
    if mode is GuardReads.SWAP:
        return quoting.shortened(f"{relation.name}_unchecked"), relation.name
    return relation.name, quoting.shortened(f"{relation.name}_checked")


def renamed(connection: Connection, relation: Relation, mode: GuardReads | None) -> Relation:
    """The relation as it will be called: a trigger made under another name would look as if it had been changed."""
    if mode is not GuardReads.SWAP or of(connection, relation) is not None:
        return relation
    return replace(relation, name=named(relation, mode)[0])


# --- what stands --------------------------------------------------------------------------


def behind(connection: Connection, relation: Relation) -> Relation:
    """The table that a guarded view of ours reads; any other relation as it is."""
    if relation.kind != "v":
        return relation
    from interlock.engines import postgres

    row = connection.execute(
        "SELECT t.oid FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid"
        " AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass JOIN pg_class t ON"
        " t.oid = d.refobjid AND t.relkind IN ('r', 'p') JOIN pg_class v ON v.oid = r.ev_class"
        " AND v.relowner = t.relowner AND v.relnamespace = t.relnamespace WHERE v.oid = %(oid)s"
        f" AND obj_description(v.oid, 'pg_class') LIKE '{_COMMENT}%%' LIMIT 1",
        {"oid": relation.oid},
    ).fetchone()
    return relation if row is None else postgres.relation_of(connection, row[0])


def of(connection: Connection, relation: Relation) -> Guard | None:
    """The view of ours that reads a relation; None where there is none. One of another owner is none of ours."""
    with connection.transaction():
        connection.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        row = connection.execute(
            f"""
            SELECT v.relname, obj_description(v.oid, 'pg_class'), ({_SEAL} v.oid),
                (SELECT array_agg(ARRAY[attname, format_type(atttypid, atttypmod)] ORDER BY attnum)
                 FROM pg_attribute WHERE attrelid = v.oid AND attnum > 0 AND NOT attisdropped),
                (SELECT array_agg(attname ORDER BY attnum) FROM pg_attribute
                 WHERE attrelid = v.oid AND attnum > 0 AND atthasdef)
            FROM pg_class v JOIN pg_class t ON t.oid = %(oid)s AND t.relowner = v.relowner
                AND t.relnamespace = v.relnamespace
            WHERE v.relkind = 'v' AND obj_description(v.oid, 'pg_class') LIKE '{_COMMENT}%%'
                AND v.oid IN (SELECT r.ev_class FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid
                    AND d.classid = 'pg_rewrite'::regclass WHERE d.refclassid = 'pg_class'::regclass
                    AND d.refobjid = %(oid)s)
            ORDER BY v.oid LIMIT 1
            """,
            {"oid": relation.oid},
        ).fetchone()
    if row is None:
        return None
    name, comment, seal, columns, defaults = row
    mode, _, made = comment.removeprefix(_COMMENT).partition(" ")
    digest, _, was = made.partition(" ")
    intact = digest if was == seal else ""
    return Guard(relation, GuardReads(mode), name, intact, tuple(map(tuple, columns)), tuple(defaults or ()))


def marks(connection: Connection, relation: Relation) -> tuple[Mark, ...]:
    """What of a relation is marked as broken, by column."""
    if not _has_table(connection):
        return ()
    rows = connection.execute(
        f"SELECT column_name, since, what, ask, alert, id FROM {SCHEMA}.broken WHERE relation = %s ORDER BY 1",
        [relation.oid],
    ).fetchall()
    return tuple(Mark(*row) for row in rows)


def _has_table(connection: Connection) -> bool:
    row = connection.execute(f"SELECT to_regclass('{SCHEMA}.broken') IS NOT NULL").fetchone()
    return bool(row and row[0])


# --- making it stand ----------------------------------------------------------------------


def guarded(
    connection: Connection, relation: Relation, mode: GuardReads | None, version: int | None = None
) -> list[str]:
    """The statements that make the view stand as it should; none where it does.

    ``mode`` None: as it stands, if it does. ``version`` is the server's. Raises `DatabaseRefused` and
    `RelationNotFound` where a view must not or cannot stand.
    """
    there = of(connection, relation)
    if there is None and mode is None:
        return []
    if there is not None and mode not in (None, there.mode):
        raise RelationNotFound(
            f"{relation} is read through {there} already",
            hint="interlock uninstall first, then the other way",
        )
    server = connection.info.server_version if version is None else version
    _supported(connection, relation, server)
    wanted = _wanted(relation, there.mode if there else mode or GuardReads.VIEW)
    made = [] if there else list(_named_apart(connection, relation, wanted))
    base = replace(relation, name=named(relation, wanted.mode)[0]) if there is None else relation
    text = _view(connection, base, wanted.mode, marks(connection, relation), server)
    name = there.on if there else wanted.on
    if there is not None and there.digest == text.digest:
        return _grants(connection, relation, there, name, wanted.mode, text.invoker)
    if there is not None and not text.extends(there):
        made.append(f"DROP VIEW {name}")
        there = None
    made += text.create(name, there, wanted.mode)
    return made + _grants(connection, relation, there, name, wanted.mode, text.invoker)


def unguarded(there: Guard | None) -> list[str]:
    """The statements that take the view off, give the table its name back and forget what was marked."""
    if there is None:
        return []
    made = [f"DROP VIEW {there.on}"]
    if there.mode is GuardReads.SWAP:
        made.append(f"ALTER TABLE {quoting.relation(there.relation)} RENAME TO {quoting.name(there.name)}")
    forget = (
        f"BEGIN IF to_regclass('{SCHEMA}.broken') IS NOT NULL THEN"
        f" DELETE FROM {SCHEMA}.broken WHERE relation = {there.relation.oid}; END IF; END"
    )
    return [*made, f"DO {quoting.text(forget)}"]


def _wanted(relation: Relation, mode: GuardReads) -> Guard:
    return Guard(relation, mode, named(relation, mode)[1])


def _supported(connection: Connection, relation: Relation, version: int) -> None:
    if relation.kind not in ("r", "p"):
        raise RelationNotFound(f"{relation} is no table", hint="the read gate stands before tables")
    row = connection.execute("SELECT relrowsecurity FROM pg_class WHERE oid = %s", [relation.oid]).fetchone()
    if row and row[0] and version < _INVOKER:
        raise DatabaseRefused(
            f"{relation} has row-level security, which a view would go past before PostgreSQL 15",
            hint="nothing was changed; guard its readers after an upgrade",
        )


def _named_apart(connection: Connection, relation: Relation, wanted: Guard) -> Iterator[str]:
    """Both names are free, or the table gives up its own. Raises `RelationNotFound`."""
    table, view = named(relation, wanted.mode)
    for name in {table, view} - {relation.name}:
        place = f"{quoting.name(relation.schema)}.{quoting.name(name)}"
        taken = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [place]).fetchone()
        if taken and taken[0]:
            raise RelationNotFound(
                f"{relation.schema}.{name} is there already", hint="rename it; nothing was changed"
            )
    if table != relation.name:
        yield f"ALTER TABLE {quoting.relation(relation)} RENAME TO {quoting.name(table)}"


@dataclass(frozen=True, slots=True)
class _Text:
    """What a view is made from. ``insert`` is a rule's action, for views that PostgreSQL would not write through.

    ``invoker``: PostgreSQL asks for the reader's own privileges on the table, of every column that the view shows.
    So not where some hold privileges of some columns: then the view reads as its owner, by privileges of its own.
    """

    select: str
    columns: tuple[tuple[str, str], ...]
    invoker: bool
    insert: str | None
    defaults: tuple[tuple[str, str], ...]
    owner: str

    @property
    def digest(self) -> str:
        whole = [self.select, str(self.invoker), self.insert or "", self.owner, *map(str, self.defaults)]
        return hashlib.sha256("\0".join(whole).encode()).hexdigest()[:16]

    def extends(self, there: Guard) -> bool:
        """Whether PostgreSQL can put it in that view's place: the same columns, or more behind them."""
        return there.columns == self.columns[: len(there.columns)]

    def create(self, name: str, there: Guard | None, mode: GuardReads) -> Iterator[str]:
        if there is not None:
            yield f"DROP RULE IF EXISTS interlock_insert ON {name}"
            for column in there.defaults:
                yield f"ALTER VIEW {name} ALTER COLUMN {quoting.name(column)} DROP DEFAULT"
        option = " WITH (security_invoker = true)" if self.invoker else ""
        yield f"CREATE OR REPLACE VIEW {name}{option} AS {self.select}"
        yield f"ALTER VIEW {name} OWNER TO {quoting.name(self.owner)}"
        for column, default in self.defaults:
            yield f"ALTER VIEW {name} ALTER COLUMN {quoting.name(column)} SET DEFAULT {default}"
        if self.insert is not None:
            yield f"CREATE RULE interlock_insert AS ON INSERT TO {name} DO INSTEAD {self.insert}"
        yield sealed(
            f"VIEW {name}", f"reads {mode.value} {self.digest}", f"{_SEAL} {quoting.text(name)}::regclass"
        )


def _view(
    connection: Connection, base: Relation, mode: GuardReads, broken: Sequence[Mark], version: int
) -> _Text:
    rows = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod), attgenerated <> '' OR attidentity = 'a', attidentity = 'd',"
        " pg_get_expr(adbin, adrelid), relrowsecurity, attacl IS NOT NULL FROM pg_attribute"
        " JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
        " WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [base.oid],
    ).fetchall()
    ids = {m.column: m.id for m in broken}
    place = quoting.relation(base)
    shown = ", ".join(_column(name, ids.get(name)) for name, *_ in rows)
    whole = f" WHERE {_warned(ids[''])}" if "" in ids else ""
    invoker = version >= _INVOKER and (any(r[5] for r in rows) or not any(r[6] for r in rows))
    insert: str | None = None
    defaults: tuple[tuple[str, str], ...] = ()
    # A rule writes as the table's owner, who needs no sequence's grant and whom row security lets pass: none for these.
    if mode is GuardReads.SWAP and any(r[0] in ids for r in rows) and not any(r[3] or r[5] for r in rows):
        own = [quoting.name(r[0]) for r in rows if not r[2]]
        given, back = ", ".join(f"NEW.{c}" for c in own), ", ".join(quoting.name(r[0]) for r in rows)
        insert = f"INSERT INTO {place} ({', '.join(own)}) VALUES ({given}) RETURNING {back}"
        defaults = tuple((r[0], r[4]) for r in rows if r[4] is not None and not r[2])
    columns = tuple((name, type_) for name, type_, *_ in rows)
    return _Text(f"SELECT {shown} FROM {place}{whole}", columns, invoker, insert, defaults, base.owner)


def _column(name: str, id: int | None) -> str:
    quoted = quoting.name(name)
    # Both branches are the column: so it keeps its exact type, and its value whatever the function says.
    return quoted if id is None else f"CASE WHEN {_warned(id)} THEN {quoted} ELSE {quoted} END AS {quoted}"


def _warned(id: int | None) -> str:
    return f"(SELECT {SCHEMA}.warn({id:d}))"


_GRANTS = """
SELECT CASE grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(grantee) END, privilege_type, is_grantable, col FROM (
    SELECT (aclexplode(coalesce(relacl, acldefault('r', relowner)))).*, NULL AS col FROM pg_class WHERE oid = %(oid)s
    UNION ALL SELECT (aclexplode(attacl)).*, attname FROM pg_attribute WHERE attrelid = %(oid)s AND attnum > 0
        AND NOT attisdropped AND attacl IS NOT NULL
) a WHERE grantee <> (SELECT relowner FROM pg_class WHERE oid = %(oid)s) ORDER BY 1, 2, 3, 4
"""
_CARRIED = {GuardReads.VIEW: ("SELECT",), GuardReads.SWAP: ("SELECT", "INSERT", "UPDATE", "DELETE")}
_Grant = tuple[str | None, str, bool, str | None]


def _grants(
    connection: Connection,
    relation: Relation,
    there: Guard | None,
    view: str,
    mode: GuardReads,
    invoker: bool,
) -> list[str]:
    """The table's privileges for the view as well; where it reads as its owner, what was taken from a reader is too."""
    wanted = _granted(connection, relation.oid, _CARRIED[mode])
    held: list[_Grant] = []
    if there is not None:
        row = connection.execute("SELECT to_regclass(%s)::oid", [view]).fetchone()
        held = _granted(connection, row[0], _CARRIED[mode]) if row and row[0] else []
    made = [_grant(view, g) for g in wanted if g not in held]
    if mode is GuardReads.VIEW and not invoker:
        made += [_revoke(view, g) for g in held if g not in wanted]
    return made


def _granted(connection: Connection, oid: int, of: Collection[str]) -> list[_Grant]:
    return [g for g in connection.execute(_GRANTS, {"oid": oid}).fetchall() if g[1] in of]


def _grant(view: str, grant: _Grant) -> str:
    grantee, privilege, grantable, column = grant
    return f"GRANT {privilege}{_of(column)} ON {view} TO {_role(grantee)}{' WITH GRANT OPTION' if grantable else ''}"


def _revoke(view: str, grant: _Grant) -> str:
    return f"REVOKE {grant[1]}{_of(grant[3])} ON {view} FROM {_role(grant[0])}"


def _of(column: str | None) -> str:
    return "" if column is None else f" ({quoting.name(column)})"


def _role(name: str | None) -> str:
    return "PUBLIC" if name is None else quoting.name(name)


# --- what is broken -----------------------------------------------------------------------


def mark(connection: Connection, relation: Relation, table: str, found: Sequence[Mark]) -> None:
    """Say that these columns are broken, and let the view warn of them.

    Raises `ColumnMissing`, and `RelationNotFound` where nobody reads the relation through a view of ours.
    """
    _known(relation, found)

    def put() -> Sequence[str]:
        _prepared(connection, relation)
        _put(connection, relation, table, found)
        return guarded(connection, relation, None)

    statements.change(connection, put)


def clear(connection: Connection, relation: Relation, column: str | None = None) -> int:
    """Say that a column (all of them, where none is named) is healthy again; how many were marked."""
    gone = [m.id for m in marks(connection, relation) if column is None or m.column == column]

    def forget() -> Sequence[str]:
        connection.execute(f"DELETE FROM {SCHEMA}.broken WHERE id = ANY(%s)", [gone])
        return guarded(connection, relation, None)

    if gone:
        statements.change(connection, forget)
    return len(gone)


def publish(connection: Connection, relation: Relation, table: str, found: Sequence[Mark]) -> tuple[int, int]:
    """Let what is marked by alerts be exactly ``found``; how many are marked now, and how many were healed.

    What somebody marked by hand stays as it is. Columns that the relation lacks are passed over.
    """
    known = {c.name for c in relation.columns} | {""}
    here = [m for m in found if m.column in known]
    before = marks(connection, relation)
    by_hand = {m.column for m in before if m.alert is None}
    wanted = [m for m in here if m.column not in by_hand]
    healed = [m.id for m in before if m.alert is not None and m.column not in {w.column for w in wanted}]

    def put() -> Sequence[str]:
        _prepared(connection, relation)
        connection.execute(f"DELETE FROM {SCHEMA}.broken WHERE id = ANY(%s)", [healed])
        _put(connection, relation, table, wanted)
        return guarded(connection, relation, None)

    there = {_said(m) for m in before if m.alert is not None}
    if there != {_said(m) for m in wanted}:
        statements.change(connection, put)
    return len(wanted), len(healed)


def _said(mark: Mark) -> tuple[str, ...]:
    return mark.column, mark.since, mark.what, mark.ask, mark.alert or ""


def _prepared(connection: Connection, relation: Relation) -> None:
    if of(connection, relation) is None:
        raise RelationNotFound(
            f"nobody reads {relation} through the read gate",
            hint="interlock install TABLE --guard-reads view",
        )
    for statement in statements.functions(standing.functions_there(connection)):
        connection.execute(statement)


def _put(connection: Connection, relation: Relation, table: str, found: Sequence[Mark]) -> None:
    for m in found:
        connection.execute(
            f"INSERT INTO {SCHEMA}.broken (relation, column_name, table_name, since, what, ask, alert)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (relation, column_name) DO UPDATE SET"
            " table_name = EXCLUDED.table_name, since = EXCLUDED.since, what = EXCLUDED.what, ask = EXCLUDED.ask,"
            " alert = EXCLUDED.alert",
            [relation.oid, m.column, table, m.since, m.what, m.ask, m.alert],
        )


def _known(relation: Relation, found: Sequence[Mark]) -> None:
    names = [c.name for c in relation.columns]
    for m in found:
        if m.column and m.column not in names:
            raise ColumnMissing(f"{relation} has no column {m.column!r}", hint=nearest(m.column, names))
