"""Other processes for tests: forked from one that has everything imported, killed where the test says.

`Nursery` is a child process that imports Interlock once and forks a process for
each `start`. What a process tells with ``tell`` is in a file before its next
step, so that it outlives ``kill -9``: that is what it *acknowledged*.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import pkgutil
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).parents[1]
ONE_THREAD = {"INTERLOCK_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # a fork takes one thread along
CALLS = ("fsync", "replace", "rename", "link", "unlink", "mkdir", "rmdir")
IMPORTED_WHERE_USED = ("interlock.gates", "interlock.vault", "interlock.workspace")
IMPORTED_LATE = (
    "alembic.config",
    "alembic.runtime.environment",
    "alembic.script",
    "numpy.ma",
    "numpy.random",
)
ENDED, KILLED, FAILED = "ended", "killed", "failed"

Tell = Callable[[Any], None]


@dataclass(frozen=True)
class Ending:
    """How a process ended, and each JSON value it told before."""

    how: str
    told: tuple[Any, ...]
    why: str = ""


class Running:
    """A process under way."""

    def __init__(self, nursery: Nursery, pid: int, folder: Path) -> None:
        self._nursery, self.pid, self._folder = nursery, pid, folder

    @property
    def told(self) -> tuple[Any, ...]:
        return tuple(map(json.loads, (self._folder / "told").read_text().split("\n")[:-1]))

    @property
    def over(self) -> bool:
        return bool(self._nursery.ask({"look": self.pid}))

    def until_told(self, count: int = 1) -> None:
        """Wait until it has told so many values, which must be before its end."""
        while len(self.told) < count and not self.over:
            time.sleep(0.001)
        assert len(self.told) >= count, self.wait()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Ending:
        """Its end; an exception in it is an ending of its own, with the trace as ``why``."""
        status = self._nursery.ask({"wait": self.pid})
        error = (self._folder / "error").read_text()
        if error:
            return Ending(FAILED, self.told, error)
        return Ending(KILLED if os.WIFSIGNALED(status) else ENDED, self.told)

    def ends(self) -> Ending:
        """Its end, which must be a good one."""
        ending = self.wait()
        assert ending.how == ENDED, ending.why or ending.how
        return ending


class Nursery:
    """Forks processes that have everything imported."""

    def __init__(self, folder: Path, modules: tuple[str, ...]) -> None:
        self._folder, self._count = folder, 0
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import serve; serve({modules!r})"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", **ONE_THREAD},
        )

    def start(self, work: Callable[..., None], *, kill_at: int | None = None, **given: Any) -> Running:
        """Run ``work(tell, **given)`` in a process, killed at its n-th boundary (see `killed_at`)."""
        self._count += 1
        folder = self._folder / f"process-{self._count}"
        folder.mkdir(parents=True)
        for name in ("told", "error"):
            (folder / name).touch()
        plain = {k: str(v) if isinstance(v, Path) else v for k, v in given.items()}
        question = {
            "run": [work.__module__, work.__name__],
            "given": plain,
            "kill_at": kill_at,
            "in": str(folder),
        }
        return Running(self, self.ask(question), folder)

    def run(self, work: Callable[..., None], *, kill_at: int | None = None, **given: Any) -> Ending:
        """`start` and wait for the end."""
        return self.start(work, kill_at=kill_at, **given).wait()

    def ask(self, question: Mapping[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def serve(modules: tuple[str, ...]) -> None:
    """The nursery's own process."""
    for name in (*modules, *IMPORTED_LATE, *_modules_of(*IMPORTED_WHERE_USED)):
        importlib.import_module(name)
    for line in sys.stdin:
        question = json.loads(line)
        if "look" in question:
            found = os.waitid(os.P_PID, question["look"], os.WEXITED | os.WNOHANG | os.WNOWAIT)
            answer = int(found is not None)
        elif "wait" in question:
            answer = os.waitpid(question["wait"], 0)[1]
        else:
            answer = os.fork()
            if answer == 0:
                _run(question)
        print(answer, flush=True)


def _modules_of(*packages: str) -> Iterator[str]:
    for name in packages:
        package = importlib.import_module(name)
        yield from (module.name for module in pkgutil.walk_packages(package.__path__, f"{name}."))


def _run(question: Mapping[str, Any]) -> None:
    # Opened first: the work may give up the right to.
    told, error = (
        os.open(Path(question["in"], name), os.O_WRONLY | os.O_APPEND) for name in ("told", "error")
    )

    def tell(value: Any) -> None:
        os.write(told, json.dumps(value).encode() + b"\n")

    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        module, name = question["run"]
        with killed_at(question["kill_at"]):
            getattr(importlib.import_module(module), name)(tell, **question["given"])
    except BaseException:
        os.write(error, traceback.format_exc().encode())
    finally:
        os._exit(0)


def every_boundary(
    nursery: Nursery,
    prepared: Path | None,
    place: Path,
    work: Callable[..., None],
    *,
    more_than: int,
    step: int = 1,
    **given: Any,
) -> Iterator[tuple[Path, Ending]]:
    """A workspace and how ``work`` in it ended, for each boundary it was killed at, and once not at all."""
    for at in itertools.count(step, step):
        folder = place / "workspace"
        if prepared is not None:
            shutil.copytree(prepared, folder)
        ending = nursery.run(work, kill_at=at, folder=folder, **given)
        assert ending.how in (KILLED, ENDED), ending.why
        yield folder, ending
        shutil.rmtree(folder)
        if ending.how == ENDED:
            assert at > more_than, "the story has fewer boundaries than its effects have"
            return


@contextlib.contextmanager
def killed_at(boundary: int | None) -> Iterator[None]:
    """``kill -9`` oneself at the n-th boundary: just before or after a call that makes something last.

    Odd ones come before such a call, even ones after it. Nothing is written
    between the end of one call and the start of the next but by DuckDB, into
    a staged file, so `after` alone sees nearly every state there is.
    """
    if boundary is None:
        yield
        return
    passed = 0

    def step() -> None:
        nonlocal passed
        passed += 1
        if passed == boundary:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            step()
            result = function(*args, **kwargs)
            step()
            return result

        return call

    from interlock.catalog import sqlite as storage

    class Connection(sqlite3.Connection):
        def commit(self) -> None:
            step()
            super().commit()
            step()

    for name in CALLS:
        setattr(os, name, watched(getattr(os, name)))
    psycopg.Connection.commit = watched(psycopg.Connection.commit)  # type: ignore[method-assign]
    storage.connect = lambda file: sqlite3.connect(  # type: ignore[assignment]
        file, isolation_level=None, check_same_thread=False, factory=Connection
    )
    yield
