"""What a process does with very many models; see `benchmarks.vault.ours`, and `benchmarks.vault.catalog` for why.

The rows are written into the catalog in bulk, without files: what is measured reads and changes rows alone.
Half of the models lie in folders of a hundred, the other half in one folder, as an import leaves them.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import insert

from interlock import Workspace
from interlock.catalog.vault import aliases
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.records import Kind, VersionState
from interlock.errors import DeleteRefused

SEED = 20_130_208
PAGE = 100
CALLS = 100  # of each kind
FLAT = "imported"


def fill(ws: Workspace, models: str, each: str) -> Callable[[], None]:
    """So many models with so many versions, one of which is their champion."""
    of_each = range(1, int(each) + 1)

    def rows() -> None:
        with ws.site.catalog.write() as tx:
            made = {
                "kind": Kind.MODEL.value,
                "next_version": int(each) + 1,
                "owner": "me",
                "created_at": tx.now,
            }
            wanted = list(named(int(models)))
            tx.connection.execute(insert(s.names), [{"name": name, **made} for name in wanted])
            live = {
                "state": VersionState.LIVE.value,
                "manifest": "0" * 64,
                "size_bytes": 1,
                "files": 1,
                "who": "me",
                "created_at": tx.now,
                "metadata": {},
                "lineage": {},
            }
            versions = [{"name": name, "version": n, **live} for name in wanted for n in of_each]
            tx.connection.execute(insert(s.versions), versions)
            for name in wanted:
                aliases.put(tx, name, "champion", random.Random(name).choice(of_each), "me")

    return rows


def named(models: int) -> Iterator[str]:
    for n in range(models):
        yield f"team-{n // 200:03}/model-{n:05}" if n % 2 else f"{FLAT}/model-{n:05}"


def delete(ws: Workspace) -> Callable[[], None]:
    """Everything, which takes a second key."""

    def all_of_it() -> None:
        secret = ws.path / "second-key"
        if not secret.exists():
            secret.write_text(ws.vault.add_key("second").secret)
        try:
            ws.vault.delete("/")
        except DeleteRefused as refused:
            ws.vault.approve(str(refused.request), key=secret.read_text())
        assert not ws.vault.versions(limit=1)

    return all_of_it


def restore(ws: Workspace) -> Callable[[], dict[str, Any]]:
    return lambda: {"versions": ws.vault.restore("/").versions}


def look(ws: Workspace) -> Callable[[], dict[str, Any]]:
    """Each way to list and to resolve, many times over, each time another name; milliseconds."""
    with ws.site.catalog.read() as rx:
        names = list(rx.connection.scalars(s.names.select().with_only_columns(s.names.c.name)))
    folders = sorted({name.partition("/")[0] for name in names} - {FLAT})
    ways: dict[str, Callable[[random.Random], object]] = {
        "resolve_newest": lambda r: ws.vault.show(r.choice(names)),
        "resolve_version": lambda r: ws.vault.show(f"{r.choice(names)}@v{r.randint(1, 10)}"),
        "resolve_alias": lambda r: ws.vault.show(f"{r.choice(names)}@champion"),
        "list_top": lambda r: ws.vault.ls(),
        "list_folder": lambda r: ws.vault.ls(r.choice(folders)),
        "list_page_of_large_folder": lambda r: ws.vault.ls(FLAT, limit=PAGE),
        "versions_of_model": lambda r: ws.vault.versions(r.choice(names)),
        "versions_page_of_all": lambda r: ws.vault.versions(limit=PAGE),
    }

    def calls() -> dict[str, Any]:
        return {"calls": {name: _milliseconds(way) for name, way in ways.items()}}

    return calls


def _milliseconds(way: Callable[[random.Random], object]) -> dict[str, float]:
    drawn, took = random.Random(SEED), []
    for _ in range(CALLS):
        began = time.perf_counter()
        way(drawn)
        took.append((time.perf_counter() - began) * 1000)
    return {
        "first_ms": round(took[0], 2),
        "median_ms": round(statistics.median(took), 2),
        "p95_ms": round(sorted(took)[CALLS * 95 // 100], 2),
    }
