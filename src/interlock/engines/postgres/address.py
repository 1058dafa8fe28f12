"""Where an attached table is in PostgreSQL: ``postgresql://USER@HOST:PORT/DATABASE#RELATION``, never a password.

Both parts may be left out: ``postgresql://`` is a relation of the table's name, in the database that a command is
given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from interlock.errors import UsageError

_SCHEMES = ("postgresql://", "postgres://")
_HOST = r"(?:[^:/?#@,\[\]]*|\[[0-9a-fA-F:.]*\])(?::\d*)?"
_PLAIN = re.compile(rf"postgres(?:ql)?://(?:[^:/?#@]*@)?{_HOST}(?:,{_HOST})*(?:/[^?#@:]*)?(?:\?[^#@:]*)?")
_SECRET = re.compile(r"[?&]\s*(?:ssl)?password\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """``url`` of the database and ``relation`` as SQL writes it; None: not said."""

    url: str | None
    relation: str | None


def is_one(location: str | None) -> bool:
    return location is not None and location.startswith(_SCHEMES)


def of(location: str | None) -> Address:
    """What a contract says of the place; nothing where the table is not in PostgreSQL. Raises `UsageError`."""
    return parse(location) if location is not None and is_one(location) else Address(None, None)


def parse(location: str) -> Address:
    """The parts of an address that is kept in a file. Raises `UsageError` where a password is in it."""
    url, _, relation = location.partition("#")
    if not _PLAIN.fullmatch(url) or _SECRET.search(url):
        raise UsageError(
            "this is no PostgreSQL address, or one with a password, which no contract and no workspace shall hold",
            hint="write postgresql://USER@HOST:PORT/DATABASE#TABLE, and put the password in ~/.pgpass",
        )
    return Address(None if url in _SCHEMES else url, relation or None)
