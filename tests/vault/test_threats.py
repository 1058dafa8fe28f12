"""Each cell of docs/threat-model.md that says *prevented* or *detected* is a test here, called after it."""

from __future__ import annotations

import datetime as dt
import io
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard
from botocore.exceptions import ClientError
from sqlalchemy import text

import interlock
from interlock import Workspace
from interlock.catalog import clock
from interlock.catalog.canonical import canonical, parse
from interlock.catalog.vault import policy
from interlock.errors import (
    ApprovalRefused,
    DeleteRefused,
    HealthWarning,
    NameRefused,
    ObjectCorrupt,
    ObjectMissing,
)
from interlock.gates.delete import approval
from interlock.gates.delete.gate import Gate
from interlock.integrations.filesystem import VaultFileSystem
from interlock.names import Digest
from interlock.vault.damage import What
from interlock.vault.manifest import Stored
from interlock.vault.stores.s3 import S3Store
from interlock.vault.threats import ACTIONS, THREATS, WHO, Adversary, Answer
from interlock.verify import verify
from interlock.workspace.vault import Vault
from tests import objectstore
from tests.vault import harm, stories

DAY = dt.timedelta(days=1)
MOST, MANY = 3, 5  # models that one person's doings may affect here, and how many there are


# --- the table ----------------------------------------------------------------------------


def test_every_cell_has_its_test_and_every_test_its_cell() -> None:
    here = {name for name in globals() if name.startswith("test_") and "_by_a" in name}
    assert here == {threat.test for threat in THREATS if threat.test}


def test_the_table_is_whole() -> None:
    assert len({(t.adversary, t.action) for t in THREATS}) == len(THREATS)
    assert {t.action for t in THREATS} == set(ACTIONS)
    assert set(WHO) == set(Adversary)
    assert all((t.within is not None) == (t.answer is Answer.DETECTED) for t in THREATS)


# --- whoever goes through Interlock ---------------------------------------------------------


@pytest.fixture
def many(ws: Workspace) -> Workspace:
    """A folder with more models than one person may affect, and a file."""
    with ws.site.catalog.write() as tx:
        policy.put(tx, replace(policy.get(tx), radius_models=MOST))
    for i in range(MANY):
        ws.vault.put(f"models/{i}", {"model.bin": b"%d" % i})
    ws.vault.put_file("notes/log.txt", b"log")
    return ws


def second(ws: Workspace) -> Gate:
    """The delete gate, as another person stands before it."""
    return Gate(ws.site, ws.vault.stores, "lee")


def live(ws: Workspace) -> list[str]:
    return [v.ref for v in ws.vault.versions()]


def test_deleting_by_a_user_is_prevented(ws: Workspace) -> None:
    ws.vault.put("ranker", {"model.bin": b"one"})
    ws.vault.put_file("notes/log.txt", b"log")
    before = live(ws)
    ws.vault.delete("ranker@v1")
    VaultFileSystem(workspace=str(ws.path), skip_instance_cache=True).rm("notes/log.txt")
    assert live(ws) == []
    assert ws.vault.open("ranker@v1", deleted=True).read() == b"one"
    ws.vault.restore("/")
    assert live(ws) == before
    assert ws.vault.open("notes/log.txt").read() == b"log"


def test_deleting_a_parent_by_a_user_is_prevented(many: Workspace) -> None:
    before = live(many)
    fs = VaultFileSystem(workspace=str(many.path), skip_instance_cache=True)
    ways: list[Callable[[], object]] = [
        lambda: many.vault.delete("models/"),
        lambda: many.vault.delete("/"),
        lambda: many.vault.delete(*before),
        lambda: many.vault.rename("models", "trash"),
        lambda: fs.rm("models", recursive=True),
        lambda: fs.rm("models/*", recursive=True),
    ]
    for way in ways:
        with pytest.raises((DeleteRefused, PermissionError), match="second person"):
            way()
    assert live(many) == before
    assert {r.state.value for r in many.vault.requests()} == {"pending"}
    said = [
        e for e in many.ledger_entries(100) if e["kind"] == "vault" and e["action"] in ("delete", "rename")
    ]
    assert len(said) == len(ways) and {e["state"] for e in said} == {"pending"}


