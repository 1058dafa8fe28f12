"""What an engine stages goes with its process, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.engines.scratch import Scratch, sweep


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_closed_folder_is_gone_and_closing_twice_is_fine() -> None:
    scratch = Scratch()
    (scratch.path / "data.parquet").write_bytes(b"rows")
    scratch.close()
    scratch.close()
    assert not scratch.path.exists()


def test_the_folder_of_a_killed_process_is_swept_by_the_next_engine(tmp_path: Path) -> None:
    code = (
        "import os, signal, tempfile; tempfile.tempdir = os.environ['TMP_HERE']\n"
        "from interlock.engines.scratch import Scratch\n"
        "s = Scratch(); (s.path / 'rows').write_bytes(b'x'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"TMP_HERE": str(tmp_path)}, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert [p.name for p in tmp_path.glob("interlock-*/rows")] == ["rows"]
    scratch = Scratch()
    assert list(tmp_path.glob("interlock-*")) == [scratch.path]
    scratch.close()


def test_the_folder_of_a_living_engine_is_left_alone() -> None:
    scratch = Scratch()
    sweep()
    assert scratch.path.is_dir()
    scratch.close()


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "interlock-notes"
    foreign.mkdir()
    sweep()
    assert foreign.is_dir()
