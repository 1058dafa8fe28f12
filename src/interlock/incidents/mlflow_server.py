"""A real MLflow server on a free port of 127.0.0.1, for as long as it is needed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from interlock.errors import ExtraMissing, WorkspaceBusy

START_S = 180  # most of it is imports; a busy machine takes long
STOP_S = 10
_NOTHING: Mapping[str, str] = {}


@contextlib.contextmanager
def running(folder: Path, artifacts: str, more: Mapping[str, str] = _NOTHING) -> Iterator[str]:
    """The address of a server that keeps its artifacts at ``artifacts`` and the rest in ``folder``.

    Where those lie in a vault, rows that MLflow deletes from its database are kept there too. ``more`` is
    added to its environment. Raises `ExtraMissing` without MLflow, `WorkspaceBusy` where it does not
    answer in time.
    """
    try:
        metadata.distribution("mlflow")
    except metadata.PackageNotFoundError:
        raise ExtraMissing(
            "this needs MLflow's server", hint="pip install 'interlock[mlflow]' mlflow"
        ) from None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = f"{'vault:' if artifacts.startswith('vault:') else ''}sqlite:///{folder / 'mlflow.db'}"
    url, log = f"http://127.0.0.1:{port}", folder / "mlflow.log"
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "DO_NOT_TRACK": "1"}
    with open(log, "wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
             "--backend-store-uri", database, "--artifacts-destination", artifacts],
            cwd=folder, env={**os.environ, **quiet, **more}, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
        try:
            _wait(server, url, log)
            yield url
        finally:
            _stop(server)


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"{url}/health", timeout=5).close()
            return
        time.sleep(0.1)
    said = log.read_text(errors="replace").strip().splitlines()
    raise WorkspaceBusy(
        f"MLflow's server did not start: {said[-1] if said else 'it said nothing'}", hint="try again"
    )


def _stop(server: subprocess.Popen[bytes]) -> None:
    """It, and the processes it started."""
    for signal_ in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal_)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_S)
            if signal_ == signal.SIGKILL:
                return
