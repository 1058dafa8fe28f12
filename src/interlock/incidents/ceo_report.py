"""``interlock incident ceo-report``: an analyst's plain query on a poisoned column.

The same customers as in `negative_ages`, a year on: nobody enforces anything yet, so the broken day is published with
an alert. The analyst has never heard of Interlock and asks for the average age. With INTERLOCK_POSTGRES_URL the table
is in that database, in a schema of its own that goes again, and the client is a plain one; without it the
analyst asks the embedded workspace.
"""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import interlock
from interlock import settings
from interlock.errors import HealthWarning
from interlock.incidents import negative_ages

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from rich.console import RenderableType

    from interlock.workspace import Workspace

SCHEMA = "interlock_ceo_report"
LAST = f"DATE '2024-03-01' + {negative_ages.DAYS - 1}"
QUERY = f"SELECT avg(age) FROM {{}} WHERE day = {LAST}"
HEALTHY = f"SELECT count(DISTINCT country) FROM {{}} WHERE day = {LAST}"

Asked = tuple[float, list[str]]  # the answer, and what was said beside it


@dataclass(frozen=True, slots=True)
class CeoReport:
    """What the analyst was told with and without the gate; prints itself with Rich.

    ``client``: ``PostgreSQL`` or ``the embedded workspace``. ``said`` are the warnings of the one query on the
    broken column, ``said_of_healthy`` those of a query on another.
    """

    client: str
    query: str
    truth: float
    answer: float
    said_without: list[str]
    said: list[str]
    said_of_healthy: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def __rich__(self) -> RenderableType:
        from interlock.incidents.shown import ceo_report

        return ceo_report(self)


def run() -> CeoReport:
    """Tell the story in a temporary workspace, and in a schema of its own where a database is given. Takes seconds."""
    import duckdb

    url = settings.current().postgres_url
    with duckdb.connect() as connection, tempfile.TemporaryDirectory() as folder:
        negative_ages.prepare(connection)
        connection.execute("CREATE TABLE customers AS FROM history UNION ALL FROM broken")
        (truth,) = connection.sql("SELECT avg(age) FROM last_day").fetchall()[0]
        with interlock.open(Path(folder) / "workspace") as ws:
            table = ws.table("customers", partition="day", key=["customer_id"])
            table.backfill(connection.sql("FROM history"))
            table.write(connection.sql("FROM broken"))
            if url:
                return _in_database(url, ws, connection.sql("FROM customers").fetchall(), float(truth))
            return _embedded(ws, float(truth))


def _embedded(ws: Workspace, truth: float) -> CeoReport:
    def ask(query: str, on_broken: str) -> Asked:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", HealthWarning)
            answer = ws.sql(query.format("customers"), on_broken=on_broken).fetchall()[0][0]
        return float(answer), [str(w.message) for w in caught if w.category is HealthWarning]

    return _told(
        "the embedded workspace", "customers", truth, lambda q: ask(q, "ignore"), lambda q: ask(q, "warn")
    )


def _in_database(url: str, ws: Workspace, rows: list[Any], truth: float) -> CeoReport:
    from interlock.engines import postgres
    from interlock.gates import native
    from interlock.gates.native import reads, standing
    from interlock.names import GuardReads
    from interlock.workspace.marked import marks

    table = f"{SCHEMA}.customers"
    with postgres.connected(url) as db, _own_schema(db):
        db.execute(f"CREATE TABLE {table} (day date, customer_id bigint, age integer, country text)")
        with db.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        relation = postgres.relation(db, table)
        native.change(db, lambda: reads.guarded(db, relation, GuardReads.VIEW))
        reads.publish(db, relation, "customers", marks(ws.site, "customers"))
        try:
            return _told(
                "PostgreSQL",
                f"{table}_checked",
                truth,
                lambda query: _plain(url, query.format(table)),
                lambda query: _plain(url, query.format(f"{table}_checked")),
            )
        finally:
            native.change(
                db,
                lambda: native.uninstall(standing.of(db, relation), reads.unguarded(reads.of(db, relation))),
            )


@contextlib.contextmanager
def _own_schema(db: psycopg.Connection[Any]) -> Iterator[None]:
    """A schema that nobody had, for as long as the story lasts."""
    db.execute(f"CREATE SCHEMA {SCHEMA}")
    try:
        yield
    finally:
        db.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def _plain(url: str, query: str) -> Asked:
    """A client that knows nothing of Interlock: the answer, and what the server said beside it."""
    from interlock.engines import postgres

    said: list[str] = []
    with postgres.connected(url) as db:
        db.add_notice_handler(lambda n: said.append(f"{n.severity}:  {n.message_primary}"))
        row = db.execute(query.encode()).fetchone()
        assert row is not None
        return float(row[0]), said


def _told(
    client: str, table: str, truth: float, without: Callable[[str], Asked], guarded: Callable[[str], Asked]
) -> CeoReport:
    _, nothing = without(QUERY)
    answer, said = guarded(QUERY)
    return CeoReport(
        client=client,
        query=QUERY.format(table),
        truth=truth,
        answer=answer,
        said_without=nothing,
        said=said,
        said_of_healthy=guarded(HEALTHY)[1],
    )
