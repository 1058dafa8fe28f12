"""What versions hold, how they differ, and what they take."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from interlock import Workspace
from interlock.errors import UsageError
from interlock.vault import recipes
from interlock.vault.recipes import Recipe
from interlock.vault.stores.protocol import Readable
from tests.vault.test_put import objects, tree


@pytest.fixture
def checkpoints(tmp_path: Path) -> list[Path]:
    """Two checkpoints of sixteen tensors of 128 KiB; one of them changed."""
    random = np.random.default_rng(0)
    tensors = {f"layer{n}.weight": random.normal(size=32_768).astype("float32") for n in range(16)}
    made = []
    for step in (1, 2):
        folder = tmp_path / f"step{step}"
        folder.mkdir()
        save_file(tensors, folder / "model.safetensors")
        (folder / "notes.txt").write_text("the same")
        made.append(folder)
        tensors["layer3.weight"] = tensors["layer3.weight"] + 1
    return made


def test_with_dedup_a_second_checkpoint_costs_what_changed(
    ws: Workspace, checkpoints: list[Path], tmp_path: Path
) -> None:
    ws.vault.put("net", checkpoints[0], dedup="tensor")
    first = ws.vault.du().stored_bytes
    ws.vault.put("net", checkpoints[1], dedup="tensor")
    assert ws.vault.du().stored_bytes - first < 1.05 * 131_072
    for version, folder in enumerate(checkpoints, 1):
        ws.vault.get(f"net@v{version}", tmp_path / f"out{version}")
        assert tree(tmp_path / f"out{version}") == tree(folder)
    assert (
        ws.vault.open("net@v2/model.safetensors").read()
        == (checkpoints[1] / "model.safetensors").read_bytes()
    )
    assert len(objects(ws)) == 1, "only the small file is a plain object"


def test_files_in_chunks_are_read_one_after_the_other_since_each_takes_many_threads(
    ws: Workspace, checkpoints: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = {f"{i}.safetensors": folder / "model.safetensors" for i, folder in enumerate(checkpoints * 3)}
    ws.vault.put("net", shards, dedup="tensor")
    read, open_ = recipes.read, list[str]()

    def watched(store: Readable, recipe: Recipe) -> Iterator[bytes]:
        assert open_ == []
        open_.append(recipe.key)
        yield from read(store, recipe)
        open_.remove(recipe.key)

    monkeypatch.setattr(recipes, "read", watched)
    paths = ws.vault.get("net", tmp_path / "out")
    assert [path.name for path in paths] == sorted(shards)
    assert all(path.read_bytes() == shards[path.name].read_bytes() for path in paths)


def test_a_missing_chunk_is_found_on_read(ws: Workspace, checkpoints: list[Path], tmp_path: Path) -> None:
    from interlock.errors import ObjectCorrupt, ObjectMissing

    ws.vault.put("net", checkpoints[0], dedup="tensor")
    chunk = max(
        (ws.path / "vault" / "chunks").rglob("*"), key=lambda p: p.stat().st_size if p.is_file() else 0
    )
    data = chunk.read_bytes()
    chunk.chmod(0o644)
    chunk.write_bytes(data[:-1] + b"x")
    with pytest.raises(ObjectCorrupt):
        ws.vault.get("net", tmp_path / "out")
    chunk.unlink()
    with pytest.raises(ObjectMissing):
        ws.vault.open("net@v1/model.safetensors")
    assert "model.safetensors" not in tree(tmp_path / "out")


@pytest.mark.parametrize("dedup", ["file", "tensor"])
def test_a_diff_names_the_tensors_that_changed_and_by_how_much(
    ws: Workspace, checkpoints: list[Path], dedup: str
) -> None:
    (checkpoints[1] / "new.txt").write_text("x")
    for folder in checkpoints:
        ws.vault.put("net", folder, dedup=dedup)
    found = ws.vault.diff("net@v1", "net@v2")
    assert (found.added, found.removed) == (("new.txt",), ())
    (changed,) = found.changed
    assert changed.tensors is not None
    (tensor,) = changed.tensors.changed
    assert tensor.before.name == "layer3.weight"
    assert tensor.measured is not None
    assert tensor.measured.max_abs == pytest.approx(1, abs=1e-6)
    assert changed.tensors.unchanged == 15


def test_what_a_file_is_is_told_without_running_it(ws: Workspace, checkpoints: list[Path]) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            import os

            return os.system, ("touch /tmp/pwned",)

    ws.vault.put(
        "net", {"a.pkl": pickle.dumps(Evil()), "m.safetensors": checkpoints[0] / "model.safetensors"}
    )
    found = ws.vault.contents("net")
    assert found["m.safetensors"].kind == "safetensors"
    assert "system" in str(found["a.pkl"])


def test_du_counts_what_is_the_same_once(ws: Workspace, model: Path) -> None:
    ws.vault.put("a/x", model)
    ws.vault.put("a/y", model)
    ws.vault.put("b", {"f": b"1" * 100})
    assert ws.vault.du("a").to_dict() == {
        "versions": 2, "files": 6, "held_bytes": 4 * 1_280_000, "stored_bytes": 1_280_000
    }  # fmt: skip
    assert ws.vault.du("b").stored_bytes == 100
    assert ws.vault.du().held_bytes == 4 * 1_280_000 + 100


def test_another_dedup_is_refused(ws: Workspace, model: Path) -> None:
    with pytest.raises(UsageError, match="tensor"):
        ws.vault.put("a", model, dedup="tensors")


def test_a_plain_object_is_the_file_itself(ws: Workspace, checkpoints: list[Path]) -> None:
    ws.vault.put("net", checkpoints[0])
    (file,) = [f for f in ws.vault.manifest("net").files if f.path == "model.safetensors"]
    assert file.sha256 == hashlib.sha256((checkpoints[0] / "model.safetensors").read_bytes()).hexdigest()
