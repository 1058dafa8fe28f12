"""Imports only point down (the contracts are in pyproject.toml)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_import_contracts_hold() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT,
                         env={"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "100"})  # fmt: skip
    assert out.returncode == 0, out.stdout + out.stderr
    assert "0 broken" in out.stdout
