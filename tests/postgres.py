"""A real PostgreSQL server of the tests' own: Debian's package, a free port of 127.0.0.1, a folder that goes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

PACKAGE = "postgresql"
_START_S = 60


@dataclass(frozen=True)
class Server:
    """Where it listens, and the folder it lives in. ``owner`` is the administrator's role."""

    port: int
    folder: Path
    owner: str = "owner"

    def url(self, database: str = "postgres", user: str | None = None) -> str:
        return f"postgresql://{user or self.owner}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres", user: str | None = None) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(database, user), autocommit=True)


def programs() -> Path:
    """The folder of ``initdb`` and ``postgres``, installed now where we may; else a skip."""
    found = _programs()
    if found is None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            pytest.skip(
                f"no PostgreSQL server: an administrator installs it with `apt-get install {PACKAGE}`"
            )
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", PACKAGE]):
            subprocess.run(["apt-get", "-qq", *command], env=quiet, check=True, stdout=subprocess.DEVNULL)
        found = _programs()
    assert found is not None
    return found


def _programs() -> Path | None:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: float(p.parts[-3]))
    if packaged:
        return packaged[-1].parent
    known = shutil.which("postgres")
    return Path(known).resolve().parent if known else None


@contextlib.contextmanager
def running(*options: str) -> Iterator[Server]:
    """A server over a new cluster in a folder of its own, which a crash may cost data; gone at the end."""
    with cluster("fsync=off", "max_prepared_transactions=2", *options) as made:
        yield made


@contextlib.contextmanager
def cluster(*options: str) -> Iterator[Cluster]:
    """A server that can be killed and started again; stopped, and its folder removed, at the end."""
    folder = Path(tempfile.mkdtemp(prefix="interlock-postgres-"))
    made = Cluster(_free_port(), folder, options=options)
    made.create()
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Cluster(Server):
    """A server of the tests' own, with its processes."""

    options: tuple[str, ...] = ()
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def create(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        make = [
            programs() / "initdb",
            "-D",
            self.folder / "data",
            "-U",
            self.owner,
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        subprocess.run(
            [*make, "--locale=C.UTF-8", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            **_user(),
        )

    def start(self) -> None:
        """Start it and wait until it answers; what was not shut down is recovered first."""
        places = (f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}")
        chosen = [part for setting in (*places, *self.options) for part in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [programs() / "postgres", "-D", self.folder / "data", *chosen],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **_user(),
            )
        self.processes.append(process)
        _wait(self, process)

    @property
    def server(self) -> Server:
        return self

    def fall(self) -> None:
        """End every process of it at once, with nothing written that was not written yet."""
        self.kill(signal.SIGQUIT)

    def kill(self, how: signal.Signals) -> None:
        """End the server's first process so, and wait until all others of it have gone with it."""
        self.processes[-1].send_signal(how)
        self.processes[-1].wait(30)
        children = _held(self.folder / "data")
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, how)
        until = time.monotonic() + _START_S
        while _held(self.folder / "data"):
            assert time.monotonic() < until
            time.sleep(0.01)

    def stop(self) -> None:
        for process in self.processes[-1:]:
            process.terminate()  # waits for clients
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
            process.send_signal(signal.SIGINT)  # does not
            process.wait(30)


def _user() -> dict[str, Any]:
    """The server refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def _held(data: Path) -> list[int]:
    """Processes whose working folder is the cluster's: those of its server."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cwd").readlink() == data:
                found.append(int(folder.name))
    return found


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_S
    while True:
        assert process.poll() is None, (server.folder / "log").read_text()
        try:
            server.connect().close()
        except psycopg.OperationalError:
            assert time.monotonic() < until, (server.folder / "log").read_text()
            time.sleep(0.05)
        else:
            return
