"""A vault in a bucket with versions and object lock."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import interlock
from interlock import Workspace
from interlock.catalog.vault import objects
from interlock.errors import UsageError, VaultError
from interlock.vault.stores.s3 import S3Store
from tests import objectstore
from tests.vault.test_put import tree


@pytest.fixture
def on_s3(ws: Workspace, object_store: objectstore.Server) -> Workspace:
    bucket = object_store.bucket()
    ws.vault.keep_in(object_store.address(bucket, "team"))
    return ws


def test_what_is_put_is_locked_pinned_and_comes_out_again(
    on_s3: Workspace, model: Path, tmp_path: Path
) -> None:
    put = on_s3.vault.put("ranker", model)
    on_s3.vault.put_file("runs/log", b"x")
    on_s3.vault.get("ranker", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(model)
    store = on_s3.vault.stores.main
    for listed in store.list("objects/"):
        held = store.stat(listed.key)
        assert held is not None
        assert held.locked_until is not None
        assert held.locked_until > put.created_at + dt.timedelta(days=29)
        with on_s3.site.catalog.read() as rx:
            assert objects.pinned(rx, "main", held.key) == held.version
    with interlock.open(on_s3.path) as again:
        assert again.vault.open("runs/log").read() == b"x"


def test_what_is_put_over_an_object_or_a_delete_marker_hides_nothing(
    on_s3: Workspace, object_store: objectstore.Server, model: Path, tmp_path: Path
) -> None:
    on_s3.vault.put("ranker", model)
    store = on_s3.vault.stores.main
    assert isinstance(store, S3Store)
    client, bucket = object_store.client(), store.at.bucket
    over, marked = [held.key for held in store.list()][-2:]
    client.put_object(Bucket=bucket, Key=f"team/{over}", Body=b"poison")
    client.delete_object(Bucket=bucket, Key=f"team/{marked}")
    on_s3.vault.get("ranker", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(model)


def test_a_vault_with_versions_stays_where_it_is(on_s3: Workspace, model: Path, tmp_path: Path) -> None:
    on_s3.vault.put("ranker", model)
    with pytest.raises(VaultError, match="already"):
        on_s3.vault.keep_in(str(tmp_path / "elsewhere"))


def test_an_address_that_is_none_is_refused_and_not_repeated(ws: Workspace) -> None:
    with pytest.raises(UsageError) as caught:
        ws.vault.keep_in("s3://bucket/x?secret=hunter2")
    assert "hunter2" not in str(caught.value)
