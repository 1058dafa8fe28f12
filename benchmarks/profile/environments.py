"""An environment of its own for each peer, from pinned requirements, with what uv and Python there are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / "benchmarks" / ".envs"
PEERS = Path(__file__).resolve().parent / "peers"
PYTHON = "3.11"  # the newest that all of them install on
INSTALL_LIMIT_S = 900


class NotInstallable(Exception):
    """A peer cannot be had on this machine; the text says why, in one line."""


def interpreter(environment: str | None, peers: Path = PEERS) -> Path:
    """The Python that runs a tool, made first if need be from ``peers``. Raises `NotInstallable`."""
    if environment is None:
        return Path(sys.executable)
    folder = ENVIRONMENTS / environment
    requirements = peers / f"{environment}.txt"
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    if not (installed.exists() and installed.read_text() == requirements.read_text()):
        shutil.rmtree(folder, ignore_errors=True)
        uv("venv", "--no-project", "--python", str(_python()), str(folder))
        uv("pip", "install", "--python", str(python), "--requirements", str(requirements))
        installed.write_text(requirements.read_text())
    return python


def uv(*arguments: str) -> None:
    """Runs uv apart from whatever it is configured for here. Raises `NotInstallable`."""
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment |= {"UV_NO_CONFIG": "1", "UV_SYSTEM_CERTS": "1"}
    command = [str(_find_uv()), *arguments, "--quiet"]
    try:
        done = _captured(command, INSTALL_LIMIT_S, environment)
    except subprocess.TimeoutExpired:
        raise NotInstallable(f"uv {arguments[0]} took over {INSTALL_LIMIT_S} s") from None
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        causes = [line for line in lines if line.startswith(("Because", "cause:", "×", "error"))]
        raise NotInstallable((causes or lines or ["uv failed"])[-1].removeprefix("cause: "))


def _find_uv() -> Path:
    candidates = (
        os.environ.get("UV"),
        ROOT / ".tools" / "bin" / "uv",
        Path(sys.executable).parent / "uv",
        shutil.which("uv"),
    )
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise NotInstallable("no uv: make one with `make .tools/bin/uv`, or name it in UV")


def _python() -> Path:
    for candidate in _pythons():
        if candidate.is_file() and _version(candidate) == PYTHON:
            return candidate
    raise NotInstallable(f"no Python {PYTHON}")


def _pythons() -> Iterator[Path]:
    yield Path(sys.executable)
    for folder in os.get_exec_path():
        yield Path(folder) / f"python{PYTHON}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{PYTHON}.*/bin/python"), reverse=True)
    found = _captured([str(_find_uv()), "python", "find", "--no-project", PYTHON], 30)
    if found.returncode == 0:
        yield Path(found.stdout.strip())


def _version(python: Path) -> str:
    """Major and minor version; empty when it does not run (a pyenv shim without its Python)."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = _captured([str(python), "-c", ask], 30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _captured(
    command: list[str], limit_s: float, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit_s)