def test_many_small_calls_by_a_user_is_prevented(many: Workspace) -> None:
    many.vault.put("models/0", {"model.bin": b"newer"})
    many.vault.alias("models/0@v1", "champion")
    many.vault.alias("models/0@v2", "champion")
    many.vault.delete("models/1")
    many.vault.rename("models/2", "elsewhere/2")
    for way in (
        lambda: many.vault.delete("models/3"),
        lambda: many.vault.rename("models/3", "x"),
        lambda: many.vault.delete("elsewhere/2", "models/3"),
    ):
        with pytest.raises(DeleteRefused, match="in the last 24 h"):
            way()
    many.vault.restore("models/1")
    many.vault.delete("models/3")


def test_purging_early_by_a_user_is_prevented(ws: Workspace) -> None:
    ws.vault.put("ranker", {"model.bin": b"one"})
    ws.vault.delete("ranker")
    with clock.at(clock.now() + 29 * DAY):
        with pytest.raises(DeleteRefused, match="can be restored until"):
            ws.vault.purge("ranker")
        assert ws.vault.requests()[0].state == "refused", "nobody can approve it"
    assert ws.vault.open("ranker@v1", deleted=True).read() == b"one"


def test_purging_what_is_used_by_a_user_is_prevented(ws: Workspace) -> None:
    ws.vault.put("base", {"model.bin": b"one"})
    ws.vault.put("held", {"model.bin": b"two"})
    for name in ("base", "held"):
        ws.vault.delete(name)
    ws.vault.put("child", {"model.bin": b"three"}, lineage={"models": ["base@v1"]})
    ws.vault.hold("held", "case 7")
    with clock.at(clock.now() + 31 * DAY):
        for name, why in (("base", "child@v1"), ("held", "hold")):
            with pytest.raises(DeleteRefused, match=why):
                ws.vault.purge(name)
            assert ws.vault.requests()[0].state == "refused", "nobody can approve it"


def test_approving_oneself_by_a_user_is_prevented(many: Workspace) -> None:
    with pytest.raises(DeleteRefused) as refused:
        many.vault.delete("models/")
    assert refused.value.request
    with pytest.raises(ApprovalRefused, match="own request"):
        many.vault.approve(refused.value.request)
    with pytest.raises(ApprovalRefused):
        many.vault.approve(refused.value.request, key="made:up")
    assert len(live(many)) == MANY + 1


def test_replaying_an_approval_by_a_user_is_prevented(many: Workspace) -> None:
    with pytest.raises(DeleteRefused) as refused:
        many.vault.delete("models/")
    request = refused.value.request
    assert request
    many.vault.put("models/0", {"model.bin": b"after it was asked"})
    approval.approve(second(many), request)
    assert live(many) == ["models/0@v2", "notes/log.txt@v1"], "what is newer than the request stays"
    many.vault.restore(request)
    for way in (lambda: approval.approve(second(many), request), lambda: many.vault.approve(request)):
        with pytest.raises(ApprovalRefused):
            way()
    assert len(live(many)) == MANY + 2
    with pytest.raises(DeleteRefused):
        many.vault.delete("models/")


def test_loosening_the_policy_by_a_user_is_prevented(many: Workspace) -> None:
    before = many.vault.policy
    for change in (
        {"retention_days": 0},
        {"radius_models": 1_000},
        {"radius_window_h": 1},
        {"collect_grace_h": 1},
    ):
        with pytest.raises(DeleteRefused, match="second person"):
            many.vault.set_policy(**change)
    assert many.vault.policy == before
    many.vault.set_policy(retention_days=60)
    assert many.vault.policy.retention_days == 60


def test_acting_as_another_by_a_user_is_prevented(ws: Workspace) -> None:
    code = f"import interlock; print(interlock.open({str(ws.path)!r}).identity)"
    lies = dict.fromkeys(("USER", "LOGNAME", "USERNAME", "LNAME", "SUDO_USER"), "lee")
    out = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **lies}, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == ws.identity != "lee"


def test_overwriting_by_a_user_is_prevented(ws: Workspace) -> None:
    fs = VaultFileSystem(workspace=str(ws.path), skip_instance_cache=True)
    for data in (b"one", b"two"):
        ws.vault.put("ranker", {"model.bin": data})
        fs.pipe("log.txt", data)
    assert ws.vault.open("ranker@v1").read() == fs.cat("log.txt@v1") == b"one"
    for path in ("ranker@v1/model.bin", "log.txt@v1"):
        with pytest.raises(PermissionError):
            fs.open(path, "wb")
    ws.vault.delete("ranker")
    assert ws.vault.put("ranker", {"model.bin": b"three"}).version == 3


OUT = ("../out", "a/../../out", "/etc/out", "..", "a\\..\\out")


