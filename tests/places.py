"""Where a workspace of a test lies: a folder, or a schema of a real PostgreSQL server with its files in a folder.

``INTERLOCK_TEST_PLACE=postgres`` puts there whatever else would lie in a folder.
"""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from interlock.catalog import Writer
from tests.postgres import Server

KINDS = ("sqlite", "postgres")
IN_A_FOLDER = pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # about that kind's file
DEFAULT = os.environ.get("INTERLOCK_TEST_PLACE", "sqlite")
_count = itertools.count(1)


def of(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """A place for a new workspace with its files in ``folder``, as `interlock.open` takes it."""
    if kind == "sqlite":
        return str(folder)
    server: Server = request.getfixturevalue("postgres")
    return address(server, folder, f'Tom\'s "{next(_count)}" %d ü\\;')


def address(server: Server, folder: Path, schema: str) -> str:
    """A schema, called so, of the server's database."""
    return f"{server.url()}?schema={quote(schema, safe='')}&data={quote(str(folder), safe='')}"


def said(tx: Writer, statement: str) -> str:
    """SQLite's statement in the words of the database at hand: bytes."""
    if tx.connection.dialect.name == "sqlite":
        return statement
    return re.sub(r"x'([0-9a-f]*)'", r"'\\x\1'", statement)
