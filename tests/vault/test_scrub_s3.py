"""Scrub and replica on a real S3 server, whose locks are bypassed from underneath."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock import Workspace
from interlock.catalog import clock
from interlock.catalog.vault import copies, marks, versions
from interlock.catalog.vault.records import VersionState
from interlock.vault.damage import What
from interlock.vault.stores.opened import MAIN, REPLICA
from interlock.vault.stores.s3 import S3Store
from interlock.verify import verify
from interlock.workspace.vault import Vault
from tests import objectstore
from tests.vault import stories

DAY = dt.timedelta(days=1)


class Bucket:
    """A store of the vault, as whoever has the server's disks sees it."""

    def __init__(self, server: objectstore.Server, vault: Vault, name: str) -> None:
        store = dict(vault.stores.each())[name]
        assert isinstance(store, S3Store)
        self.server, self.store, self.name = server, store, store.at.bucket
        self.client: Any = server.client()

    def path(self, key: str) -> str:
        return f"{self.store.at.prefix}{key}"

    def keys(self) -> list[str]:
        return [held.key for held in self.store.list()]

    def contents(self) -> dict[str, bytes]:
        return {key: b"".join(self.store.read(key)) for key in self.keys()}

    def damage(self, key: str, **how: Any) -> None:
        self.server.damage(self.name, self.path(key), **how)

    def remove(self, key: str) -> None:
        self.server.remove(self.name, self.path(key))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, object_store: objectstore.Server) -> Iterator[Workspace]:
    """Both stores are buckets that lock, each under its own credentials. Each test leaves it mended."""
    folder = tmp_path_factory.mktemp("shared")
    with interlock.open(folder / "workspace") as ws:
        ws.vault.keep_in(object_store.address(object_store.bucket(objectstore.MAIN), "team"))
        stories.fill(ws.vault, folder)
        ws.vault.set_replica(object_store.address(object_store.bucket(objectstore.REPLICA), "copy"))
        assert ws.vault.replicate().ok
        yield ws


@pytest.fixture
def vault(shared: Workspace) -> Vault:
    return shared.vault


@pytest.fixture
def main(vault: Vault, object_store: objectstore.Server) -> Bucket:
    return Bucket(object_store, vault, MAIN)


@pytest.fixture
def replica(vault: Vault, object_store: objectstore.Server) -> Bucket:
    return Bucket(object_store, vault, REPLICA)


def until(bucket: Bucket, key: str) -> dt.datetime:
    held = bucket.store.stat(key)
    assert held is not None
    assert held.locked_until is not None
    return held.locked_until


def test_a_replica_in_a_bucket_holds_everything_locked_and_pinned(
    vault: Vault, main: Bucket, replica: Bucket
) -> None:
    assert replica.contents() == main.contents()
    with vault.stores.catalog.read() as rx:
        for key in set(replica.keys()) - {"format.json"}:
            copy = copies.one(rx, REPLICA, key)
            assert copy is not None
            held = replica.store.stat(key, version=copy.version)
            assert held is not None
            assert held.locked_until == copy.locked_until
            assert until(replica, key) > clock.now() + 29 * DAY


@pytest.mark.parametrize("name", [MAIN, REPLICA])
def test_what_was_damaged_past_the_lock_is_found_and_mended(
    vault: Vault, object_store: objectstore.Server, name: str
) -> None:
    bucket = Bucket(object_store, vault, name)
    before = bucket.contents()
    keys = [key for key in sorted(before) if before[key]]
    changes = [objectstore.flipped, lambda data: data[:-1], lambda data: data + b"\n", None]
    for number, key in enumerate(keys):
        change = changes[number % len(changes)]
        if change is None:
            bucket.remove(key)
        else:
            bucket.damage(key, change=change)
    found = vault.scrub()
    assert {(f.store, f.key) for f in found.findings} == {(name, key) for key in keys}
    assert vault.scrub(repair=True).ok
    assert bucket.contents() == before
    assert vault.scrub().counts == {}
    assert all(until(bucket, key) > clock.now() + 29 * DAY for key in keys if key != "format.json")


def test_exchanged_objects_are_named_and_mended(vault: Vault, main: Bucket) -> None:
    before = main.contents()
    one, other = (stories.key_of(data) for data in (stories.WEIGHTS, b"of v2"))
    main.damage(one, change=lambda _: before[other])
    main.damage(other, change=lambda _: before[one])
    report = vault.scrub(repair=True)
    assert {(f.key, f.what, f.detail) for f in report.findings} == {
        (one, What.SWAPPED, f"it holds the bytes of {other}"),
        (other, What.SWAPPED, f"it holds the bytes of {one}"),
    }
    assert report.ok
    assert main.contents() == before


