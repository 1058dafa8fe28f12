"""A model of one file into each tool's keeping, and back: rounds in turns, each beginning with another tool."""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.profile.environments import NotInstallable
from benchmarks.vault import disk, turn
from benchmarks.vault.tools import Tool
from benchmarks.vault.turn import Failed, Turn
from benchmarks.vault.weights import FIRST


def measure(source: Path, folder: Path, tools: Sequence[Tool], rounds: int) -> dict[str, Any]:
    taken: dict[str, list[tuple[Turn, Turn]]] = {tool.name: [] for tool in tools}
    failed: dict[str, str] = {}
    for n in range(rounds):
        for i in range(len(tools)):
            tool = tools[(n + i) % len(tools)]
            if tool.name in failed:
                continue
            try:
                taken[tool.name].append(once(tool, source / Path(FIRST).parent, folder))
            except (Failed, NotInstallable) as failure:
                failed[tool.name] = str(failure)
            finally:
                disk.remove(folder)
            print(f"round {n + 1}: {tool.name} {failed.get(tool.name, '')}", flush=True)
    return {
        tool.name: {"note": tool.note}
        | ({"failed": failed[tool.name]} if tool.name in failed else {})
        | {
            act: turn.summary([each[at] for each in taken[tool.name]])
            for at, act in enumerate(("put", "get"))
            if taken[tool.name]
        }
        for tool in tools
    }


def once(tool: Tool, source: Path, folder: Path) -> tuple[Turn, Turn]:
    """A put and a get into new folders. Raises `Failed` also where other bytes came back."""
    home, target = folder / "home", folder / "target"
    home.mkdir(parents=True)
    target.mkdir()
    for step in tool.prepare(home, source):
        turn.run(step)
    disk.forget(source, home)
    put = turn.take(tool.put(home, source), None if "put" in tool.syncs else tool.kept(home))
    for step in tool.prepare_get(home, target):
        turn.run(step)
    disk.forget(home, target)
    get = turn.take(tool.get(home, target), None if "get" in tool.syncs else target)
    same(source, target)
    return put, get


def same(source: Path, target: Path) -> None:
    """What came back is what went in. Raises `Failed`."""
    for path in source.iterdir():
        back = [p for p in target.rglob(path.name) if ".dvc" not in p.parts]
        if len(back) != 1 or not filecmp.cmp(path, back[0], shallow=False):
            raise Failed(f"{path.name} came back otherwise")
