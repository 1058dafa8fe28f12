"""A second version of which a sixteenth of the tensors changed: how long its put takes, and what it adds to the disk.

The first version is put before it into the same vault: as any model is put, or by tensors. ``warm``: what is put is in
memory, as whoever just wrote a checkpoint leaves it; ``cold``: it has to be read, which may take most of the time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.vault import disk, turn
from benchmarks.vault.compare import same
from benchmarks.vault.tools import InterlockCalls, ours
from benchmarks.vault.weights import CHANGED, FIRST, SECOND, TENSORS

WAYS = tuple((dedup, state) for dedup in ("file", "tensor") for state in ("warm", "cold"))
ACTS = ("first_put", "second_put", "second_get")


def measure(source: Path, folder: Path, size_bytes: int, rounds: int) -> dict[str, Any]:
    versions = [source / Path(name).parent for name in (FIRST, SECOND)]
    taken: dict[tuple[str, str], list[list[turn.Turn]]] = {way: [] for way in WAYS}
    added: dict[tuple[str, str], list[int]] = {way: [] for way in WAYS}
    for n in range(rounds):
        for dedup, state in WAYS if n % 2 == 0 else reversed(WAYS):
            try:
                turns, grew = once(InterlockCalls(dedup), versions, folder, warm=state == "warm")
            finally:
                disk.remove(folder)
            taken[dedup, state].append(turns)
            added[dedup, state].append(grew)
            print(f"round {n + 1}: series, {dedup}, {state}", flush=True)
    return {"changed_bytes": size_bytes // TENSORS * len(CHANGED)} | {
        f"{way[0]}_{way[1]}": {
            **{act: turn.summary([turns[at] for turns in taken[way]]) for at, act in enumerate(ACTS)},
            "second_added_bytes": max(added[way]),
        }
        for way in WAYS
    }


def once(
    tool: InterlockCalls, versions: list[Path], folder: Path, *, warm: bool
) -> tuple[list[turn.Turn], int]:
    """Puts of both versions and a get of the second, always cold; by how much the store grew with the second."""
    home, target = folder / "home", folder / "target"
    home.mkdir(parents=True)
    target.mkdir()
    store = home / "workspace" / "vault"
    turn.run(ours("init", home))
    turns, held = [], []
    for version in versions:
        disk.forget(version, home)
        if warm:
            disk.read(version)
        turns.append(turn.take(tool.put(home, version)))
        held.append(disk.occupied(store))
    disk.forget(home)
    turns.append(turn.take(tool.get(home, target)))
    same(versions[-1], target)
    return turns, held[1] - held[0]
