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
from dataclasses import dataclass
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


class Cluster:
    """A server that may fall and be started again; see `running`."""

    def __init__(self, server: Server, command: list[Any], as_user: dict[str, Any]) -> None:
        self.server, self._command, self._as_user = server, command, as_user
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        folder = self.server.folder
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, cwd=folder, **self._as_user
            )
        _wait(self.server, self.process)

    def fall(self) -> None:
        """End every process of it at once, with nothing written that was not written yet."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

    def stop(self) -> None:
        """Stop it; clients have two seconds to leave."""
        self.process.terminate()  # waits for clients
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        self.process.send_signal(signal.SIGINT)  # does not
        self.process.wait(30)


@contextlib.contextmanager
def running(*options: str) -> Iterator[Server]:
    """A server over a new cluster in a folder of its own; stopped, and the folder removed, at the end."""
    with cluster(*options) as made:
        yield made.server


@contextlib.contextmanager
def cluster(*options: str) -> Iterator[Cluster]:
    """`running`, with the means to let it fall."""
    found, folder = programs(), Path(tempfile.mkdtemp(prefix="interlock-postgres-"))
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    data, server = folder / "data", Server(_free_port(), folder)
    make = [found / "initdb", "-D", data, "-U", server.owner, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*make, "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **as_user)
    settings = [f"port={server.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}"]
    chosen = [
        part
        for setting in (*settings, "fsync=off", "max_prepared_transactions=2", *options)
        for part in ("-c", setting)
    ]
    made = Cluster(server, [found / "postgres", "-D", data, *chosen], as_user)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


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
