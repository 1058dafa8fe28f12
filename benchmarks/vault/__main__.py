"""How fast the vault keeps and returns a model, beside `cp`, DVC and restic: ``python -m benchmarks.vault``.

Everything on one disk, in turns, each round in another order. Files are cold before each turn and synced within it.
Prints a table and writes ``results.json`` beside this file with the machine. Needs ten times ``--size`` of disk.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.profile import machine
from benchmarks.profile.environments import NotInstallable
from benchmarks.vault import disk, series, targets, tools, turn, verifying
from benchmarks.vault.tools import Tool
from benchmarks.vault.turn import Failed, Turn

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
DATA = HERE.parent / ".data" / "vault"
PARTS = ("tools", "series", "scrub", "catalog")


def main() -> None:
    given = _arguments()
    began = machine.load()
    source = sources(given.folder, given.size)
    found: dict[str, Any] = {}
    if "tools" in given.parts:
        found |= compare(source, given)
    if "series" in given.parts:
        found["series"] = series.measure(source, given.folder / "series", given.rounds)
    if "scrub" in given.parts:
        found["scrub"] = verifying.measure(source, given.folder / "scrub", given.rounds)
    if "catalog" in given.parts:
        found["catalog"] = tools.catalog(given.folder / "catalog", given.models, given.versions)
    reached = list(targets.rows(found))
    print(targets.table(found, reached))
    if not given.dry:
        about = {
            "measured": time.strftime("%Y-%m-%d"),
            "machine": machine.facts() | {"load_before": began, "disk": disk.system(given.folder)},
            "size_bytes": given.size,
            "rounds": given.rounds,
        }
        document = {**about, **found, "targets": [row._asdict() for row in reached]}
        RESULTS.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
