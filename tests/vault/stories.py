"""What processes do in the tests that kill them."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import numpy as np

import interlock
from interlock.catalog import clock
from interlock.catalog.vault import versions
from interlock.vault import scrub as scrubbing
from interlock.vault.layout import object_key
from interlock.workspace.vault import Vault
from tests.processes import Tell
from tests.vault import model_files


def put(tell: Tell, folder: str, model: str) -> None:
    """Put a new version of a model that has one, and a file that is new."""
    with interlock.open(folder) as ws:
        tell(ws.vault.put("ranker", Path(model)).ref)
        tell(ws.vault.put_file("runs/log", b"x" * 10).ref)


LATER = dt.datetime(2126, 1, 1, tzinfo=dt.UTC)  # when every retention of today is over


def somebody_else(ws: interlock.Workspace) -> None:
    """From here on another operating-system user is at work."""
    ws.site.catalog.database.user = lambda: "another"  # type: ignore[method-assign]


def delete_and_restore(tell: Tell, folder: str) -> None:
    """Delete a name and a folder, and bring one of them back."""
    with interlock.open(folder) as ws:
        ws.vault.delete("ranker")
        tell("deleted ranker")
        ws.vault.delete("runs/")
        tell("deleted runs")
        ws.vault.restore("ranker")
        tell("restored ranker")


def purge_and_collect(tell: Tell, folder: str) -> None:
    """Approve the end of a tombstone that somebody asked for, and collect what it leaves."""
    with interlock.open(folder) as ws:
        somebody_else(ws)
        with clock.at(LATER):
            ws.vault.approve("D2")
            tell("purged")
            ws.vault.collect()
        with clock.at(LATER + dt.timedelta(days=2)):
            ws.vault.collect()
            tell("collected")


def adopt(tell: Tell, folder: str, models: str) -> None:
    """Adopt what lies in a folder."""
    with interlock.open(folder) as ws:
        for record in ws.vault.adopt(models).versions:
            tell(record.ref)


WEIGHTS = bytes(range(256)) * 1_000


def fill(vault: Vault, folder: Path) -> None:
    """Two versions of a model that share a file, one of them empty; a file by its path, and a tombstone.

    And one in chunks, of which one is compressed; it is put from a file in ``folder``.
    """
    vault.put("ranker", {"weights.bin": WEIGHTS, "sub/again": WEIGHTS, "empty": b""})
    vault.put("ranker", {"weights.bin": WEIGHTS, "new": b"of v2"})
    vault.put_file("runs/log", b"x" * 10)
    record = vault.put_file("runs/old", b"y" * 10)
    with vault.stores.catalog.write() as tx:
        versions.tombstone(tx, [record.id], who="kim", purge_after=tx.now + dt.timedelta(days=30))
    arrays = {"noise": model_files.weights(1, 200_000), "zeros": np.zeros(100_000, np.float32)}
    path = model_files.path_of(folder, model_files.tensor_file(arrays), "large.safetensors")
    vault.put("large", path, dedup="tensor")


def key_of(data: bytes) -> str:
    """The object that holds these bytes."""
    return object_key(hashlib.sha256(data).hexdigest())


def scrub(tell: Tell, folder: str) -> None:
    scrubbing._PAGE = 5
    with interlock.open(folder) as ws:
        ws.vault.scrub()


def replicate(tell: Tell, folder: str) -> None:
    with interlock.open(folder) as ws:
        ws.vault.replicate()
