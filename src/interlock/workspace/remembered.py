"""What a table's history taught, kept in a file so that the next process need not learn a year again.

A cache: whoever finds it missing, damaged or taught by other partitions learns
anew. It is therefore not synced to disk, and neither ledger nor catalog know it.
"""

from __future__ import annotations

import os
import uuid
from contextlib import suppress

from interlock import detect
from interlock.gates.site import Site

EVERY = 16  # partitions that may be learned anew at a start; keeping costs about as much as learning these


def read(site: Site, table: str) -> bytes | None:
    """What was kept, or None."""
    with suppress(OSError):
        return site.memory(table).read_bytes()
    return None


def keep(site: Site, table: str, history: detect.History) -> None:
    """Keep what ``history`` taught where enough of it is new. Failing to is no harm."""
    if len(history.rows) - history.remembered() < EVERY:
        return
    file = site.memory(table)
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        temporary = file.with_name(f".{file.name}.{uuid.uuid4().hex[:12]}")
        temporary.write_bytes(history.memory())
        os.replace(temporary, file)
