"""A scrub beside ``sha256sum``, and ``openssl dgst``, of the same files, two at a time.

The model lies in the vault as eight files, so that all of them can use both cores. What ``sha256sum`` takes differs
much between machines: coreutils often does without the processor's instructions for it, which openssl and we use.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.vault import disk, turn
from benchmarks.vault.tools import Interlock, Step, ours
from benchmarks.vault.weights import SHARDED

AT_ONCE = 2


def measure(source: Path, folder: Path, rounds: int) -> dict[str, Any]:
    home = folder / "home"
    home.mkdir(parents=True)
    try:
        for step in (ours("init", home), *Interlock().put(home, source / SHARDED)):
            turn.run(step)
        objects = home / "workspace" / "vault" / "objects"
        acts = {
            "sha256sum": _each(objects, "sha256sum"),
            "openssl": _each(objects, "openssl dgst -sha256"),
            "scrub": ours("scrub", home, tells=True),
        }
        taken: dict[str, list[turn.Turn]] = {name: [] for name in acts}
        for n in range(rounds):
            for name in list(acts)[n % len(acts) :] + list(acts)[: n % len(acts)]:
                disk.forget(home)
                taken[name].append(turn.take((acts[name],)))
                print(f"round {n + 1}: {name}", flush=True)
    finally:
        disk.remove(folder)
    return {name: turn.summary(turns) for name, turns in taken.items()}


def _each(tree: Path, program: str) -> Step:
    find = f"find {tree} -type f -print0 | xargs -0 -n 1 -P {AT_ONCE} {program}"
    return Step(program.partition(" ")[0], ("sh", "-c", find), tree)