def test_a_verification_reads_buckets_by_itself(shared: Workspace, main: Bucket) -> None:
    whole = verify(shared.path, data=True)
    assert (whole.problems, whole.versions) == ([], 5)
    key, other = stories.key_of(stories.WEIGHTS), stories.key_of(b"of v2")
    main.client.put_object(Bucket=main.name, Key=main.path(key), Body=b"over what is pinned")
    assert verify(shared.path, data=True).ok, "the pinned bytes are there"
    main.damage(other)
    assert [p.place for p in verify(shared.path, data=True).problems] == [other]
    main.remove("versions/ranker/v1.json")
    assert [p.what for p in verify(shared.path).problems] == ["is missing"]
    assert shared.vault.scrub(repair=True).ok
    assert verify(shared.path, data=True).ok


def test_delete_markers_and_newer_versions_hide_nothing(vault: Vault, main: Bucket) -> None:
    """They need no right but that to write; the pinned bytes below are whole, so no replica is needed."""
    before = main.contents()
    over, marked = stories.key_of(stories.WEIGHTS), "versions/ranker/v1.json"
    main.client.put_object(Bucket=main.name, Key=main.path(over), Body=b"poison")
    main.client.delete_object(Bucket=main.name, Key=main.path(marked))
    found = vault.scrub(store=MAIN)
    assert {(f.key, f.what, f.detail) for f in found.findings} == {
        (over, What.HIDDEN, "other bytes lie over it"),
        (marked, What.HIDDEN, "a delete marker lies over it"),
    }
    mended = vault.scrub(repair=True)
    assert {f.repaired for f in mended.findings} == {MAIN}
    assert main.contents() == before
    assert vault.scrub().counts == {}


def test_a_lock_that_is_gone_is_found_and_put_back(vault: Vault, main: Bucket) -> None:
    key = stories.key_of(stories.WEIGHTS)
    with vault.stores.catalog.write() as tx:
        copy = copies.one(tx, MAIN, key)
        assert copy is not None
        copies.locked(tx, copy, clock.now() + 90 * DAY)  # as it would be, had somebody shortened it
    found = vault.scrub()
    assert [(f.key, f.what) for f in found.findings] == [(key, What.UNLOCKED)]
    assert vault.scrub(repair=True).ok
    assert until(main, key) > clock.now() + 89 * DAY


def test_locks_are_renewed_while_anything_that_can_be_read_needs_them(vault: Vault, main: Bucket) -> None:
    record = vault.put_file("runs/gone", b"z" * 10)
    assert vault.renew().renewed == 0, "they are locked for longer than half the retention"
    with vault.stores.catalog.write() as tx:
        versions.tombstone(tx, [record.id], who="kim", purge_after=tx.now)
        versions.change(tx, [record.id], VersionState.DELETED, VersionState.PURGED)
        marks.forget_uses(tx, [record.id])
    gone = {stories.key_of(b"z" * 10), "versions/runs/gone/v1.json"}
    with clock.at(clock.now() + 16 * DAY):
        assert vault.renew().renewed >= len(main.keys()) - 3
        assert vault.renew().renewed == 0
    assert all(until(main, key) < clock.now() + 31 * DAY for key in gone)
    with vault.stores.catalog.read() as rx:
        for key in set(main.keys()) - gone - {"format.json"}:
            copy = copies.one(rx, MAIN, key)
            assert copy is not None
            assert copy.locked_until == until(main, key) > clock.now() + 45 * DAY


def test_a_store_that_does_not_lock_as_it_is_asked_is_said_each_time(
    vault: Vault, main: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(main.store), "retain", lambda *_: None)
    with clock.at(clock.now() + 200 * DAY):
        count = len(vault.renew().short)
        assert count > 20
        assert not vault.replicate().ok
        report = vault.scrub(since=clock.now())
    assert report.counts == {"unlocked": count}
    assert not report.ok
    monkeypatch.undo()
    assert vault.renew().renewed == count


def test_a_main_store_that_does_not_answer_is_read_from_the_replica(
    vault: Vault, main: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from interlock.errors import StoreUnreachable

    def silent(*_: object, **__: object) -> object:
        raise StoreUnreachable("no answer")

    for name in ("read", "stat", "facts"):
        monkeypatch.setattr(main.store, name, silent)
    with pytest.warns(interlock.HealthWarning, match="from the replica"):
        vault.get("ranker", tmp_path / "out")
    with pytest.raises(StoreUnreachable):
        vault.scrub()
