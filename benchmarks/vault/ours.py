"""One act in a workspace, as a process of its own: ``python -m benchmarks.vault.ours ACT HOME …``.

Prints what it measured as JSON: ``call_s`` is what a program that has the workspace open waits.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import interlock
from benchmarks.vault import many
from benchmarks.vault.tools import NAME
from interlock import Workspace

WARM_UP = "warm/up"
Call = Callable[[], dict[str, Any] | None]


def main(act: str, home: str, *arguments: str) -> None:
    with interlock.open(Path(home) / "workspace") as ws:
        call = ACTS[act](ws, *arguments)
        began = time.perf_counter()
        told = call()
        seconds = time.perf_counter() - began
    print(json.dumps({"call_s": seconds, **(told or {})}))


def init(ws: Workspace) -> Call:
    return lambda: None


def put(ws: Workspace, source: str, dedup: str) -> Call:
    warm_up(ws, dedup)

    def kept() -> None:
        ws.vault.put(NAME, source, dedup=dedup)

    return kept


def get(ws: Workspace, target: str) -> Call:
    warm_up(ws, "file")

    def back() -> None:
        ws.vault.get(NAME, target)

    return back


def scrub(ws: Workspace) -> Call:
    def read() -> None:
        assert ws.vault.scrub(rate_mb_s=None).ok

    return read


def warm_up(ws: Workspace, dedup: str) -> None:
    """A few bytes put and got: what a process imports and opens with its first call is not timed."""
    ws.vault.put(WARM_UP, {"few": b"bytes"}, dedup=dedup)
    ws.vault.open(WARM_UP).read()


ACTS: dict[str, Callable[..., Call]] = {
    "init": init,
    "put": put,
    "get": get,
    "scrub": scrub,
    "fill": many.fill,
    "delete": many.delete,
    "restore": many.restore,
    "look": many.look,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
