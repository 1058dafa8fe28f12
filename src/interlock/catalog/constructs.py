"""Pieces of statements that SQLite and PostgreSQL write differently."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class dated(FunctionElement[bool]):
    """Whether a text begins with a date, as ISO 8601 writes it."""

    inherit_cache = True
    type = Boolean()


class members(FunctionElement[Any]):
    """The ``key`` and ``value`` of each member of a JSON object of texts, as rows."""

    inherit_cache = True


class elements(FunctionElement[Any]):
    """The ``value`` of each element of a JSON array of texts, as rows."""

    inherit_cache = True


class loudest(FunctionElement[str]):
    """The title of the loudest ticket or page in a verdict's document, other than false alarms; NULL without one."""

    inherit_cache = True
    type = Text()


_FALSE_ALARMS = "SELECT 'A' || id FROM interlock_alert WHERE feedback = 'false_alarm'"

# {0} is the argument. PostgreSQL's json has no NUL in a text it is to give out; U+FFFD stands for it.
_SQLITE = {
    dated: "({0} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*')",
    members: "json_each({0})",
    elements: "json_each({0})",
    loudest: (
        "(SELECT json_extract(a.value, '$.title') FROM json_each({0}, '$.alerts') a"
        " WHERE json_extract(a.value, '$.severity') IN ('page', 'ticket')"
        " AND coalesce(json_extract(a.value, '$.id'), '') NOT IN ({false_alarms})"
        " ORDER BY json_extract(a.value, '$.severity') = 'ticket', a.key LIMIT 1)"
    ),
}
_POSTGRES = {
    dated: "({0} ~ '^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]')",
    members: "json_each_text(CAST({0} AS json))",
    elements: "json_array_elements_text(CAST({0} AS json))",
    loudest: (
        "(SELECT a.alert ->> 'title' FROM json_array_elements(CAST("
        r"regexp_replace({0}, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')"
        " AS json) -> 'alerts') WITH ORDINALITY AS a (alert, place)"
        " WHERE a.alert ->> 'severity' IN ('page', 'ticket')"
        " AND coalesce(a.alert ->> 'id', '') NOT IN ({false_alarms})"
        " ORDER BY a.alert ->> 'severity' = 'ticket', a.place LIMIT 1)"
    ),
}


def _write(dialect: str, construct: type[FunctionElement[Any]], sql: str) -> None:
    @compiles(construct, dialect)
    def _written(element: Any, compiler: Any, **options: Any) -> str:
        (argument,) = element.clauses
        return sql.format(compiler.process(argument, **options), false_alarms=_FALSE_ALARMS)


for _dialect, _written in (("sqlite", _SQLITE), ("postgresql", _POSTGRES)):
    for _construct, _sql in _written.items():
        _write(_dialect, _construct, _sql)
