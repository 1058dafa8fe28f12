"""A workspace with a ledger of a few entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.catalog import Catalog, outbox
from interlock.ledger import Ledger
from tests import places


@pytest.fixture(params=places.KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return places.of(request.param, tmp_path / "workspace", request)


@pytest.fixture
def catalog(place: str) -> Iterator[Catalog]:
    with Catalog.create(place) as made:
        yield made


@pytest.fixture
def ledger(catalog: Catalog) -> Ledger:
    return Ledger(catalog.folder / "ledger")


def append(catalog: Catalog, count: int, kind: str = "note") -> None:
    with catalog.write() as tx:
        outbox.append_all(tx, [(kind, {"n": n, "text": "ü" * (n % 5)}) for n in range(count)])
