"""One command or several, timed: with everything they wrote on the disk, and the most memory one of them took."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.vault import disk
from benchmarks.vault.tools import Step

_OURS = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")  # everybody is compiled, as when installed


class Failed(Exception):
    """A command failed; the text says which and what it said last."""


@dataclass(frozen=True, slots=True)
class Turn:
    """``seconds`` from the first command's start until all is on the disk, ``sync_s`` of them after its end.

    ``told`` is what the commands said of themselves (`Step.tells`).
    """

    seconds: float
    sync_s: float
    peak_mib: float
    steps: dict[str, float]
    told: dict[str, Any]


def take(steps: Sequence[Step], unsynced: Path | None = None) -> Turn:
    """Runs the commands; then syncs the tree that they did not."""
    each: dict[str, float] = {}
    told: dict[str, Any] = {}
    peak = 0.0
    began = time.perf_counter()
    for step in steps:
        since = time.perf_counter()
        output, mib = run(step)
        each[step.name] = round(time.perf_counter() - since, 3)
        peak = max(peak, mib)
        told |= json.loads(output) if step.tells else {}
    ended = time.perf_counter()
    if unsynced is not None:
        disk.settle(unsynced)
    over = time.perf_counter()
    return Turn(over - began, over - ended, peak, each, told)


def run(step: Step) -> tuple[bytes, float]:
    """What it printed, and its peak resident memory in MiB. Raises `Failed`.

    A new process counts from what its parent takes up: so this one imports little.
    """
    environment = {k: v for k, v in os.environ.items() if k not in _OURS}
    environment |= step.environment
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            list(map(str, step.argv)),
            cwd=step.cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=said,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output.seek(0)
        if process.returncode:
            raise Failed(f"{step.name}: {said.read().decode().strip()[-500:]}")
        return output.read(), used.ru_maxrss / 1024


def summary(turns: Sequence[Turn]) -> dict[str, Any]:
    """Medians, the least and most, and each; ``call_s`` is what the caller of a library waits, with the sync."""
    seconds = [t.seconds for t in turns]
    found: dict[str, Any] = {
        "median_s": _rounded(statistics.median(seconds)),
        "least_s": _rounded(min(seconds)),
        "most_s": _rounded(max(seconds)),
        "sync_s": _rounded(statistics.median(t.sync_s for t in turns)),
        "peak_mib": round(max(t.peak_mib for t in turns), 1),
        "runs_s": [_rounded(s) for s in seconds],
        "steps_s": {
            name: _rounded(statistics.median(t.steps[name] for t in turns)) for name in turns[0].steps
        },
    }
    if "call_s" in turns[0].told:
        calls = [t.told["call_s"] + t.sync_s for t in turns]
        found |= {"call_s": _rounded(statistics.median(calls)), "calls_s": [_rounded(c) for c in calls]}
    return found


def _rounded(seconds: float) -> float:
    return round(seconds, 4)
