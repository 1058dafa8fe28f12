"""Whatever is done to the objects of a store is found by a scrub and on read, and mended from the other store."""

from __future__ import annotations

import shutil
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import interlock
from interlock import Workspace
from interlock.catalog import clock
from interlock.catalog.vault import copies, objects, versions
from interlock.errors import ObjectCorrupt, ObjectMissing, VaultError
from interlock.vault import layout
from interlock.vault import scrub as scrubbing
from interlock.vault.damage import What
from interlock.vault.stores import opened
from interlock.vault.stores.opened import MAIN, REPLICA
from interlock.workspace.vault import Vault
from tests import places
from tests.processes import KILLED, Nursery
from tests.vault import harm, stories

UNSIZED = ("versions/", "format.json")  # nobody notes how large these are
OBJECTS = 15  # in each store, with its format and manifests


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of a model, a file, a tombstone, and a replica of it all."""
    folder = tmp_path_factory.mktemp("prepared")
    with interlock.open(folder / "workspace") as ws:
        stories.fill(ws.vault, folder)
        ws.vault.set_replica(str(folder / "replica"))
        assert ws.vault.replicate().ok
    return folder


@pytest.fixture
def copied(prepared: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of it in ``workspace`` and ``replica``."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    with interlock.open(tmp_path / "workspace") as workspace:
        with workspace.site.catalog.write() as tx:
            opened.set_address(tx, REPLICA, str(tmp_path / "replica"))
        yield workspace


@pytest.fixture
def vault(copied: Workspace) -> Vault:
    return copied.vault


def root(vault: Vault, store: str) -> Path:
    return dict(vault.stores.each())[store].root  # type: ignore[attr-defined,no-any-return]


def read(vault: Vault) -> dict[str, bytes]:
    """Everything in the vault, as people get it."""
    found = {}
    for record in vault.versions(deleted=True):
        for file in vault.manifest(record.ref).files:
            with vault.open(f"{record.ref}/{file.path}", deleted=True) as opened_:
                found[f"{record.ref}/{file.path}"] = opened_.read()
    return found


# --- what is damaged is found and mended --------------------------------------------------


@pytest.mark.parametrize("place", places.KINDS, indirect=True)
def test_in_every_kind_of_catalog(ws: Workspace, tmp_path: Path) -> None:
    stories.fill(ws.vault, tmp_path)
    ws.vault.set_replica(str(tmp_path / "replica"))
    assert ws.vault.replicate().ok
    before = harm.contents(root(ws.vault, MAIN))
    harm.swap(*list(harm.files(root(ws.vault, MAIN)).values())[:2])
    assert ws.vault.scrub(repair=True).repaired == 2
    assert harm.contents(root(ws.vault, MAIN)) == before
    assert ws.vault.scrub(since=ws.vault.status().stores[0].read_since).counts == {}


@pytest.mark.parametrize("store", [MAIN, REPLICA])
@pytest.mark.parametrize("kind", harm.KINDS)
def test_every_damaged_object_is_found_and_mended(vault: Vault, store: str, kind: str) -> None:
    before = harm.contents(root(vault, store))
    for path in harm.files(root(vault, store)).values():
        harm.KINDS[kind](path)
    found = vault.scrub()
    assert {(f.store, f.key) for f in found.findings} == {(store, key) for key in before}
    assert (found.ok, found.left) == (False, len(before))
    mended = vault.scrub(repair=True)
    assert (mended.ok, mended.repaired) == (True, len(before))
    assert harm.contents(root(vault, store)) == before
    assert vault.scrub().counts == {}


@pytest.mark.parametrize("store", [MAIN, REPLICA])
def test_objects_that_were_exchanged_are_named_by_what_they_hold(vault: Vault, store: str) -> None:
    before = harm.contents(root(vault, store))
    exchanged = {}
    for parts in (("objects",), ("chunks",), ("versions", "recipes")):
        keys = [key for key in sorted(before) if key.startswith(parts)]
        for one, other in zip(keys[::2], keys[1::2], strict=False):
            harm.swap(root(vault, store) / one, root(vault, store) / other)
            exchanged |= {one: other, other: one}
    assert len(exchanged) >= 10
    report = vault.scrub(repair=True)
    assert {f.key: f.what for f in report.findings} == dict.fromkeys(exchanged, What.SWAPPED)
    for found in report.findings:
        version = layout.manifest_of(exchanged[found.key])
        named = exchanged[found.key] if version is None else f"{version[0]}@v{version[1]}"
        assert found.detail == f"it holds the bytes of {named}"
    assert report.ok and harm.contents(root(vault, store)) == before


HARM = st.tuples(
    st.sampled_from([MAIN, REPLICA]), st.sampled_from([None, *harm.KINDS]), st.integers(0, 1 << 24)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=12)
@given(harmed=st.dictionaries(st.integers(0, OBJECTS - 1), HARM, min_size=1))
def test_any_bits_anywhere_are_found_and_mended(
    vault: Vault, harmed: dict[int, tuple[str, str | None, int]]
) -> None:
    """The same workspace for all: each example ends mended. Both stores are damaged, no object in both."""
    before = {name: harm.contents(root(vault, name)) for name in (MAIN, REPLICA)}
    keys = sorted(before[MAIN])
    for number, (store, kind, bit) in harmed.items():
        path = root(vault, store) / keys[number]
        harm.flip(path, bit) if kind is None else harm.KINDS[kind](path)
    report = vault.scrub(repair=True)
    assert {(f.store, f.key) for f in report.findings} == {(how[0], keys[n]) for n, how in harmed.items()}
    assert report.ok
    assert {name: harm.contents(root(vault, name)) for name in (MAIN, REPLICA)} == before


@pytest.mark.parametrize("kind", harm.KINDS)
def test_what_is_damaged_is_never_handed_out(vault: Vault, kind: str) -> None:
    vault.stores = replace(vault.stores, replica=None)
    whole = read(vault)
    for key, path in harm.files(root(vault, MAIN)).items():
        if key == "format.json":
            continue
        data = path.read_bytes()
        harm.KINDS[kind](path)
        with pytest.raises((ObjectCorrupt, ObjectMissing)):
            read(vault)
        path.unlink(missing_ok=True)
        path.write_bytes(data)
    assert read(vault) == whole


def test_what_is_damaged_is_read_from_the_replica(vault: Vault) -> None:
    whole = read(vault)
    for number, path in enumerate(harm.files(root(vault, MAIN)).values()):
        list(harm.KINDS.values())[number % len(harm.KINDS)](path)
    with pytest.warns(interlock.HealthWarning, match="was read from the replica"):
        assert read(vault) == whole


def test_a_store_that_was_lost_whole_is_filled_again(vault: Vault) -> None:
    before = harm.contents(root(vault, MAIN))
    shutil.rmtree(root(vault, MAIN))
    assert vault.scrub().counts == {"missing": len(before)}
    assert vault.scrub(repair=True).ok
    assert harm.contents(root(vault, MAIN)) == before


def test_what_no_store_holds_whole_stays_as_it_is_and_is_said(vault: Vault) -> None:
    key = next(k for k in harm.files(root(vault, MAIN)) if k.startswith("objects/"))
    for name in (MAIN, REPLICA):
        harm.flip(root(vault, name) / key)
    damaged = harm.contents(root(vault, MAIN))
    report = vault.scrub(repair=True)
    assert [f.why for f in report.findings] == [f"no store holds {key} whole"] * 2
    assert report.left == 2 and harm.contents(root(vault, MAIN)) == damaged
    assert vault.status().stores[0].unread == 1


def test_a_finding_says_who_needs_it(vault: Vault) -> None:
    harm.flip(root(vault, MAIN) / stories.key_of(stories.WEIGHTS))
    finding = vault.scrub().findings[0]
    assert (finding.what, finding.versions, finding.detail) == (
        What.CORRUPT,
        ("ranker@v1", "ranker@v2"),
        "its bytes were changed",
    )


def test_bytes_that_came_back_from_a_backup_are_ours(vault: Vault) -> None:
    """Another time of change, the same bytes: the collector must know them as ours."""
    path = next(p for k, p in harm.files(root(vault, MAIN)).items() if k.startswith("objects/"))
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    assert vault.scrub().counts == {}
    with vault.stores.catalog.read() as rx:
        key = path.relative_to(root(vault, MAIN)).as_posix()
        now = vault.stores.main.stat(key)
        assert now is not None and copies.pins(rx, key)[MAIN] == now.version


# --- what lies there though nobody put it --------------------------------------------------


def test_what_the_vault_did_not_put_is_named_and_harms_nobody(vault: Vault) -> None:
    (root(vault, MAIN) / "notes.txt").write_text("hello")
    report = vault.scrub(repair=True)
    assert [(f.what, f.key) for f in report.findings] == [(What.STRAY, "notes.txt")]
    assert report.ok


def test_wrong_bytes_under_the_name_of_an_object_are_damage_though_nobody_needs_them(vault: Vault) -> None:
    """A put of the right bytes would find them there."""
    key = f"objects/ab/ab{'0' * 62}"
    path = root(vault, MAIN) / key
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"other bytes")
    report = vault.scrub()
    assert [(f.what, f.key) for f in report.findings] == [(What.CORRUPT, key)] and not report.ok


def test_leftovers_of_a_put_are_counted_and_no_damage(vault: Vault) -> None:
    import io

    store = vault.stores.main
    store.keep(taken := store.take(io.BytesIO(b"left over")), f"objects/{taken.sha256[:2]}/{taken.sha256}")
    store.put("versions/ranker/v9.json", b"never committed")
    report = vault.scrub()
    assert report.ok and report.unused[MAIN] == 2


def test_what_is_removed_while_it_is_looked_at_is_no_damage(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = next(k for k in harm.files(root(vault, REPLICA)) if k.startswith("objects/"))
    examine = scrubbing.examine

    def meanwhile(store: object, copy: copies.Copy, *args: object) -> object:
        if copy.key == gone and copy.store == REPLICA:
            (root(vault, REPLICA) / gone).unlink()
            with vault.stores.catalog.write() as tx:
                tx.connection.exec_driver_sql(f"DELETE FROM interlock_vault_copy WHERE key = '{gone}'")
        return examine(store, copy, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(scrubbing, "examine", meanwhile)
    assert vault.scrub().counts == {}


def test_a_purged_versions_manifest_is_nobodys_damage(vault: Vault) -> None:
    with vault.stores.catalog.write() as tx:
        record = versions.one(tx, "ranker", 1)
        assert record is not None
        tx.connection.exec_driver_sql(
            f"UPDATE interlock_vault_version SET state='purged' WHERE id={record.id}"
        )
    harm.flip(root(vault, MAIN) / "versions/ranker/v1.json")
    assert vault.scrub().counts == {}


# --- stopped, in parts, within limits -------------------------------------------------------


def test_a_scrub_that_is_killed_goes_on_where_it_was(
    nursery: Nursery, copied: Workspace, tmp_path: Path
) -> None:
    copied.vault.put("many", {f"{n}": b"%03d" % n for n in range(20)})
    harm.flip(root(copied.vault, MAIN) / "versions/many/v1.json")
    harm.flip(
        root(copied.vault, MAIN)
        / min(k for k in harm.files(root(copied.vault, MAIN)) if k.startswith("objects"))
    )
    in_all = OBJECTS + 21
    for kill_at in range(2, 80, 10):
        assert nursery.run(stories.scrub, kill_at=kill_at, folder=tmp_path / "workspace").how == KILLED
        before = copied.vault.status()
        if 2 < before.stores[0].unread < in_all - 1:
            break
    assert before.unfinished
    report = copied.vault.scrub()
    assert 2 < report.objects[MAIN] < in_all
    assert report.began_at[MAIN].isoformat() == before.unfinished[MAIN]
    assert [f.what for f in report.findings] == [What.CORRUPT, What.CORRUPT]
    after = copied.vault.status()
    assert not after.unfinished
    assert after.stores[0].unread == 2
    assert copied.vault.scrub().objects[MAIN] == in_all, "a new one begins anew"


def test_what_was_read_since_then_is_left_out(vault: Vault) -> None:
    before = clock.now()
    assert vault.scrub(since=before).objects == {MAIN: OBJECTS, REPLICA: OBJECTS}
    harm.flip(root(vault, MAIN) / "versions/ranker/v1.json")
    assert vault.scrub(since=before).counts == {}
    assert vault.scrub(since=clock.now()).counts == {"corrupt": 1}
    assert vault.scrub(since=before).counts == {"corrupt": 1}, "what was damaged is looked at again"


def test_one_store_can_be_chosen(vault: Vault) -> None:
    assert dict(vault.scrub(store=REPLICA).objects) == {REPLICA: OBJECTS}
    with pytest.raises(VaultError, match="no store 'spare'"):
        vault.scrub(store="spare")


def test_it_reads_no_faster_than_it_is_told(vault: Vault) -> None:
    vault.put("big", {"a": bytes(3 << 20), "b": b"x" * (1 << 20)})
    since = time.monotonic()
    vault.scrub(rate_mb_s=8, store=MAIN)
    assert time.monotonic() - since > 0.4


def test_it_tells_how_far_it_is(vault: Vault) -> None:
    told: list[tuple[int, int]] = []
    vault.scrub(progress=lambda done, total: told.append((done, total)))
    sized = [data for key, data in harm.contents(root(vault, MAIN)).items() if not key.startswith(UNSIZED)]
    assert told[-1][0] == told[-1][1] == 2 * sum(map(len, sized))


def test_a_large_object_is_not_held_in_memory(ws: Workspace, tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(64 << 20)
    ws.vault.put("large", tmp_path / "large")
    tracemalloc.start()
    try:
        assert ws.vault.scrub().ok
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


# --- what is remembered ---------------------------------------------------------------------


def test_each_repair_and_each_scrub_is_in_the_ledger(copied: Workspace, vault: Vault) -> None:
    harm.remove(root(vault, REPLICA) / "versions/ranker/v2.json")
    vault.scrub(repair=True)
    repaired, scrubbed = copied.ledger_entries(2)
    assert (repaired["action"], repaired["key"], repaired["from"]) == (
        "repair",
        "versions/ranker/v2.json",
        MAIN,
    )
    assert (scrubbed["action"], scrubbed["found"], scrubbed["repaired"]) == ("scrub", {"missing": 1}, 1)
    assert copied.verify_ledger().ok


def test_other_bytes_that_are_pinned_count_as_never_read(vault: Vault) -> None:
    vault.scrub()
    with vault.stores.catalog.write() as tx:
        objects.pin(tx, MAIN, [("versions/ranker/v1.json", "another", None)])
        assert copies.standing(tx, MAIN)[2] == 1
