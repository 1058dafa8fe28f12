"""Ten thousand models deleted and restored; listing and resolving among a hundred thousand versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.vault import disk, turn
from benchmarks.vault.tools import ours


def measure(folder: Path, models: int, versions: int, rounds: int) -> dict[str, Any]:
    """``models`` of one version each are deleted and restored; ``versions``, ten of a model, are listed."""
    few, many = folder / "few", folder / "many"
    for made in (few, many):
        made.mkdir(parents=True)
    try:
        restored = []
        turn.run(ours("fill", few, str(models), "1"))
        for n in range(rounds):
            turn.run(ours("delete", few))
            disk.forget(few)
            restored.append(turn.take((ours("restore", few, tells=True),)))
            print(f"round {n + 1}: {models:,} models restored", flush=True)
        turn.run(ours("fill", many, str(versions // 10), "10"))
        disk.forget(many)
        looked = turn.take((ours("look", many, tells=True),))
        print(f"listed and resolved among {versions:,} versions", flush=True)
    finally:
        disk.remove(folder)
    return {
        "models": models,
        "restore": turn.summary(restored),
        "versions": versions,
        "look": {"peak_mib": round(looked.peak_mib, 1), "calls": looked.told["calls"]},
    }
