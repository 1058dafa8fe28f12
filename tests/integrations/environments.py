"""An environment of its own for each orchestrator, and for MLflow: what is locked, and Interlock from this checkout.

Their dependencies disagree with one another, so none is in the environment the
rest is tested in. An environment is made once, from ``requirements/orchestrators``,
and again when its lock changes. One process uses it at a time: two would wait
for one another anyway, and Prefect's database is kept in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORCHESTRATORS = ("airflow", "dagster", "dbt", "prefect")
APART = (*ORCHESTRATORS, "mlflow")  # each in an environment of its own
ALSO = {"mlflow": "torch"}  # a lock that is installed where it can be
INSTALLED = ("mlflow",)  # where Interlock itself is installed, for its entry points
ENVIRONMENTS = ROOT / "tests" / ".envs"
LIMIT_S = 840  # a minute or so where nothing else runs
QUIET = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
    "DO_NOT_TRACK": "1",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "OPENBLAS_NUM_THREADS": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "240",
}


@contextlib.contextmanager
def environment(name: str, folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Its Python, made first if need be, and the variables to run it with; what it writes goes to ``folder``."""
    ENVIRONMENTS.mkdir(exist_ok=True)
    made = ENVIRONMENTS / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}"
    with open(made.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            python = _made(name, made)
        except NothingToInstall as why:  # a failure in continuous integration
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no environment: {why}")
        own = {
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "DAGSTER_HOME": "",
            "DBT_PROFILES_DIR": "",
            "PATH": f"{python.parent}:{os.environ['PATH']}",
            "PREFECT_HOME": str(made / "prefect"),
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        }
        left_out = (
            "INTERLOCK_",
            "AIRFLOW",
            "DAGSTER_",
            "DBT_",
            "MLFLOW_",
            "PREFECT_",
            "PYTEST_",
            "PYTHONDONTWRITEBYTECODE",  # these are imported again and again: compiled once
            "VIRTUAL_ENV",
        )
        kept = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        yield python, {k: v for k, v in {**kept, **QUIET, **own}.items() if v}


def _made(name: str, folder: Path) -> Path:
    locks = ROOT / "requirements" / "orchestrators"
    python, installed = folder / "bin" / "python", folder / "installed.lock"
    stamp = (locks / f"{name}.lock").read_text()
    if name in INSTALLED:
        stamp += (ROOT / "pyproject.toml").read_text()
    if not (installed.exists() and installed.read_text() == stamp):
        shutil.rmtree(folder, ignore_errors=True)
        _uv("venv", "--no-project", "--python", sys.executable, str(folder))
        install = ("pip", "install", "--python", str(python))
        locked = (*install, "--require-hashes", "--only-binary", ":all:", "--requirements")
        _uv(*locked, str(locks / f"{name}.lock"))
        if name in ALSO:
            with contextlib.suppress(NothingToInstall):
                _uv(*locked, str(locks / f"{ALSO[name]}.lock"), "--no-deps")
        if name in INSTALLED:
            _uv(*install, "--no-deps", "--build-constraints", str(ROOT / "requirements" / "build.lock"),
                "--editable", str(ROOT))  # fmt: skip
        installed.write_text(stamp)
    return python


class NothingToInstall(Exception):
    """There is no uv, or nothing to install from."""


def _uv(*arguments: str) -> None:
    apart = {"UV_NO_CONFIG": "1", "UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never"}
    if "PIP_FIND_LINKS" in os.environ:
        apart["UV_FIND_LINKS"] = os.environ["PIP_FIND_LINKS"].replace(" ", ",")
    given = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")} | apart
    own = ROOT / ".tools" / "bin" / "uv"
    found = str(own) if own.is_file() else shutil.which("uv")
    if found is None:
        raise NothingToInstall("no uv: `make .tools/bin/uv` makes one")
    done = subprocess.run([found, *arguments, "--quiet"], env=given, capture_output=True, text=True)
    if done.returncode:
        raise NothingToInstall(done.stderr.strip()[-600:])
