"""A workspace in which everything has happened that a verification knows of."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import interlock
from interlock import Workspace
from interlock.catalog import clock
from interlock.errors import DeleteRefused
from interlock.gates.delete import approval
from interlock.vault.stores import opened
from tests.vault import stories


def lived_in(place: str, folder: Path) -> None:
    """Tables with verdicts, alerts and an acceptance; versions of each kind and state; a replica in ``folder``."""
    with interlock.open(place) as ws:
        flights = ws.table("flights", partition="day")
        for day in range(1, 4):
            label = f"2013-01-0{day}"
            flights.write(pd.DataFrame({"day": [label] * 3, "delay": [1, 2, 3 * day]}), label)
        flights.accept("2013-01-02", "a new normal")
        stories.fill(ws.vault, folder)
        ws.vault.snapshot("train/$flights ü", "flights")
        ws.vault.alias("ranker@v2", "champion")
        ws.vault.rename("runs/log", "runs/renamed")
        ended = ws.vault.put_file("runs/ended", b"z" * 10)
        ws.vault.delete(ended.ref)
        with clock.at(clock.now() + dt.timedelta(days=31)):
            with pytest.raises(DeleteRefused) as asked:
                ws.vault.purge(ended.ref)
            approval.approve(replace(ws.vault.gate, who="kim"), str(asked.value.request))
        ws.vault.set_replica(str(folder / "replica"))
        assert ws.vault.replicate().ok
        ws.project()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lived-in")
    lived_in(str(folder / "workspace"), folder)
    return folder


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """The folder of a workspace of the test's own."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return tmp_path / "workspace"


@pytest.fixture
def ws(folder: Path) -> Iterator[Workspace]:
    with interlock.open(folder) as workspace:
        with workspace.site.catalog.write() as tx:
            opened.set_address(tx, opened.REPLICA, str(folder.parent / "replica"))
        yield workspace
