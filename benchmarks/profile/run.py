"""Interlock's profile against its peers'. Measures, then writes results/<date>.json and .md.

Each measurement is a process of its own; the tools take turns, so that a machine
that slows down slows everybody. A tool that cannot be installed or fails is a
value on the page with its reason. See ../README.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import environments  # noqa: E402
import machine  # noqa: E402
import measure  # noqa: E402
import page  # noqa: E402
from data import CASES, MIXED_1M, Case  # noqa: E402

from tools import SCALED, TOOLS, Tool  # noqa: E402

RUNS_MIN = 2


@dataclass
class Turn:
    """A tool's measurements on one case so far."""

    tool: Tool
    python: Path
    runs: list[dict[str, Any]] = field(default_factory=list)
    spent_s: float = 0.0

    def over(self, budget_s: float) -> bool:
        """Whether another run like those before would overdraw the budget."""
        count = len(self.runs)
        return count >= RUNS_MIN and self.spent_s * (count + 1) / count > budget_s


class Results:
    """What is known so far: a JSON file that is whole after every measurement, and its page."""

    def __init__(self, path: Path, *, keep: bool, facts: dict[str, Any]) -> None:
        self.path = path
        self.document: dict[str, Any] = {"cases": {}}
        if keep and path.exists():
            self.document = json.loads(path.read_text())
        self.document |= facts

    def entry(self, case: Case, tool: Tool) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._case(case)["tools"].get(tool.name)
        return found

    def put(self, case: Case, tool: Tool, entry: dict[str, Any]) -> None:
        entry |= {"at": _now().isoformat(timespec="seconds"), "load": machine.load()}
        self._case(case)["tools"][tool.name] = entry
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.document, indent=1) + "\n")
        self.path.with_suffix(".md").write_text(page.render(self.document))

    def _case(self, case: Case) -> dict[str, Any]:
        cases: dict[str, Any] = self.document["cases"]
        if cases.get(case.name, {}).get("rows") != case.rows:
            cases[case.name] = {"rows": case.rows, "columns": case.columns, "tools": {}}
        found: dict[str, Any] = cases[case.name]
        return found


def main() -> None:
    a = _arguments()
    facts = {
        "machine": machine.facts(),
        "load_at_start": machine.load(),
        "threads": a.threads,
        "scale": a.scale,
    }
    folder = a.results if a.scale == 1 else environments.ROOT / "benchmarks" / ".data" / "smoke"
    results = Results(folder / f"{_now().date()}.json", keep=bool(a.only or a.resume or a.cases), facts=facts)
    for name in a.cases or CASES:
        case = replace(CASES[name], rows=max(1, int(CASES[name].rows * a.scale)))
        tools = TOOLS if name == MIXED_1M.name else SCALED
        chosen = [t for t in tools if not a.only or t.name in a.only]
        if a.resume:
            chosen = [t for t in chosen if "profile_s" not in (results.entry(case, t) or {})]
        if chosen:
            compare(case, chosen, results, a)
    print(results.path.with_suffix(".md"))


def compare(case: Case, tools: list[Tool], results: Results, a: argparse.Namespace) -> None:
    turns = list(_installed(case, tools, results))
    with _told(f"{case.name}: table"):
        subprocess.run([sys.executable, str(HERE / "data.py"), case.name, str(case.rows)], check=True)
    for _ in range(a.runs):
        for turn in list(turns):
            if turn.over(a.budget_s):
                continue
            began = time.monotonic()
            try:
                with _told(f"{case.name}: {turn.tool.name}"):
                    turn.runs.append(measure.once(turn.tool, turn.python, case, a.threads, a.limit_s))
            except measure.Failed as failure:
                turns.remove(turn)
                results.put(case, turn.tool, {"failed": str(failure)})
                continue
            turn.spent_s += time.monotonic() - began
            results.put(case, turn.tool, measure.summary(turn.runs))


def _installed(case: Case, tools: list[Tool], results: Results) -> Iterator[Turn]:
    for tool in tools:
        try:
            with _told(f"{case.name}: environment of {tool.name}"):
                python = environments.interpreter(tool.environment)
            yield Turn(tool, python)
        except environments.NotInstallable as reason:
            results.put(case, tool, {"failed": f"not installable here: {reason}"})


@contextmanager
def _told(what: str) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    except (measure.Failed, environments.NotInstallable) as failure:
        print(f"{what}: {failure}", flush=True)
        raise
    else:
        print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--cases", nargs="+", choices=CASES, help="these tables only; the day's other results stay")
    add("--only", nargs="+", choices=[t.name for t in TOOLS], help="these tools only; likewise")
    add("--resume", action="store_true", help="only what the day's results lack")
    add("--runs", type=int, default=5, help="processes for a tool and a table (default 5)")
    add("--budget-s", type=float, default=40.0, help="fewer runs, though two, of what takes longer (40)")
    add("--limit-s", type=float, default=300.0, help="a process that takes longer is killed (300)")
    add("--threads", type=int, default=2, help="threads and cores for every tool (2)")
    add("--scale", type=float, default=1.0, help="share of the rows, to try it out; kept out of results/")
    add("--results", type=Path, default=HERE / "results", help="folder to write to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
