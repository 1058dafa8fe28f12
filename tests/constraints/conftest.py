from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import pytest

from tests.constraints.place import Place


@pytest.fixture
def place() -> Iterator[Callable[..., Place]]:
    """``place("SELECT …")`` makes the table to judge."""
    with duckdb.connect(config={"threads": 1}) as connection:
        yield lambda query, other=None: Place(connection, query, other)
