"""How many models something affects: counted by what people would call a model, never fewer for more files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from interlock.catalog import Catalog
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.records import Kind
from interlock.gates.delete import radius

TREE = [
    # MLflow: a model's folder by its marker, whatever is inside
    *(f"mlflow/1/models/m-{m}/artifacts/{f}" for m in "abc" for f in ("MLmodel", "model.pkl", "data/code.py")),
    # a transformer logged with MLflow: markers of its own inside
    *(f"mlflow/2/models/m-d/artifacts/{f}" for f in ("MLmodel", "model/config.json", "model/model.safetensors")),
    # a diffusion pipeline: parts with configurations of their own
    *(f"sd/{f}" for f in ("model_index.json", "unet/config.json", "unet/x.safetensors", "vae/config.json")),
    # checkpoints of one training, and the model it ended in
    *(f"run/{c}{f}" for c in ("", "checkpoint-500/", "checkpoint-900/") for f in ("config.json", "model.safetensors")),
    # a distributed checkpoint
    *(f"dcp/step-1/{f}" for f in (".metadata", "__0_0.distcp", "__1_0.distcp")),
    # no marker: files that are models, each with what describes it beside it, or all in one folder
    *(f"lite/{n}.pkl" for n in range(6)), "lite/readme.md",
    "own/a/model.joblib", "own/a/meta.json", "own/b/model.joblib",
    # shards, a dataset, a loose file
    *(f"big/pytorch_model-0000{n}-of-00004.bin" for n in range(1, 5)),
    *(f"data/day=1/part-{n}.parquet" for n in range(3)),
    "top.onnx", "notes.txt",
]  # fmt: skip
MARKED_ABOVE = ["config.json", "MLmodel"]  # in a folder above all the others


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    with Catalog.create(tmp_path_factory.mktemp("radius")) as made:
        with made.write() as tx:
            kinds = {**dict.fromkeys(TREE, "file"), "team/ranker": "model", "flights": "snapshot"}
            rows = [{"name": n, "kind": k, "next_version": 2, "created_at": tx.now} for n, k in kinds.items()]
            tx.connection.execute(insert(s.names), rows)
        yield made


def models(catalog: Catalog, names: list[str]) -> frozenset[str]:
    with catalog.read() as rx:
        return radius.models(rx, dict.fromkeys(names, Kind.FILE))


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("mlflow/1", {f"mlflow/1/models/m-{m}/artifacts/" for m in "abc"}),
        ("mlflow/2", {"mlflow/2/models/m-d/artifacts/"}),
        ("sd", {"sd/"}),
        ("run", {"run/", "run/checkpoint-500/", "run/checkpoint-900/"}),
        ("dcp", {"dcp/step-1/"}),
        ("lite", {f"lite/{n}.pkl" for n in range(6)}),
        ("own", {"own/a/model.joblib", "own/b/model.joblib"}),
        ("big", {"big/"}),
        ("data", {"data/day=1/"}),
    ],
)
def test_a_folder_counts_the_models_in_it(catalog: Catalog, folder: str, expected: set[str]) -> None:
    assert models(catalog, [n for n in TREE if n.startswith(f"{folder}/")]) == expected


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("mlflow/1/models/m-a/artifacts/data/code.py", "mlflow/1/models/m-a/artifacts/"),
        ("mlflow/1/models/m-a/artifacts/new.bin", "mlflow/1/models/m-a/artifacts/"),
        ("sd/unet/x.safetensors", "sd/"),
        ("top.onnx", "top.onnx"),
        ("notes.txt", "notes.txt"),
        ("own/a/meta.json", "own/a/"),
        ("own/a/MODEL.PKL", "own/a/MODEL.PKL"),
    ],
)
def test_a_file_is_part_of_one_model(catalog: Catalog, file: str, expected: str) -> None:
    assert models(catalog, [file]) == {expected}


def test_a_model_or_snapshot_by_its_name_is_one(catalog: Catalog) -> None:
    with catalog.read() as rx:
        kinds = {"team/ranker": Kind.MODEL, "flights": Kind.SNAPSHOT, "top.onnx": Kind.FILE}
        assert radius.models(rx, kinds) == set(kinds)


@given(st.sets(st.sampled_from(TREE)), st.sets(st.sampled_from(TREE)))
def test_more_files_are_never_fewer_models(catalog: Catalog, some: set[str], more: set[str]) -> None:
    one, both = models(catalog, sorted(some)), models(catalog, sorted(some | more))
    assert len(one) <= len(both)
    assert bool(one) == bool(some)
    assert models(catalog, sorted(some, reverse=True)) == one


@pytest.mark.parametrize("marker", MARKED_ABOVE)
def test_a_marker_above_makes_not_one_model_of_many(tmp_path: Path, marker: str) -> None:
    with Catalog.create(tmp_path) as catalog:
        names = [f"all/{m}/{marker}" for m in range(5)]
        with catalog.write() as tx:
            rows = [
                {"name": n, "kind": "file", "next_version": 2, "created_at": tx.now}
                for n in [*names, f"all/{marker}"]
            ]
            tx.connection.execute(insert(s.names), rows)
        assert len(models(catalog, names)) == 5
