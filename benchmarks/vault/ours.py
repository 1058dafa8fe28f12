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
from interlock import Workspace

NAME = "team/ranker"


def main(act: str, home: str, *arguments: str) -> None:
    with interlock.open(Path(home) / "workspace") as ws:
        call = ACTS[act](ws, *arguments)
        began = time.perf_counter()
        told = call()
        seconds = time.perf_counter() - began
    print(json.dumps({"call_s": seconds, **(told or {})}))


def init(ws: Workspace, dedup: str) -> Callable[[], None]:
    return lambda: None


def put(ws: Workspace, source: str) -> Callable[[], Any]:
    return lambda: unsaid(ws.vault.put(NAME, source))


def get(ws: Workspace, target: str) -> Callable[[], Any]:
    return lambda: unsaid(ws.vault.get(NAME, target))


def unsaid(_: object) -> None:
    """Acts that say nothing but how long they took."""


ACTS: dict[str, Callable[..., Callable[[], dict[str, Any] | None]]] = {"init": init, "put": put, "get": get}


if __name__ == "__main__":
    main(*sys.argv[1:])
