"""The collector removes what nothing needs, after its grace, and never anything else, wherever it is stopped."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from interlock.catalog import clock
from interlock.catalog.vault import objects, versions
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.records import Kind
from interlock.errors import InterlockError, StorageFailed, VaultError, WorkspaceBusy
from interlock.gates.delete import bins, collector
from interlock.gates.delete.approval import approve
from interlock.gates.delete.bins import LocalBin
from interlock.gates.delete.collector import Collected, collect
from interlock.gates.delete.delete import delete
from interlock.gates.delete.gate import Gate
from interlock.gates.delete.policy import change
from interlock.gates.delete.purge import purge
from interlock.gates.delete.rename import rename
from interlock.gates.delete.restore import restore
from interlock.settings import override
from interlock.vault import intake, layout
from interlock.vault.intake import Wanted
from interlock.vault.stores.local import LocalStore
from interlock.vault.stores.opened import Stores
from interlock.workspace import Workspace
from tests.gates.delete.conftest import BOTH, DAY, HOUR, START, Later, People, waits


def keys(people: People) -> list[str]:
    """What lies in the main store, but for its format."""
    return [held.key for held in people.stores.main.list() if held.key != layout.FORMAT_KEY]


def rows(people: People) -> dict[str, str]:
    with people.ws.site.catalog.read() as rx:
        o = s.objects
        return {r.key: r.state for r in rx.connection.execute(select(o.c.key, o.c.state))}


def end(people: People, *what: str) -> None:
    """Delete and purge, as if the retention were over."""
    delete(people("kim"), what)
    with people.ws.site.catalog.write() as tx:
        deleted = update(s.versions).where(s.versions.c.state == "deleted")
        tx.connection.execute(deleted.values(purge_after=tx.now))
        tx.changed_versions.clear()
    approve(people("eve"), waits(lambda: purge(people("kim"), what)))


@pytest.fixture
def gate(people: People) -> Gate:
    return people("ops")


@BOTH
def test_a_purged_versions_bytes_and_manifest_go_after_the_grace(
    people: People, gate: Gate, later: Later
) -> None:
    people.put("ranker", b"one")
    people.put("ranker", b"two!")
    end(people, "ranker@v1")
    assert collect(gate) == Collected(marked=2, waiting=2)
    with later(23 * HOUR):
        assert collect(gate) == Collected(waiting=2)
        assert len(keys(people)) == 4
    with later(24 * HOUR):
        gone = collect(gate)
        assert (gone.removed, gone.waiting, gone.failed) == (2, 0, 0)
        assert gone.size_bytes > 3
        assert collect(gate) == Collected()
    assert [k for k in keys(people) if k.startswith("versions")] == ["versions/ranker/v2.json"]
    assert people.ws.vault.open("ranker").read() == b"two!"
    assert [(e["state"], e["objects"]) for e in people.said() if e["action"] == "collect"] == [
        ("deleting", 2),
        ("deleted", 2),
    ]
    assert people.ws.verify_ledger().ok


def test_live_and_deleted_versions_keep_their_bytes_for_ever(
    people: People, gate: Gate, later: Later
) -> None:
    people.put("live", b"one")
    people.put("deleted", b"two")
    delete(people("kim"), ["deleted"])
    before = keys(people)
    for span in (DAY, 2 * DAY, 400 * DAY):
        with later(span):
            assert collect(gate) == Collected()
    assert keys(people) == before
    restore(people("kim"), ["deleted"])
    assert people.ws.vault.open("deleted").read() == b"two"


def test_bytes_that_another_version_has_too_stay(people: People, gate: Gate, later: Later) -> None:
    people.put("a", b"same")
    people.put("b", b"same")
    end(people, "a")
    collect(gate)
    with later(DAY):
        assert collect(gate).removed == 1  # its manifest
    assert people.ws.vault.open("b").read() == b"same"


def test_what_is_put_again_within_the_grace_begins_it_anew(people: People, gate: Gate, later: Later) -> None:
    people.put("a", b"same")
    end(people, "a")
    collect(gate)
    with later(20 * HOUR):
        people.put("b", b"same")
        end(people, "b")
    with later(30 * HOUR):
        collect(gate)
        assert layout.object_key(_sha256(b"same")) in keys(people)
    with later(60 * HOUR):
        collect(gate)
        assert keys(people) == []


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


# --- puts that die, and puts under way ------------------------------------------------------


@contextlib.contextmanager
def under_way(people: People, data: bytes = b"half") -> Iterator[None]:
    """A put whose bytes are in the store and which has not committed; it dies at the end."""

    class Killed(BaseException):
        pass

    wanted = Wanted("dying", Kind.MODEL, "kim")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "abandon", lambda *_: None)
        patch.setattr(objects, "release", lambda *_: None)
        with contextlib.suppress(Killed), intake.staged(people.stores, wanted) as (_, lease):
            taken = people.stores.main.take(io.BytesIO(data))
            key = layout.object_key(taken.sha256)
            lease.cover({key: taken.size_bytes})
            people.stores.main.keep(taken, key)
            yield
            raise Killed


@BOTH
def test_a_put_under_way_keeps_its_bytes_and_one_that_died_leaves_nothing(
    people: People, gate: Gate, later: Later
) -> None:
    with under_way(people):
        assert collect(gate) == Collected()
    with later(2 * HOUR):
        assert collect(gate).given_up == 1
        assert people.states() == {}
        assert len(keys(people)) == 1
    with later(27 * HOUR):
        collect(gate)
        assert keys(people) == []
        assert rows(people) == {}
        assert people.put("dying").version == 2  # its number stays taken


def test_a_put_that_slept_too_long_fails_rather_than_lose_bytes(
    people: People, gate: Gate, later: Later
) -> None:
    wanted = Wanted("slow", Kind.MODEL, "kim")
    with contextlib.ExitStack() as stack:
        stack.enter_context(pytest.raises(VaultError, match="not being put any more"))
        staged, lease = stack.enter_context(intake.staged(people.stores, wanted))
        with later(2 * HOUR):
            collect(gate)
        intake.finish(people.stores, wanted, staged, lease, (), ())
    assert people.states() == {}


def test_whoever_needs_what_is_being_removed_waits_and_is_told(
    people: People, gate: Gate, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.put("a", b"same")
    end(people, "a")
    collect(gate)
    with later(DAY):
        tried = []

        def remove(self: LocalBin, key: str, version: str) -> bool:
            if key.startswith("objects"):
                with override(lock_timeout_s=0.1), pytest.raises(WorkspaceBusy, match="is removing"):
                    people.put("b", b"same")
                tried.append(key)
            return real(self, key, version)

        real = LocalBin.remove
        monkeypatch.setattr(LocalBin, "remove", remove)
        collect(gate)
        assert len(tried) == 1
        people.put("b", b"same")
    assert people.ws.vault.open("b").read() == b"same"


def test_a_manifest_that_is_needed_since_it_was_found_not_to_be_stays(
    people: People, gate: Gate, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.put("old", b"one")
    with monkeypatch.context() as patch:  # a rename that is cut off leaves a manifest
        patch.setattr(
            "interlock.gates.delete.rename.ask", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            rename(people("kim"), "old", "new")
    with later(2 * HOUR):
        assert collect(gate).marked == 1
    due = collector._due

    def meanwhile(gate: Gate) -> list[str]:
        found = due(gate)
        assert found == ["versions/new/v1.json"]
        rename(people("kim"), "old", "new")
        return found

    with later(2 * DAY):
        monkeypatch.setattr(collector, "_due", meanwhile)
        assert collect(gate).removed == 0
    assert people.ws.vault.open("new").read() == b"one"


def test_temporary_files_of_puts_that_died_are_swept(people: People, gate: Gate) -> None:
    people.put("a")
    store = people.stores.main
    assert isinstance(store, LocalStore)
    old, new = store.take(io.BytesIO(b"old")), store.take(io.BytesIO(b"new"))
    long_ago = (dt.datetime.now(dt.UTC) - 25 * HOUR).timestamp()
    os.utime(old.path, (long_ago, long_ago))
    elsewhere = old.path.with_name("elsewhere")  # an old file, as it is on its way to be adopted
    elsewhere.write_bytes(b"theirs")
    os.utime(elsewhere, (long_ago, long_ago))
    os.link(elsewhere, people.ws.path / "theirs")
    assert collect(gate).temporary == 1
    assert not old.path.exists()
    assert new.path.exists()
    assert elsewhere.exists()
    with clock.at(dt.datetime.now(dt.UTC) + 25 * HOUR):
        assert collect(gate).temporary == 2
    assert (people.ws.path / "theirs").exists()


# --- what no row knows ----------------------------------------------------------------------


def test_objects_that_no_row_knows_go_after_the_grace(people: People, gate: Gate, later: Later) -> None:
    people.put("a")
    store = people.stores.main
    before = keys(people)
    store.put(layout.object_key(_sha256(b"lost")), b"lost")
    store.put(layout.chunk_key(_sha256(b"c"), compressed=True), b"c")
    store.put(layout.recipe_key(_sha256(b"r")), b"r")
    assert collect(gate) == Collected(marked=3, waiting=3)
    with later(DAY):
        assert collect(gate).removed == 3
    assert keys(people) == before


@pytest.mark.parametrize(
    "key", ["notes.txt", "objects/readme.md", "versions/a/v1.txt", "other/ab/file", "objects/ab/short"]
)
def test_what_is_not_the_vaults_is_left_alone(people: People, gate: Gate, later: Later, key: str) -> None:
    people.stores.main.put(key, b"somebody's")
    collect(gate)
    with later(2 * DAY):
        collect(gate)
    assert key in keys(people)


@pytest.mark.parametrize("key", ["mine/data.bin", "../outside", "objects/../../outside"])
def test_what_the_catalog_claims_to_be_the_vaults_and_is_not_stays(
    people: People, gate: Gate, later: Later, key: str
) -> None:
    people.put("a")
    root = people.stores.main.root  # type: ignore[attr-defined]
    file = root / key
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"mine")
    held = people.stores.main.stat(key)
    assert held is not None
    with people.ws.site.catalog.write() as tx:
        objects.pin(tx, "main", [(key, held.version, None)])
        row = {"key": key, "size_bytes": 4, "kept_at": tx.now}
        tx.connection.execute(s.objects.insert().values(**row, state="held", marked_at=START - DAY))
    for span in (HOUR, 2 * DAY):
        with later(span):
            collect(gate)
    with people.ws.site.catalog.write() as tx:
        tx.connection.execute(update(s.objects).where(s.objects.c.key == key).values(state="deleting"))
    with later(3 * DAY):
        assert collect(gate).failed == 1
    assert file.read_bytes() == b"mine"


def test_a_catalog_that_is_older_than_its_store_removes_nothing(
    people: People, gate: Gate, later: Later
) -> None:
    people.put("a", b"one")
    people.put("a", b"two")
    with people.ws.site.catalog.write() as tx:  # as a backup of before has it
        for table in (s.versions, s.uses, s.objects, s.copies, s.names):
            tx.connection.execute(table.delete())
    before = keys(people)
    for span in (HOUR, 2 * DAY):
        with later(span), pytest.raises(VaultError, match="never gave out; nothing was removed"):
            collect(gate)
    with pytest.raises(VaultError, match="never gave out"):
        collect(gate, dry_run=True)
    assert keys(people) == before


# --- the stores -----------------------------------------------------------------------------


@pytest.fixture
def replica(people: People, ws: Workspace, tmp_path: object) -> LocalStore:
    """A replica that holds, pinned, what the main store does."""
    store = LocalStore(people.stores.main.root.parent / "replica")  # type: ignore[attr-defined]
    people.stores = Stores(ws.site.catalog, people.stores.main, store)
    return store


def replicate(people: People, replica: LocalStore) -> None:
    held = [replica.put(k, b"".join(people.stores.main.read(k))) for k in keys(people)]
    with people.ws.site.catalog.write() as tx:
        objects.pin(tx, "replica", [(h.key, h.version, None) for h in held])


def test_bytes_go_from_the_replica_too(people: People, replica: LocalStore, later: Later) -> None:
    people.put("a")
    people.put("b", b"kept")
    replicate(people, replica)
    end(people, "a")
    gate = people("ops")
    collect(gate)
    with later(DAY):
        assert collect(gate).removed == 2
    assert [h.key for h in replica.list()] == keys(people)
    assert len(keys(people)) == 2


def test_other_bytes_under_a_key_are_not_removed(people: People, gate: Gate, later: Later) -> None:
    people.put("a", b"one")
    end(people, "a")
    collect(gate)
    (key,) = [k for k in keys(people) if k.startswith("objects")]
    with later(DAY):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(objects, "pin", lambda *_: None)  # what lies there is not looked at again
            os.utime(people.stores.main.root / key, (1, 1))  # type: ignore[attr-defined]
            done = collect(gate)
        assert (done.removed, done.failed) == (1, 1)
        assert keys(people) == [key]
        assert rows(people)[key] == "held"
        collect(gate)
    with later(2 * DAY):
        assert collect(gate).removed == 1


def test_a_vault_that_was_copied_without_its_times_is_collected_as_ever(
    people: People, gate: Gate, later: Later
) -> None:
    people.put("a", b"one")
    people.put("stays", b"two")
    end(people, "a")
    root = people.stores.main.root  # type: ignore[attr-defined]
    before = {key: people.stores.main.stat(key) for key in keys(people)}
    shutil.copytree(root, root.with_name("copy"), copy_function=shutil.copyfile)
    shutil.rmtree(root)
    root.with_name("copy").rename(root)
    assert not any(people.stores.main.stat(key) == held for key, held in before.items())
    assert collect(gate).marked == 2
    with later(DAY):
        assert (collect(gate).removed, len(keys(people))) == (2, 2)
        assert people.ws.vault.open("stays").read() == b"two"


def test_what_a_store_keeps_locked_waits(people: People, gate: Gate, later: Later) -> None:
    people.put("a", b"one")
    with people.ws.site.catalog.write() as tx:
        tx.connection.execute(update(s.copies).values(locked_until=START + 10 * DAY))
    end(people, "a")
    collect(gate)
    with later(2 * DAY):
        assert collect(gate) == Collected(waiting=2, locked=2)
        assert people.put("b", b"one").version == 1  # nobody has to wait for it
        end(people, "b")
        collect(gate)
    with later(20 * DAY):
        assert collect(gate).removed == 3


def test_a_store_that_fails_loses_nothing_and_is_asked_again(
    people: People, gate: Gate, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.put("a", b"one")
    end(people, "a")
    collect(gate)

    def fails(self: LocalBin, key: str, version: str) -> bool:
        raise StorageFailed("no such disk")

    with later(DAY):
        with monkeypatch.context() as patch:
            patch.setattr(LocalBin, "remove", fails)
            done = collect(gate)
        assert (done.removed, done.failed, done.waiting) == (0, 2, 2)
        people.put("b", b"one")
    assert people.ws.vault.open("b").read() == b"one"
    with later(3 * DAY):
        assert collect(gate).removed == 1  # the manifest
    assert people.ws.vault.open("b").read() == b"one"


class Stopped(BaseException):
    """The process ends here."""


@BOTH
@pytest.mark.parametrize("step", range(7))
def test_stopped_anywhere_the_next_run_finishes(people: People, gate: Gate, later: Later, step: int) -> None:
    """At each transaction and each removal, before and after."""
    for n in range(2):
        people.put(f"a{n}", bytes([n]))
    people.put("kept", b"kept")
    end(people, "a0", "a1")
    collect(gate)
    with later(DAY):
        with contextlib.suppress(Stopped), _stops_at(people, step):
            collect(gate)
        people.put("a2", bytes([0])) if step < 1 else None
        collect(gate)
        left = {k for k, state in rows(people).items() if state != "held"}
        assert left == set()
    with later(3 * DAY):
        collect(gate)
    expected = {"versions/kept/v1.json", layout.object_key(_sha256(b"kept"))}
    if step < 1:
        expected |= {"versions/a2/v1.json", layout.object_key(_sha256(bytes([0])))}
    assert set(keys(people)) == expected
    assert people.ws.vault.open("kept").read() == b"kept"
    assert people.ws.verify_ledger().ok


@contextlib.contextmanager
def _stops_at(people: People, step: int) -> Iterator[None]:
    """0: before the keys are said to go; 1: after; 2…5: after as many removals; 6: before their rows go."""
    real = LocalBin.remove
    seen = 0

    def remove(self: LocalBin, key: str, version: str) -> bool:
        nonlocal seen
        if seen >= step - 1:
            raise Stopped
        seen += 1
        return real(self, key, version)

    def stopped(*_: object) -> None:
        raise Stopped

    with pytest.MonkeyPatch.context() as patch:
        if step == 0:
            patch.setattr(collector, "_remove", stopped)
        elif step < 6:
            patch.setattr(LocalBin, "remove", remove)
        else:
            patch.setattr(collector.marks, "forget", stopped)
        yield


def test_one_run_at_a_time(people: People, gate: Gate) -> None:
    people.put("a")
    site = people.ws.site
    with (
        site.locks.locked(site.lock("vault.collect"), timeout_s=1),
        override(lock_timeout_s=0.1),
        pytest.raises(WorkspaceBusy),
    ):
        collect(gate)


def test_a_dry_run_changes_nothing_and_says_what_would_be(people: People, gate: Gate, later: Later) -> None:
    people.put("a", b"one")
    end(people, "a")
    before = rows(people)
    assert collect(gate, dry_run=True) == Collected(marked=2)
    assert rows(people) == before
    collect(gate)
    with later(DAY):
        foreseen = collect(gate, dry_run=True)
        assert len(keys(people)) == 2
        done = collect(gate)
    assert (foreseen.removed, foreseen.size_bytes) == (2, done.size_bytes)


def test_an_empty_vault_has_nothing_to_collect(people: People, gate: Gate) -> None:
    assert collect(gate) == Collected()
    assert collect(gate, dry_run=True) == Collected()


def test_a_store_without_a_bin_is_said(people: People) -> None:
    with pytest.raises(Exception, match="nothing can be removed from somewhere"):
        bins.of(type("Other", (), {"where": "somewhere"})())  # type: ignore[arg-type]


# --- everything together --------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 2), st.integers(0, 2)),
        st.tuples(st.sampled_from(["delete", "restore", "purge", "collect"]), st.integers(0, 2), st.just(0)),
    ),
    min_size=4,
    max_size=14,
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_whatever_is_done_what_is_live_or_deleted_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    import interlock

    with interlock.open(tmp_path_factory.mktemp("any")) as ws:
        people = People(ws)
        with clock.at(START):
            change(people("kim"), {"retention_days": 0, "collect_grace_h": 1})
        acknowledged: dict[str, bytes] = {}
        for n, (what, which, data) in enumerate(steps):
            name = f"m{which}"
            with clock.at(START + n * HOUR), contextlib.suppress(InterlockError):
                if what == "put":
                    acknowledged[people.put(name, bytes([data])).ref] = bytes([data])
                elif what == "delete":
                    delete(people("kim"), [name])
                elif what == "restore":
                    restore(people("kim"), [name])
                elif what == "purge":
                    approve(people("eve"), waits(lambda n=name: purge(people("kim"), [n])))
                else:
                    collect(people("ops"))
        states = people.states()
        assert set(states) == set(acknowledged)
        for ref, bytes_ in acknowledged.items():
            if states[ref] != "purged":
                assert ws.vault.open(ref, deleted=True).read() == bytes_
        with clock.at(START + 60 * HOUR):
            collect(people("ops"))
        with clock.at(START + 90 * HOUR):
            collect(people("ops"))
        kept = {
            layout.object_key(_sha256(acknowledged[r])) for r, state in states.items() if state != "purged"
        }
        assert {k for k in keys(people) if k.startswith("objects")} == kept
