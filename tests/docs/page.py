"""Runs a documentation page: its blocks in order, in one folder, as a reader would.

- ```` ```python ```` blocks share one namespace; a ```` ```text ```` block right after one is what it prints.
- ```` ```console ```` blocks run their ``$ `` lines; lines below a command, if there are any, are what it
  prints. A command ending in ``# exit status N`` must end so, any other with 0.
- ```` ```yaml title=interlock.yaml ```` writes a file, whatever the language.
- ``<!-- not run: reason -->`` on the line above a block leaves it out.

In expected output ``...`` stands for anything, within a line or as a line of its own.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FENCE = re.compile(
    r"(?P<skip><!-- not run: .*? -->\n)?^```(?P<language>\w+)(?P<info>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SHOWN_MAX = 4_000  # characters of output in a failure
NOTHING: Mapping[str, str] = {}
_EXIT = re.compile(r"#\s*exit status (\d)\b")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; ``line`` is where its fence stands in the page."""

    language: str
    text: str
    line: int
    title: str | None
    skipped: bool


def blocks(page: str) -> Iterator[Block]:
    for match in _FENCE.finditer(page):
        title = re.search(r"title=(\S+)", match["info"])
        line = page.count("\n", 0, match.start("language")) + 1
        yield Block(match["language"], match["text"], line, title and title[1], bool(match["skip"]))


def matches(expected: str, printed: str) -> bool:
    """Whether ``printed`` is what the page says, up to ``...`` and trailing space."""

    def tidy(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.strip().splitlines())

    pattern = re.escape(tidy(expected)).replace(r"\.\.\.", ".*?")
    return re.fullmatch(pattern, tidy(printed), re.DOTALL) is not None


def shown(output: str) -> str:
    """Beginning and end of what was printed: what went wrong is said last."""
    half = SHOWN_MAX // 2
    return output if len(output) <= SHOWN_MAX else f"{output[:half]}\n[…]\n{output[-half:]}"


def run(page: Path, folder: Path, more: Mapping[str, str] = NOTHING) -> int:
    """Run ``page`` in ``folder``; the number of blocks that ran. Raises AssertionError naming the line.

    ``more`` is added to the environment of its commands.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    environment = _environment(folder) | dict(more)
    ran, printed = 0, None
    for block in blocks(page.read_text(encoding="utf-8")):
        where = f"{page.name}:{block.line}"
        if block.skipped:
            printed = None
        elif block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
            ran, printed = ran + 1, None
        elif block.language == "python":
            ran, printed = ran + 1, _python(block, namespace, where, folder)
        elif block.language == "console":
            _console(block, environment, where, folder)
            ran, printed = ran + 1, None
        elif block.language == "text" and printed is not None:
            assert matches(block.text, printed), f"{where} prints\n{shown(printed)}"
            printed = None
    return ran


def _python(block: Block, namespace: dict[str, Any], where: str, folder: Path) -> str:
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        try:
            exec(compile(block.text, where, "exec"), namespace)
        except Exception as error:
            raise AssertionError(f"{where}: {type(error).__name__}: {error}") from error
    return out.getvalue()


def _console(block: Block, environment: dict[str, str], where: str, folder: Path) -> None:
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        while lines[0].endswith("\\"):
            lines[0] = lines[0][:-1] + lines.pop(1)
        command, expected = lines[0], "\n".join(lines[1:])
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        status = int(m[1]) if (m := _EXIT.search(command)) else 0
        said = shown(done.stdout)
        assert done.returncode == status, f"{where}: `{command}` ended with {done.returncode}\n{said}"
        assert not expected.strip() or matches(expected, done.stdout), f"{where}: `{command}` prints\n{said}"


def _environment(folder: Path) -> dict[str, str]:
    """An environment in which ``interlock`` is this checkout's, whatever is installed."""
    bin_folder = folder / ".bin"
    bin_folder.mkdir()
    for name, arguments in (("interlock", '-c "from interlock.cli import main; main()"'), ("python", "")):
        (bin_folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        (bin_folder / name).chmod(0o755)
    source = str(Path(__file__).parents[2] / "src")
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("INTERLOCK_")},
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "PYTHONPATH": source,
        "COLUMNS": "110",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