def test_leading_out_of_the_folder_by_a_user_is_prevented(ws: Workspace) -> None:
    fs = VaultFileSystem(workspace=str(ws.path), skip_instance_cache=True)
    for path in OUT:
        with pytest.raises(NameRefused):
            ws.vault.put("ranker", {path: b"x"})
        with pytest.raises(NameRefused):
            ws.vault.put(path, {"model.bin": b"x"})
        if not path.startswith("/"):
            with pytest.raises(OSError, match="part"):
                fs.open(path, "wb")
    assert ws.vault.versions(deleted=True) == []


# --- the workspace's operating-system user --------------------------------------------------


@pytest.fixture
def copied(ws: Workspace, tmp_path: Path) -> Vault:
    """With a replica that the user who does the damage does not know of."""
    stories.fill(ws.vault, tmp_path)
    ws.vault.set_replica(str(tmp_path / "replica"))
    assert ws.vault.replicate().ok
    return ws.vault


def main(vault: Vault) -> Path:
    return vault.stores.main.root  # type: ignore[attr-defined,no-any-return]


def mended(vault: Vault, kinds: set[What]) -> None:
    """A scrub says so, the replica's bytes are read meanwhile, and a repair puts them back."""
    before = harm.contents(vault.stores.replica.root)  # type: ignore[union-attr]
    assert {f.what for f in vault.scrub().findings} == kinds
    with pytest.warns(HealthWarning, match="replica"):
        assert vault.open("ranker@v1/weights.bin").read() == stories.WEIGHTS
    assert vault.scrub(repair=True).ok
    assert {k: v for k, v in harm.contents(main(vault)).items() if k in before} == before


def unread(vault: Vault) -> None:
    """Without a replica nothing is handed out as whole."""
    with vault.stores.catalog.write() as tx:
        tx.connection.execute(text("DELETE FROM interlock_workspace WHERE key = 'vault_replica'"))
    with interlock.open(vault.stores.catalog.folder) as alone, pytest.raises((ObjectCorrupt, ObjectMissing)):
        alone.vault.open("ranker@v1/weights.bin")


@pytest.mark.parametrize("kind", ["flip", "cut", "grow", "replace"])
def test_changing_objects_by_an_os_user_is_detected(copied: Vault, kind: str) -> None:
    harm.KINDS[kind](harm.files(main(copied))[stories.key_of(stories.WEIGHTS)])
    mended(copied, {What.CORRUPT})
    harm.KINDS[kind](harm.files(main(copied))[stories.key_of(stories.WEIGHTS)])
    unread(copied)


def test_removing_objects_by_an_os_user_is_detected(copied: Vault) -> None:
    shutil.rmtree(main(copied) / "objects")
    mended(copied, {What.MISSING})
    shutil.rmtree(main(copied))
    unread(copied)


def poisoned(data: bytes) -> bytes:
    """A manifest with the digest of another file in it."""
    made = parse(data)
    for file in made["files"]:
        file["sha256"] = Digest.of(b"of v2").hex
    return canonical(made)


def test_poisoning_a_manifest_by_an_os_user_is_detected(copied: Vault) -> None:
    path = main(copied) / "versions/ranker/v1.json"
    harm.rewrite(path, poisoned(path.read_bytes()))
    mended(copied, {What.CORRUPT})
    harm.rewrite(path, poisoned(path.read_bytes()))
    unread(copied)


def test_leading_out_of_the_folder_by_an_os_user_is_prevented(ws: Workspace, tmp_path: Path) -> None:
    ws.vault.put("ranker", {"model.bin": b"one"})
    path = main(ws.vault) / "versions/ranker/v1.json"
    for out in OUT:
        data = canonical({**(made := parse(path.read_bytes())), "files": [{**made["files"][0], "path": out}]})
        harm.rewrite(path, data)
        with ws.site.catalog.write() as tx:
            tx.connection.execute(
                text("UPDATE interlock_vault_version SET manifest = :digest"), {"digest": Digest.of(data).hex}
            )
        with pytest.raises(ObjectCorrupt, match="no manifest"):
            ws.vault.get("ranker", tmp_path / "into")
    assert not (tmp_path / "into").exists() and not (tmp_path / "out").exists()


def test_filling_the_memory_by_an_os_user_is_prevented(ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"interlock " * 400_000)
    ws.vault.put("ranker", tmp_path / "model.bin", dedup="tensor")
    chunks = list((main(ws.vault) / "chunks").rglob("*.zst"))
    assert chunks
    bomb = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(bomb, closefd=False, size=512 << 20) as writer:
        for _ in range(512):
            writer.write(bytes(1 << 20))
    for path in chunks:
        harm.rewrite(path, bomb.getvalue())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ObjectCorrupt):
        ws.vault.get("ranker", tmp_path / "into")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10
    assert list((tmp_path / "into").iterdir()) == []


