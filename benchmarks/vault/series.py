"""A second version of which a sixteenth of the tensors changed: how long its put takes, and what it adds to the disk.

The first version is put before it into the same vault. ``file``: as any model is put. ``tensor``: by tensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.vault import disk, turn
from benchmarks.vault.compare import same
from benchmarks.vault.tools import Interlock, ours
from benchmarks.vault.weights import CHANGED, FIRST, SECOND, TENSORS

KINDS = ("file", "tensor")


def measure(source: Path, folder: Path, size_bytes: int, rounds: int) -> dict[str, Any]:
    versions = [source / Path(name).parent for name in (FIRST, SECOND)]
    taken: dict[str, list[list[turn.Turn]]] = {kind: [] for kind in KINDS}
    added: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for n in range(rounds):
        for kind in KINDS if n % 2 == 0 else reversed(KINDS):
            try:
                turns, grew = once(Interlock(kind), versions, folder)
            finally:
                disk.remove(folder)
            taken[kind].append(turns)
            added[kind].append(grew)
            print(f"round {n + 1}: series, {kind}", flush=True)
    return {"changed_bytes": size_bytes // TENSORS * len(CHANGED)} | {
        kind: {
            **{
                act: turn.summary([turns[at] for turns in taken[kind]])
                for at, act in enumerate(("first_put", "second_put", "second_get"))
            },
            "second_added_bytes": max(added[kind]),
        }
        for kind in KINDS
    }


def once(tool: Interlock, versions: list[Path], folder: Path) -> tuple[list[turn.Turn], int]:
    """Puts of both versions and a get of the second; by how much the vault's store grew with the second."""
    home, target = folder / "home", folder / "target"
    home.mkdir(parents=True)
    target.mkdir()
    store = home / "workspace" / "vault"
    turn.run(ours("init", home))
    turns, held = [], []
    for version in versions:
        disk.forget(version, home)
        turns.append(turn.take(tool.put(home, version), home))
        held.append(disk.occupied(store))
    disk.forget(home)
    turns.append(turn.take(tool.get(home, target), target))
    same(versions[-1], target)
    return turns, held[1] - held[0]
