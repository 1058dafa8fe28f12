"""One process for each measurement: its seconds come from inside, its peak memory from the kernel."""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data import Case
from environments import ROOT

from tools import Tool

HERE = Path(__file__).resolve().parent
TIMES = ("import_s", "warm_up_s", "load_s", "profile_s", "peak_rss_mib")
POLL_S = 0.02
QUIET = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "WHYLOGS_NO_ANALYTICS": "True",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONWARNINGS": "ignore",
    "PYTHONHASHSEED": "0",
}
THREADS = (
    "INTERLOCK_THREADS", "POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
)  # fmt: skip

ERROR = re.compile(r"[\w.]+: |[\w.]*(Error|Exception)\b")  # the last line of a traceback


class Failed(Exception):
    """The process ended badly; the text says why, in one line."""


def once(tool: Tool, python: Path, case: Case, threads: int, limit_s: float) -> dict[str, Any]:
    """Runs a tool in a process of its own on ``threads`` cores. Raises `Failed`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "measured.json"
        command = [
            *(str(python), str(HERE / "worker.py"), tool.module, "--option", tool.option),
            *("--data", str(case.path), "--warm-up", str(case.warm_up_path)),
            *("--threads", str(threads), "--out", str(out)),
        ]
        peak_rss_mib = _run(command, threads, limit_s, Path(folder))
        return json.loads(out.read_text()) | {"peak_rss_mib": peak_rss_mib}


def _run(command: Sequence[str], threads: int, limit_s: float, folder: Path) -> float:
    """Peak resident set of the biggest process in MB, as the kernel counted it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment |= QUIET | dict.fromkeys(THREADS, str(threads)) | {"PYTHONPATH": str(ROOT / "src")}
    with (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "pinned.py"), str(threads), *command],
            env=environment, stdout=subprocess.DEVNULL, stderr=stderr, cwd=folder, start_new_session=True,
        )  # fmt: skip
        status, usage = _wait(process.pid, limit_s)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(_reason(process.returncode, (folder / "stderr").read_text(errors="replace"), limit_s))
    return usage.ru_maxrss / 1024


def _wait(pid: int, limit_s: float) -> tuple[int, Any]:
    deadline = time.monotonic() + limit_s
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
            return status, usage
        time.sleep(POLL_S)


def _reason(code: int, stderr: str, limit_s: float) -> str:
    if code == -signal.SIGKILL:
        return f"killed (over {limit_s:.0f} s, or out of memory)"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR.match(line)]
    last = (errors or lines or [f"exit status {code}"])[-1]
    return re.sub(r"(/[\w.@+-]+)+/", "", last)[:200]


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Median, least and greatest of each time over the runs; the rest as the last run told it."""
    entry = {key: value for key, value in runs[-1].items() if key not in TIMES}
    entry["runs"] = len(runs)
    if "fingerprint" in entry:
        entry["same"] = len({run["fingerprint"] for run in runs}) == 1
    for name in TIMES:
        values = [run[name] for run in runs]
        entry[name] = {
            "median": round(statistics.median(values), 4),
            "min": round(min(values), 4),
            "max": round(max(values), 4),
        }
    return entry
