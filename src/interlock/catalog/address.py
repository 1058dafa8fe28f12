"""Addresses of workspaces in PostgreSQL: ``postgresql://USER@HOST:PORT/DATABASE?schema=NAME&data=FOLDER``."""

from __future__ import annotations

import os
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, Self

from interlock.errors import ExtraMissing, UsageError

SCHEMA = "interlock_workspace"
RESERVED = ("interlock", "information_schema")  # the first holds the functions of rules
NAME_BYTES_MAX = 63  # of a PostgreSQL identifier
_OURS = {"schema", "data"}  # parameters of an address that are not PostgreSQL's


def is_address(place: str | os.PathLike[str]) -> bool:
    """Whether this is the address of something, and not a path."""
    return "://" in os.fspath(place)


@dataclass(frozen=True, slots=True)
class Address:
    """A database and the schema in it. ``data``: where this machine finds the folder, if the address says so."""

    options: dict[str, Any] = field(repr=False)
    schema: str
    data: str | None
    where: str

    @classmethod
    def of(cls, url: str) -> Self:
        """``postgresql://USER@HOST:PORT/DATABASE?schema=NAME``. No error repeats what was given: it may be secret."""
        try:
            from psycopg import ProgrammingError, conninfo
        except ImportError:
            raise ExtraMissing("PostgreSQL needs psycopg", hint="pip install 'interlock[postgres]'") from None
        if not url.startswith(("postgresql://", "postgres://")):
            raise UsageError(
                f"{url.partition('://')[0]}:// is no workspace",
                hint="workspaces live in a local folder or in PostgreSQL: postgresql://USER@HOST/DATABASE",
            )
        base, _, query = url.partition("?")
        given = [part.partition("=") for part in query.split("&") if part]
        ours = {name: urllib.parse.unquote(value) for name, _, value in given if name in _OURS}
        theirs = "&".join(f"{name}{sign}{value}" for name, sign, value in given if name not in _OURS)
        try:
            options = conninfo.conninfo_to_dict(f"{base}?{theirs}" if theirs else base)
        except ProgrammingError:
            raise UsageError(
                "this is no PostgreSQL address", hint="write postgresql://USER@HOST:PORT/DATABASE?schema=NAME"
            ) from None
        host, database = str(options.get("host") or "the local socket"), str(options.get("dbname") or "")
        if "@" in host + database:  # part of a password
            raise UsageError(
                "this address has more than one @",
                hint="write @, / and : of a password as %40, %2F and %3A",
            )
        schema = _schema(ours.get("schema", SCHEMA))
        port = f":{options['port']}" if options.get("port") else ""
        where = f"{host}{port}, database {database or 'of the user'}, schema {schema}"
        return cls(dict(options), schema, ours.get("data"), where)


def _schema(name: str) -> str:
    if not name or "\0" in name or len(name.encode()) > NAME_BYTES_MAX:
        raise UsageError(
            f"{name!r} cannot name a schema", hint=f"1 to {NAME_BYTES_MAX} bytes, such as ?schema=fraud"
        )
    if name in RESERVED or name.startswith("pg_"):
        raise UsageError(f"the schema {name!r} is not for a workspace", hint="choose another: ?schema=fraud")
    return name