def test_changing_the_ledger_by_an_os_user_is_detected(ws: Workspace) -> None:
    ws.vault.put("ranker", {"model.bin": b"one"})
    ws.vault.delete("ranker")
    assert ws.verify_ledger().ok
    (entries,) = [p for p in (ws.path / "ledger/tile/entries").rglob("*") if p.is_file()]
    data = entries.read_bytes()
    assert b'"state":"deleted"' in data
    entries.write_bytes(data.replace(b'"state":"deleted"', b'"state":"purged_"'))
    assert not ws.verify_ledger().ok


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE interlock_vault_version SET state = 'purged' WHERE version = 1",
        "UPDATE interlock_vault_version SET state = 'live' WHERE state = 'deleted'",
        f"UPDATE interlock_vault_version SET manifest = '{'0' * 64}' WHERE version = 1",
        "DELETE FROM interlock_vault_version WHERE version = 1",
    ],
)
def test_changing_the_catalog_by_an_os_user_is_detected(ws: Workspace, change: str) -> None:
    for data in (b"one", b"two", b"three"):
        ws.vault.put("ranker", {"model.bin": data})
    ws.vault.delete("ranker@v2")
    assert verified(ws)
    with ws.site.catalog.write() as tx:
        tx.connection.execute(text(change))
    assert not verified(ws)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM interlock_vault_alias",
        "UPDATE interlock_vault_alias SET version = 1",
        "INSERT INTO interlock_vault_alias SELECT name, 'other', 1, moved_at, who FROM interlock_vault_alias",
        "DELETE FROM interlock_vault_hold",
        "UPDATE interlock_vault_hold SET released_at = at, released_by = who",
        "UPDATE interlock_vault_hold SET version = 3",
        "UPDATE interlock_workspace SET value = '{}' WHERE key = 'vault_policy'",
        "UPDATE interlock_workspace SET value = replace(value, '60', '1') WHERE key = 'vault_policy'",
        "UPDATE interlock_workspace SET value = 'none' WHERE key = 'vault_policy'",
        "DELETE FROM interlock_workspace WHERE key = 'vault_policy'",
        "INSERT INTO interlock_vault_key SELECT 'mine', salt, digest, who, at, NULL FROM interlock_vault_key",
        "UPDATE interlock_vault_key SET digest = 'mine'",
        "UPDATE interlock_vault_key SET who = 'somebody'",
        "UPDATE interlock_vault_version SET purge_after = deleted_at WHERE state = 'deleted'",
    ],
)
def test_easing_the_gate_by_an_os_user_is_detected(ws: Workspace, change: str) -> None:
    for data in (b"one", b"two", b"three"):
        ws.vault.put("ranker", {"model.bin": data})
    ws.vault.alias("ranker@v3", "champion")
    ws.vault.hold("ranker@v1", reason="case 12")
    ws.vault.add_key("boss")
    ws.vault.delete("ranker@v2")
    ws.vault.set_policy(retention_days=60)
    assert verified(ws)
    with ws.site.catalog.write() as tx:
        assert tx.connection.execute(text(change)).rowcount == 1
    assert not verified(ws)


def verified(ws: Workspace) -> bool:
    return verify(ws.path).ok


# --- who holds the store's credentials, or the bucket ---------------------------------------


class Bucket:
    """The main store, as somebody else with its credentials or its disks sees it."""

    def __init__(self, server: objectstore.Server, vault: Vault) -> None:
        store = vault.stores.main
        assert isinstance(store, S3Store)
        self.server, self.store, self.name = server, store, store.at.bucket
        self.client: Any = server.client(objectstore.MAIN)

    def path(self, key: str) -> str:
        return f"{self.store.at.prefix}{key}"

    def named(self, key: str) -> dict[str, str]:
        return {"Bucket": self.name, "Key": self.path(key)}

    def listed(self) -> list[str]:
        return [held.key for held in self.store.list()]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, object_store: objectstore.Server) -> Iterator[Vault]:
    """Both stores are buckets that lock, each under its own credentials."""
    folder = tmp_path_factory.mktemp("on_s3")
    with interlock.open(folder / "workspace") as ws:
        ws.vault.keep_in(object_store.address(object_store.bucket(objectstore.MAIN), "team"))
        stories.fill(ws.vault, folder)
        ws.vault.set_replica(object_store.address(object_store.bucket(objectstore.REPLICA), "copy"))
        assert ws.vault.replicate().ok
        yield ws.vault


