"""Copying: all bytes arrive, the digest is of what arrived, and a disk that takes less is noticed."""

from __future__ import annotations

import hashlib
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interlock import Workspace
from interlock.errors import StorageFailed
from interlock.vault import copying
from interlock.vault.copying import copied

STEP = 4096
SIZES = (0, 1, STEP - 1, STEP, STEP + 1, 30 * STEP + 7)  # more steps than hashing may lag


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "STEP_BYTES", STEP)
    monkeypatch.setattr(copying, "CHUNK_BYTES", 1000)


def copy(data: bytes, folder: Path, *, by_kernel: bool) -> tuple[str, int]:
    (folder / "in").write_bytes(data)
    counted: list[int] = []
    with open(folder / "in", "rb", buffering=0) as file, open(folder / "out", "x+b", buffering=0) as out:
        pieces = iter(lambda: file.read(1000), b"")
        found = copied(pieces, out, counted.append, source=file if by_kernel else None)
    assert sum(counted) == len(data)
    assert (folder / "out").read_bytes() == data
    return found


@pytest.mark.parametrize("by_kernel", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_all_bytes_arrive_and_are_hashed_in_order(tmp_path: Path, size: int, by_kernel: bool) -> None:
    data = os.urandom(size)
    assert copy(data, tmp_path, by_kernel=by_kernel) == (hashlib.sha256(data).hexdigest(), size)


@pytest.mark.skipif(not hasattr(os, "copy_file_range"), reason="only Linux copies in the kernel")
@pytest.mark.parametrize("steps", [0, 3])
def test_what_the_kernel_does_not_copy_is_read(
    tmp_path: Path, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, left = os.copy_file_range, [steps]

    def some(*args: int) -> int:
        if not left[0]:
            raise OSError(18, "Invalid cross-device link")
        left[0] -= 1
        return whole(*args)

    monkeypatch.setattr(os, "copy_file_range", some)
    data = os.urandom(10 * STEP + 1)
    assert copy(data, tmp_path, by_kernel=True)[0] == hashlib.sha256(data).hexdigest()


def test_the_digest_is_of_what_the_file_holds(tmp_path: Path) -> None:
    def meddled() -> Iterator[bytes]:
        yield b"right"
        (tmp_path / "out").write_bytes(b"wrong")

    with open(tmp_path / "out", "x+b", buffering=0) as out:
        assert copied(meddled(), out)[0] == hashlib.sha256(b"wrong").hexdigest()


def test_a_file_that_is_cut_short_meanwhile_is_noticed(tmp_path: Path) -> None:
    def cut() -> Iterator[bytes]:
        yield b"x" * 100
        os.truncate(tmp_path / "out", 50)

    with open(tmp_path / "out", "x+b", buffering=0) as out, pytest.raises(StorageFailed, match="cut short"):
        copied(cut(), out)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system writes what fits, says how much that was, and refuses the rest: as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("by_kernel", [False, True])
def test_a_last_piece_that_fits_in_part_only_is_an_error(tmp_path: Path, by_kernel: bool) -> None:
    (tmp_path / "in").write_bytes(os.urandom(1_500))
    with open(tmp_path / "in", "rb", buffering=0) as file, open(tmp_path / "out", "x+b", buffering=0) as out:
        pieces = iter(lambda: file.read(10_000), b"")
        with files_of_at_most(1_000), pytest.raises(OSError, match="too large"):
            copied(pieces, out, source=file if by_kernel else None)


def test_a_model_that_fits_in_part_only_is_not_put(ws: Workspace, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.write_bytes(os.urandom(8_000_000))
    with files_of_at_most(7_999_999), pytest.raises(StorageFailed):
        ws.vault.put("ranker", weights)
    assert not ws.vault.versions(deleted=True)
    assert not os.listdir(ws.path / "vault" / "tmp")
    assert ws.vault.put("ranker", weights).size_bytes == 8_000_000
