"""How fast the vault keeps and returns a model, beside `cp`, DVC and restic: ``python -m benchmarks.vault``.

Everything on one disk, in turns, each round in another order. Files are cold before each turn and synced within it.
Prints a table and writes ``results.json`` beside this file with the machine. Needs eight times ``--size`` of disk.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.profile import machine
from benchmarks.vault import catalog, compare, disk, scrubbing, series, targets
from benchmarks.vault.tools import ROOT, TOOLS

RESULTS = Path(__file__).parent / "results.json"
DATA = ROOT / "benchmarks" / ".data" / "vault"
PARTS = ("tools", "series", "scrub", "catalog")


def main() -> None:
    given = _arguments()
    load = machine.load()
    source, work = sources(given.folder, given.size), given.folder / "work"
    tools = [tool for tool in TOOLS if not given.only or tool.name in given.only]
    shutil.rmtree(work, ignore_errors=True)  # of a run that was stopped
    found: dict[str, Any] = {}
    try:
        if "tools" in given.parts:
            found["tools"] = compare.measure(source, work, tools, given.rounds)
        if "series" in given.parts:
            found["series"] = series.measure(source, work, given.size, given.rounds)
        if "scrub" in given.parts:
            found["scrub"] = scrubbing.measure(source, work, given.rounds)
        if "catalog" in given.parts:
            found["catalog"] = catalog.measure(work, given.models, given.versions, given.rounds)
    finally:  # an hour is not lost with its last part
        reached = list(targets.rows(found))
        print(targets.page(found, reached))
    if not given.dry:
        about = {
            "measured": time.strftime("%Y-%m-%d"),
            "machine": machine.facts() | {"load_before": load, "file_system": disk.system(given.folder)},
            "programs": programs(),
            "size_bytes": given.size,
            "rounds": given.rounds,
        }
        aims = [row._asdict() | {"met": row.met} for row in reached]
        RESULTS.write_text(json.dumps({**about, "targets": aims, **found}, indent=2) + "\n")


def sources(folder: Path, size_bytes: int) -> Path:
    """The checkpoints, written the first time."""
    made = folder / f"source-{size_bytes}"
    if not made.exists():
        half = made.with_suffix(".half")
        writer = [sys.executable, "-m", "benchmarks.vault.weights", str(half), "--size", str(size_bytes)]
        subprocess.run(writer, check=True, cwd=ROOT)
        half.rename(made)
    return made


def programs() -> dict[str, str]:
    """What the others are."""
    asked = {"restic": ["restic", "version"], "cp": ["cp", "--version"], "openssl": ["openssl", "version"]}
    found = {}
    for name, command in asked.items():
        try:
            said = subprocess.run(command, capture_output=True, text=True).stdout
            found[name] = said.partition("\n")[0]
        except FileNotFoundError:
            continue
    pinned = (Path(__file__).parent / "peers" / "dvc.txt").read_text()
    return found | {"dvc": re.findall(r"^dvc==(\S+)", pinned, re.MULTILINE)[0]}


def _bytes(text: str) -> int:
    units = {"MiB": 20, "GiB": 30}
    return int(text[:-3]) << units[text[-3:]]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--size", type=_bytes, default=2 << 30, help="of a checkpoint, such as 256MiB (default 2GiB)")
    add("--rounds", type=int, default=5)
    add("--parts", nargs="+", choices=PARTS, default=PARTS, help="these only")
    add("--only", nargs="+", choices=[t.name for t in TOOLS], help="these tools only")
    add("--models", type=int, default=10_000, help="deleted and restored")
    add("--versions", type=int, default=100_000, help="among which is listed and resolved")
    add("--folder", type=Path, default=DATA, help="on the disk that is measured")
    add("--dry", action="store_true", help="write no results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