@pytest.fixture
def on_s3(prepared: Vault) -> Iterator[Vault]:
    """As it was before, after each test."""
    yield prepared
    assert prepared.scrub(repair=True).ok
    assert prepared.scrub().counts == {}


@pytest.fixture
def bucket(on_s3: Vault, object_store: objectstore.Server) -> Bucket:
    return Bucket(object_store, on_s3)


def whole(vault: Vault) -> None:
    """Every file is read from the main store, without a word about the replica."""
    for record in vault.versions(deleted=True):
        for file in vault.manifest(record.ref).files:
            with vault.open(f"{record.ref}/{file.path}", deleted=True) as opened:
                data = opened.read()
            assert len(data) == file.size_bytes
            assert file.stored is Stored.RECIPE or Digest.of(data).hex == file.sha256


WEIGHTS = stories.key_of(stories.WEIGHTS)
MANIFEST = "versions/ranker/v1.json"


@pytest.mark.filterwarnings("error")
def test_changing_objects_by_a_store_user_is_prevented(on_s3: Vault, bucket: Bucket) -> None:
    for key in bucket.listed():
        bucket.client.put_object(**bucket.named(key), Body=b"poison")
    whole(on_s3)


@pytest.mark.filterwarnings("error")
def test_poisoning_a_manifest_by_a_store_user_is_prevented(on_s3: Vault, bucket: Bucket) -> None:
    before = on_s3.manifest("ranker@v1")
    data = bucket.client.get_object(**bucket.named(MANIFEST))["Body"].read()
    bucket.client.put_object(**bucket.named(MANIFEST), Body=poisoned(data))
    assert on_s3.manifest("ranker@v1") == before
    whole(on_s3)


@pytest.mark.filterwarnings("error")
def test_removing_objects_by_a_store_user_is_prevented(on_s3: Vault, bucket: Bucket) -> None:
    for key in bucket.listed():
        held = bucket.store.stat(key)
        assert held is not None
        if key != "format.json":
            for more in ({}, {"BypassGovernanceRetention": True}):
                with pytest.raises(ClientError, match="AccessDenied"):
                    bucket.client.delete_object(**bucket.named(key), VersionId=held.version, **more)
        bucket.client.delete_object(**bucket.named(key))
    whole(on_s3)


def test_removing_the_lock_by_a_store_user_is_prevented(on_s3: Vault, bucket: Bucket) -> None:
    held = bucket.store.stat(WEIGHTS)
    assert held is not None and held.locked_until is not None
    for mode, until in (("COMPLIANCE", clock.now() + DAY), ("GOVERNANCE", held.locked_until + DAY)):
        with pytest.raises(ClientError, match="AccessDenied"):
            bucket.client.put_object_retention(
                **bucket.named(WEIGHTS),
                VersionId=held.version,
                Retention={"Mode": mode, "RetainUntilDate": until},
            )
    assert bucket.store.stat(WEIGHTS) == held


def repaired(vault: Vault, keys: set[str]) -> None:
    assert {f.key for f in vault.scrub().findings} == keys
    with pytest.warns(HealthWarning, match="replica"):
        assert vault.open("ranker@v1/weights.bin").read() == stories.WEIGHTS
    assert vault.scrub(repair=True).ok
    assert vault.scrub().counts == {}


def test_changing_objects_by_a_bucket_owner_is_detected(on_s3: Vault, bucket: Bucket) -> None:
    for key in (WEIGHTS, MANIFEST):
        bucket.server.damage(bucket.name, bucket.path(key))
    repaired(on_s3, {WEIGHTS, MANIFEST})


def test_removing_objects_by_a_bucket_owner_is_detected(on_s3: Vault, bucket: Bucket) -> None:
    keys = set(bucket.listed()) - {"format.json"}
    for key in keys:
        bucket.server.remove(bucket.name, bucket.path(key))
    repaired(on_s3, keys)


def test_removing_the_lock_by_a_bucket_owner_is_detected(on_s3: Vault, bucket: Bucket) -> None:
    bucket.server.unlock(bucket.name, bucket.path(WEIGHTS))
    assert {f.key: f.what for f in on_s3.scrub().findings} == {WEIGHTS: What.UNLOCKED}
    assert on_s3.scrub(repair=True).ok
    held = bucket.store.stat(WEIGHTS)
    assert held is not None and held.locked_until is not None and held.locked_until > clock.now() + 29 * DAY
