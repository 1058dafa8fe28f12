"""What a PostgreSQL server warns of, shown in Python: `HealthWarning` in the line that asked.

Needs none of the libraries it serves: what it is given brings its own.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from typing import Any, TypeVar

from interlock.errors import HealthWarning, UsageError

STATE = "01ILK"  # the SQLSTATE of our warnings; warn.sql raises them
_OURS = re.compile(r"interlock: (?P<what>.* (?:is|are) broken since (?P<since>.*?): .*)", re.DOTALL)
_ALERT = re.compile(r"interlock alerts show (A\d+)")

T = TypeVar("T")


def show_warnings(source: T) -> T:
    """Show as `HealthWarning` what a PostgreSQL server warns of when a query reads a broken column.

    ``source`` is a SQLAlchemy engine or connection (with psycopg or psycopg2, asynchronous ones too) or a connection
    of psycopg or psycopg2, and is returned. Of an engine every connection shows them, also those made later; so does
    ``pandas.read_sql`` on it. Twice is as good as once, and other notices stay as they were. Raises `UsageError`
    for anything else.
    """
    engine: Any = getattr(source, "sync_engine", source)
    if hasattr(engine, "pool") and engine.dialect.name == "postgresql":
        _engine(engine)
        return source
    wrapped = getattr(getattr(source, "sync_connection", None) or source, "connection", None)
    if _connection(source) or _connection(getattr(wrapped, "driver_connection", None)):
        return source
    raise UsageError(
        f"{type(source).__name__} shows no notices of a PostgreSQL server",
        hint="give a SQLAlchemy engine, or a connection of psycopg or psycopg2",
    )


def _engine(engine: Any) -> None:
    from sqlalchemy import event

    if not event.contains(engine, "checkout", _checked_out):
        event.listen(engine, "checkout", _checked_out)


def _checked_out(dbapi_connection: Any, record: Any, proxy: Any) -> None:
    _connection(getattr(dbapi_connection, "driver_connection", dbapi_connection))


def _connection(connection: Any) -> bool:
    """Whether it is one that tells of notices; it shows them from now on."""
    if hasattr(connection, "add_notice_handler"):  # psycopg
        with contextlib.suppress(ValueError):
            connection.remove_notice_handler(_noticed)
        connection.add_notice_handler(_noticed)
        return True
    if hasattr(connection, "notices") and type(connection).__module__.startswith("psycopg2"):
        if not isinstance(connection.notices, _Notices):
            connection.notices = _Notices(connection.notices)
        return True
    return False


def _noticed(notice: Any) -> None:
    if notice.sqlstate == STATE:
        _show(notice.message_primary or "", notice.message_hint or "", notice.table_name, notice.column_name)


class _Notices(list[str]):
    """The list in which psycopg2 keeps notices, as texts in the server's language: ours are known by how they begin."""

    def append(self, notice: str) -> None:
        super().append(notice)
        del self[:-50]  # as many as psycopg2 keeps
        message, *rest = notice.rstrip("\n").split("\n")
        ours = _OURS.search(message)
        if ours is not None:
            hint = rest[0].partition(":")[2].strip() if rest else ""
            _show(ours[0], hint, None, None)

    def extend(self, notices: Iterable[str]) -> None:
        for notice in notices:
            self.append(notice)


def _show(message: str, hint: str, table: str | None, column: str | None) -> None:
    ours, alert = _OURS.fullmatch(message), _ALERT.search(hint)
    what = ours["what"] if ours is not None else message
    HealthWarning(
        f"{what}. {hint}" if hint else what,
        table=table,
        columns=(column,) if column else (),
        since=ours["since"] if ours is not None else None,
        alert=alert[1] if alert is not None else None,
    ).show()
