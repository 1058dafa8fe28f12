"""What processes do in the tests that kill them."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import numpy as np

import interlock
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
