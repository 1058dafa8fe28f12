"""What processes do in the tests that kill them."""

from __future__ import annotations

from pathlib import Path

import interlock
from tests.processes import Tell


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
