"""Models in a bucket are adopted where they are: by versions, which outlive a delete, and locked where it locks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from interlock import Workspace
from interlock.catalog.vault import policy
from interlock.errors import DataNotFound, ObjectCorrupt, ObjectMissing, StoreRefused, UsageError
from interlock.vault.adopt import Adopted
from tests import objectstore

ODD = "models/ranker/ü a?b#c%25.bin"


def filled(store: objectstore.Server, *, lock: bool = False, versions: bool = True) -> str:
    """A bucket with a model in a folder, one that is an object, and what is none."""
    bucket = store.bucket(lock=lock, versions=versions)
    for key, data in {
        "models/ranker/weights.bin": b"weights" * 100_000,
        ODD: b"odd",
        "models/lite.pkl": b"lite",
        "models/.hidden/x": b"x",
        "models/ranker/": b"",
        "elsewhere/x": b"x",
    }.items():
        store.client().put_object(Bucket=bucket, Key=key, Body=data)
    return bucket


def refs(made: Adopted) -> list[str]:
    return [record.ref for record in made.versions]


def files_of(ws: Workspace, ref: str, into: Path) -> dict[str, bytes]:
    return {p.relative_to(into).as_posix(): p.read_bytes() for p in ws.vault.get(ref, into)}


def test_objects_are_locked_where_they_are_and_outlive_a_delete(
    ws: Workspace, object_store: objectstore.Server, tmp_path: Path
) -> None:
    bucket, client = filled(object_store, lock=True), object_store.client()
    made = ws.vault.adopt(object_store.address(bucket, "models"))
    assert refs(made) == made.by("locked") == ["models/lite.pkl@v1", "models/ranker@v1"]
    assert made.left_out == ()
    for key in ("models/ranker/weights.bin", ODD, "models/lite.pkl"):
        held = client.get_object_retention(Bucket=bucket, Key=key)["Retention"]
        assert held["Mode"] == "COMPLIANCE"
        days = (held["RetainUntilDate"] - dt.datetime.now(dt.UTC)).days
        assert days in (29, 30)
        client.delete_object(Bucket=bucket, Key=key)
    client.put_object(Bucket=bucket, Key="models/lite.pkl", Body=b"other")
    weights = {"weights.bin": b"weights" * 100_000, "ü a?b#c%25.bin": b"odd"}
    assert files_of(ws, "models/ranker", tmp_path / "a") == weights
    assert files_of(ws, "models/lite.pkl", tmp_path / "b") == {"lite.pkl": b"lite"}
    (listed,) = ws.vault.manifest("models/lite.pkl").files
    assert (listed.stored, (listed.at or "").partition("?")[0]) == (
        "adopted",
        f"s3://{bucket}/models/lite.pkl",
    )
    assert not (ws.path / "vault" / "objects").exists()
    again = ws.vault.adopt(object_store.address(bucket, "models"))
    assert refs(again) == ["models/lite.pkl@v2"]  # the other name lists nothing any more
    assert files_of(ws, "models/lite.pkl@v1", tmp_path / "c") == {"lite.pkl": b"lite"}


def test_adopting_again_locks_for_longer_and_reads_nothing(
    ws: Workspace, object_store: objectstore.Server
) -> None:
    bucket = filled(object_store, lock=True)
    ws.vault.adopt(object_store.address(bucket, "models"))
    with ws.site.catalog.write() as tx:
        policy.put(tx, policy.get(tx).with_({"retention_days": 60}))
    object_store.damage(bucket, "models/lite.pkl")  # whoever reads would see
    again = ws.vault.adopt(object_store.address(bucket, "models"))
    assert ([r.ref for r in again.known], again.versions) == (["models/lite.pkl@v1", "models/ranker@v1"], ())
    held = object_store.client().get_object_retention(Bucket=bucket, Key="models/lite.pkl")["Retention"]
    assert (held["RetainUntilDate"] - dt.datetime.now(dt.UTC)).days in (59, 60)


def test_locks_of_originals_are_renewed_while_a_version_needs_them(
    ws: Workspace, object_store: objectstore.Server
) -> None:
    bucket, client = filled(object_store, lock=True), object_store.client()
    ws.vault.adopt(object_store.address(bucket, "models"))
    first = client.head_object(Bucket=bucket, Key="models/lite.pkl")["VersionId"]
    client.put_object(Bucket=bucket, Key="models/lite.pkl", Body=b"other")
    ws.vault.adopt(object_store.address(bucket, "models"))
    ws.vault.delete("models/ranker")
    with ws.site.catalog.write() as tx:
        policy.put(tx, policy.get(tx).with_({"retention_days": 90}))

    def days(key: str, **which: str) -> int:
        held = client.get_object_retention(Bucket=bucket, Key=key, **which)["Retention"]
        return int((held["RetainUntilDate"] - dt.datetime.now(dt.UTC)).days)

    assert ws.vault.renew().ok
    assert {days("models/lite.pkl"), days("models/lite.pkl", VersionId=first)} <= {89, 90}
    assert days("models/ranker/weights.bin") in (89, 90)  # a tombstone can be restored
    object_store.remove(bucket, "models/lite.pkl", first)
    with ws.site.catalog.write() as tx:
        policy.put(tx, policy.get(tx).with_({"retention_days": 300}))
    told = ws.vault.renew()
    assert [key.partition("?")[0] for _, key in told.short] == [f"s3://{bucket}/models/lite.pkl"]
    assert days("models/lite.pkl") in (299, 300)


def test_versions_outlive_a_delete_but_not_whoever_deletes_versions(
    ws: Workspace, object_store: objectstore.Server, tmp_path: Path
) -> None:
    bucket, client = filled(object_store), object_store.client()
    made = ws.vault.adopt(object_store.address(bucket, "models"), "team")
    assert made.by("pinned") == ["team/lite.pkl@v1", "team/ranker@v1"]
    version = client.head_object(Bucket=bucket, Key="models/lite.pkl")["VersionId"]
    client.delete_object(Bucket=bucket, Key="models/lite.pkl")
    assert files_of(ws, "team/lite.pkl", tmp_path / "a") == {"lite.pkl": b"lite"}
    client.delete_object(Bucket=bucket, Key="models/lite.pkl", VersionId=version)
    with pytest.raises(ObjectMissing):
        ws.vault.get("team/lite.pkl", tmp_path / "b")


def test_bytes_that_changed_underneath_are_not_handed_out(
    ws: Workspace, object_store: objectstore.Server, tmp_path: Path
) -> None:
    bucket = filled(object_store, lock=True)
    ws.vault.adopt(object_store.address(bucket, "models"))
    object_store.damage(bucket, "models/ranker/weights.bin")
    with pytest.raises(ObjectCorrupt, match="not what was put"):
        ws.vault.get("models/ranker", tmp_path / "out")
    assert not (tmp_path / "out" / "weights.bin").exists()


def test_without_versions_it_is_recorded_and_told_to_be_unprotected(
    ws: Workspace, object_store: objectstore.Server, tmp_path: Path
) -> None:
    bucket, client = filled(object_store, versions=False), object_store.client()
    made = ws.vault.adopt(object_store.address(bucket, "models"))
    assert made.by("bare") == ["models/lite.pkl@v1", "models/ranker@v1"]
    assert files_of(ws, "models/lite.pkl", tmp_path / "a") == {"lite.pkl": b"lite"}
    client.put_object(Bucket=bucket, Key="models/lite.pkl", Body=b"LITE")
    with pytest.raises(ObjectMissing):
        ws.vault.get("models/lite.pkl", tmp_path / "b")
    copied = ws.vault.adopt(object_store.address(bucket, "models"), copy=True)
    assert copied.by("kept") == refs(copied) == ["models/lite.pkl@v2", "models/ranker@v2"]
    for key in object_store.client().list_objects_v2(Bucket=bucket)["Contents"]:
        client.delete_object(Bucket=bucket, Key=key["Key"])
    assert files_of(ws, "models/ranker", tmp_path / "c")["weights.bin"] == b"weights" * 100_000


def test_what_becomes_a_model_is_a_choice_there_too(ws: Workspace, object_store: objectstore.Server) -> None:
    bucket = filled(object_store)
    made = ws.vault.adopt(object_store.address(bucket, "models"), "whole", each="all")
    assert [(r.ref, r.files) for r in made.versions] == [("whole@v1", 3)]
    made = ws.vault.adopt(object_store.address(bucket, "models"), "each", each="file")
    assert refs(made) == [
        "each/lite.pkl@v1",
        "each/ranker/weights.bin@v1",
        "each/ranker/ü a?b#c%25.bin@v1",
    ]
    made = ws.vault.adopt(object_store.address(bucket), "top")
    assert [(r.ref, r.files) for r in made.versions] == [("top/elsewhere@v1", 1), ("top/models@v1", 4)]


def test_what_cannot_be_so_named_is_left_out(ws: Workspace, object_store: objectstore.Server) -> None:
    bucket = filled(object_store)
    object_store.client().put_object(Bucket=bucket, Key="models/at@home/x", Body=b"x")
    made = ws.vault.adopt(object_store.address(bucket, "models"))
    assert refs(made) == ["models/lite.pkl@v1", "models/ranker@v1"]
    assert [found.name for found in made.left_out] == ["models/at@home"]


def test_where_nothing_is_and_what_may_not_be_read_is_told(
    ws: Workspace, object_store: objectstore.Server
) -> None:
    bucket = filled(object_store)
    with pytest.raises(DataNotFound, match=f"there is nothing in s3://{bucket}/nowhere"):
        ws.vault.adopt(object_store.address(bucket, "nowhere"))
    with pytest.raises(StoreRefused):
        ws.vault.adopt(object_store.address(bucket, who=objectstore.REPLICA))
    with pytest.raises(UsageError) as refused:
        ws.vault.adopt(f"s3://{bucket}/models?secret=hunter2")
    assert "hunter2" not in str(refused.value)
