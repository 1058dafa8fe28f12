"""What every store of the vault must do, as a suite that a store's tests inherit.

```python
class TestMine(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path):
        return MyStore(tmp_path)
```
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from interlock.errors import (
    DataNotFound,
    DataUnreadable,
    InterlockError,
    ObjectCorrupt,
    ObjectMissing,
    ObjectTaken,
)
from interlock.vault.stores.protocol import CHUNK_BYTES, Held, Store, Taken

WRITERS = 6
ODD_KEYS = (
    "objects/ab/" + "ab" * 32,
    "versions/team%2Fx/a%20b/v1.json",
    "versions/team%2fx/a b/v1.json",
    "a-b",
    "a/b-c",
    "a/b/c",
    "a.b",
    "A-B",
    "+&=;:,$!~'()*#?\"<>|[]{}^`",
    "..x/x..",
    "ä/日本/😀",
    "long/" + "n" * 200,
)


def some_bytes(size: int, seed: int = 0) -> bytes:
    """Bytes that nothing compresses, the same at every call."""
    return random.Random(seed).randbytes(size)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Broken(io.RawIOBase):
    """A stream that breaks off after its first bytes."""

    def __init__(self) -> None:
        self.given = False

    def read(self, size: int = -1) -> bytes:
        if self.given:
            raise OSError(5, "the disk is broken")
        self.given = True
        return b"some"


class StoreConformance:
    """Inherit it and provide the fixture ``store``, an empty one each time.

    `damage` and `remove` reach under the store, as a broken disk does or whoever can pass its locks; without
    them what needs them is skipped. ``big_bytes`` is more than the store handles in one piece. ``versions``:
    other bytes under a key are not read for those of a version; a store without may read what it has.
    """

    big_bytes = 20 << 20
    versions = True

    @pytest.fixture(autouse=True)
    def _in(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def damage(self, store: Any, key: str, change: Callable[[bytes], bytes]) -> None:
        """Put other bytes in the place of an object's."""
        pytest.skip("nothing reaches under this store")

    def remove(self, store: Any, key: str) -> None:
        """Remove an object."""
        pytest.skip("nothing reaches under this store")

    def file(self, data: bytes, name: str = "file") -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def kept(self, store: Store, data: bytes, key: str | None = None, **how: Any) -> Held:
        """The bytes, taken from a stream and kept under their digest or another key."""
        taken = store.take(io.BytesIO(data))
        return store.keep(taken, key or f"objects/{taken.sha256}", **how)

    def whole(self, store: Store, key: str, **which: Any) -> bytes:
        return b"".join(store.read(key, **which))

    def together(self, work: Callable[[int], Any]) -> list[Any]:
        """What several writers at once got: a result, or an error."""

        def one(number: int) -> Any:
            try:
                return work(number)
            except InterlockError as error:
                return error

        with ThreadPoolExecutor(WRITERS) as pool:
            return list(pool.map(one, range(WRITERS)))

    # --- what is put is there ---------------------------------------------------------

    @pytest.fixture(params=["small", "big"])
    def size(self, request: pytest.FixtureRequest) -> int:
        return self.big_bytes if request.param == "big" else 1_000

    @pytest.fixture(params=["other", "shorter", "longer", "empty", "big, other", "big, longer"])
    def changed(self, request: pytest.FixtureRequest) -> tuple[bytes, bytes]:
        """Bytes, and what they may have become."""
        data = some_bytes(self.big_bytes if request.param.startswith("big") else 1_000)
        other = {"other": bytes([data[0] ^ 1]) + data[1:], "shorter": data[:-1], "longer": data + b"x"}
        return data, other.get(request.param.removeprefix("big, "), b"")

    @pytest.mark.parametrize("streamed", [False, True])
    def test_what_was_kept_is_read_again_byte_for_byte(self, store: Store, streamed: bool) -> None:
        for size in (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES + 1, self.big_bytes):
            data = some_bytes(size)
            done: list[int] = []
            source: Path | BinaryIO = io.BytesIO(data) if streamed else self.file(data)
            taken = store.take(source, done.append)
            assert (taken.sha256, taken.size_bytes, sum(done)) == (digest(data), size, size)
            held = store.keep(taken, f"objects/{size}")
            assert (held.key, held.size_bytes) == (f"objects/{size}", size)
            assert self.whole(store, held.key) == data
            assert store.stat(held.key) == held

    def test_taking_leaves_the_source_and_puts_nothing(self, store: Store) -> None:
        path = self.file(b"data")
        for _ in range(2):
            store.drop(store.take(path))
        assert path.read_bytes() == b"data"
        assert list(store.list()) == []
        store.keep(store.take(path), "x")
        assert path.read_bytes() == b"data"

    def test_what_was_taken_and_dropped_or_kept_leaves_no_copy(self, store: Store) -> None:
        dropped, kept = (store.take(io.BytesIO(b"data")) for _ in range(2))
        store.drop(dropped)
        store.keep(kept, "x")
        store.drop(kept)  # once more than needed
        assert [taken.path.exists() for taken in (dropped, kept)] == [False, False]

    def test_the_same_bytes_again_are_found_and_not_put(self, store: Store) -> None:
        first = self.kept(store, b"data", "x")
        assert self.kept(store, b"data", "x") == first
        assert store.keep(store.take(self.file(b"data")), "x") == first
        assert store.put("x", b"data") == first
        assert store.put("small", b"") == store.put("small", b"")

    def test_what_looks_like_an_object_is_taken_for_what_it_is(self, store: Store) -> None:
        data = some_bytes(1_000_000)
        key = self.kept(store, data).key
        other = data[:5_000] + bytes([data[5_000] ^ 1]) + data[5_001:]
        for source in (data, other, some_bytes(999_999), data + b"x", b""):
            for given in (self.file(source), io.BytesIO(source)):
                taken = store.take(given, None, ["nothing", key])
                assert (taken.sha256, taken.size_bytes) == (digest(source), len(source))
                assert self.whole(store, store.keep(taken, f"again/{taken.sha256}").key) == source

    def test_other_bytes_under_the_same_key_are_refused_and_change_nothing(self, store: Store) -> None:
        first = store.put("x", b"data")
        with pytest.raises(ObjectTaken):
            store.put("x", b"atad")
        with pytest.raises(ObjectTaken):
            store.put("x", b"")
        for size in (100, self.big_bytes):
            with pytest.raises(ObjectTaken):
                self.kept(store, some_bytes(size), "x")
        assert store.stat("x") == first
        assert self.whole(store, "x") == b"data"

    def test_writers_of_the_same_object_at_once_all_have_it(self, store: Store, size: int) -> None:
        data = some_bytes(size)
        got = self.together(lambda _: self.kept(store, data, "x"))
        assert [held for held in got if not isinstance(held, Held)] == []
        for version in {held.version for held in got}:
            assert digest(self.whole(store, "x", version=version)) == digest(data)
        assert [held.key for held in store.list()] == ["x"]

    def test_of_writers_of_other_bytes_at_once_one_wins(self, store: Store) -> None:
        got = self.together(lambda number: (number, store.put("x", b"from %d" % number)))
        won = [number for number, _ in (one for one in got if isinstance(one, tuple))]
        assert len(won) == 1
        assert sum(isinstance(one, ObjectTaken) for one in got) == WRITERS - 1
        assert self.whole(store, "x") == b"from %d" % won[0]

    def test_writers_of_many_objects_at_once_lose_none(self, store: Store) -> None:
        self.together(lambda n: [store.put(f"many/{n}/{i}", b"%d %d" % (n, i)) for i in range(10)])
        assert len({held.key for held in store.list("many/")}) == WRITERS * 10
        assert all(
            self.whole(store, f"many/{n}/{i}") == b"%d %d" % (n, i) for n in range(WRITERS) for i in range(10)
        )

    def test_a_key_may_hold_any_character_a_layout_writes(self, store: Store) -> None:
        for key in ODD_KEYS:
            store.put(key, key.encode())
        assert {key: self.whole(store, key).decode() for key in ODD_KEYS} == {key: key for key in ODD_KEYS}
        assert [held.key for held in store.list()] == sorted(ODD_KEYS, key=str.encode)

    # --- looking ----------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("start", "length"), [(0, 4), (3, 1), (5, None), (9, 100), (10, None), (10, 5), (11, 1), (4, 0)]
    )
    def test_a_range_is_what_a_slice_would_be(self, store: Store, start: int, length: int | None) -> None:
        store.put("x", b"0123456789")
        end = None if length is None else start + length
        assert self.whole(store, "x", start=start, length=length) == b"0123456789"[start:end]

    def test_a_range_within_a_large_object_is_what_a_slice_would_be(self, store: Store) -> None:
        data = some_bytes(self.big_bytes)
        self.kept(store, data, "x")
        half = self.big_bytes // 2
        for start, length in ((half, 1), (half // 2 - 3, half), (self.big_bytes - 5, None)):
            end = None if length is None else start + length
            assert self.whole(store, "x", start=start, length=length) == data[start:end]

    def test_an_empty_object_is_there_and_has_no_bytes(self, store: Store) -> None:
        held = store.put("x", b"")
        assert held.size_bytes == 0
        assert list(store.read("x")) == list(store.read("x", start=0, length=10)) == []

    def test_an_object_is_fetched_into_a_file_with_the_digest_of_what_arrived(self, store: Store) -> None:
        for key, data in (("big", some_bytes(self.big_bytes)), ("small", b"data"), ("empty", b"")):
            held, into = self.kept(store, data, key), self.folder / f"{key}.out"
            for version in (None, held.version):
                with open(into, "w+b", buffering=0) as out:
                    assert store.fetch(key, out, version=version) == hashlib.sha256(data).hexdigest()
                assert into.read_bytes() == data
        with open(self.folder / "none", "w+b", buffering=0) as out, pytest.raises(ObjectMissing):
            store.fetch("nothing", out)

    def test_a_listing_has_every_object_below_a_prefix_in_order_of_keys(self, store: Store) -> None:
        keys = [f"objects/{n:02x}/{n:03}" for n in range(40)]
        for key in (*keys, "objects.json", "other/x", "format.json"):
            store.put(key, key.encode())
        assert [held.key for held in store.list("objects/")] == keys
        assert [held.key for held in store.list("objects/0")] == keys[:16]
        assert [held.key for held in store.list("o")] == ["objects.json", *keys, "other/x"]
        assert [held.key for held in store.list()] == ["format.json", "objects.json", *keys, "other/x"]
        assert list(store.list("nothing")) == list(store.list("objects/00/000/x")) == []
        for held in store.list("objects/"):
            found = store.stat(held.key)
            assert found is not None
            assert (held.size_bytes, held.version) == (len(held.key), found.version)

    @pytest.mark.parametrize("key", ["nothing", "x/below", "below"])
    def test_what_is_not_there_is_missing_and_says_so(self, store: Store, key: str) -> None:
        store.put("x", b"data")
        store.put("below/x", b"data")
        assert store.stat(key) is None
        for how in ({}, {"start": 2}, {"length": 1}, {"length": 0}):
            with pytest.raises(ObjectMissing, match=key):
                self.whole(store, key, **how)

    def test_a_version_is_of_these_very_bytes(self, store: Store) -> None:
        held, other = store.put("x", b"data"), store.put("y", b"other")
        assert store.stat("x", version=held.version) == held
        assert self.whole(store, "x", version=held.version) == b"data"
        assert store.stat("x", version=other.version) is None
        if self.versions:
            with pytest.raises(ObjectMissing):
                self.whole(store, "x", version=other.version)

    # --- sources that are not what they were ------------------------------------------

    def test_a_source_that_cannot_be_read_is_said(self, store: Store) -> None:
        with pytest.raises(DataNotFound):
            store.take(self.folder / "nothing")
        with pytest.raises(DataUnreadable):
            store.take(self.folder)
        with pytest.raises(DataUnreadable):
            store.take(Broken())  # type: ignore[arg-type]
        assert list(store.list()) == []

    def test_a_source_that_changed_is_kept_as_it_was_or_not_at_all(
        self, store: Store, changed: tuple[bytes, bytes]
    ) -> None:
        data, other = changed
        path = self.file(data)
        taken = store.take(path)
        path.write_bytes(other)
        try:
            store.keep(taken, "x")
        except ObjectCorrupt:
            assert store.stat("x") is None
            assert list(store.list()) == []
        else:
            assert self.whole(store, "x") == data

    def test_bytes_that_are_not_those_that_were_hashed_are_not_kept(self, store: Store) -> None:
        path = self.file(b"data")
        taken = Taken(path, digest(b"other"), 4, ours=False)
        with pytest.raises(ObjectCorrupt, match="file changed"):
            store.keep(taken, "x")
        with pytest.raises(ObjectCorrupt):
            store.mend(taken, "x")
        with pytest.raises(DataNotFound):
            store.keep(replace(taken, path=self.folder / "nothing"), "x")
        assert list(store.list()) == []
        assert path.read_bytes() == b"data"

    # --- mending ----------------------------------------------------------------------

    def test_what_is_missing_is_mended(self, store: Store, size: int) -> None:
        data = some_bytes(size)
        held = self.kept(store, data, "x")
        self.remove(store, "x")
        assert store.stat("x") is None
        assert store.stat("x", version=held.version) is None
        mended = store.mend(store.take(self.file(data)), "x")
        assert store.stat("x", version=mended.version) == mended
        assert self.whole(store, "x") == data

    def test_what_is_not_whole_is_mended(self, store: Store, changed: tuple[bytes, bytes]) -> None:
        data, other = changed
        self.kept(store, data, "x")
        self.damage(store, "x", lambda _: other)
        assert self.whole(store, "x") == other
        taken = store.take(io.BytesIO(data))
        mended = store.mend(taken, "x")
        assert (mended.key, mended.size_bytes) == ("x", len(data))
        assert self.whole(store, "x") == self.whole(store, "x", version=mended.version) == data
        assert not taken.path.exists()

    def test_what_is_whole_is_not_replaced(self, store: Store) -> None:
        held = self.kept(store, b"data", "x")
        taken = store.take(io.BytesIO(b"data"))
        assert store.mend(taken, "x") == held
        assert not taken.path.exists()
        assert store.stat("x") == held

    # --- locks ------------------------------------------------------------------------

    def test_a_lock_is_read_back_and_never_gets_shorter(self, store: Store) -> None:
        now = dt.datetime.now(dt.UTC)
        until = {days: now + dt.timedelta(days=days) for days in (1, 2, 3)}
        held = self.kept(store, b"data", "x", until=until[2])
        if not store.locks:
            assert held.locked_until is None
            assert store.retain("x", held.version, until[3]) is None
            return
        assert held.locked_until is not None
        assert held.locked_until >= until[2]
        assert store.stat("x") == held
        assert store.retain("x", held.version, until[1]) == held.locked_until
        longer = store.retain("x", held.version, until[3])
        assert longer is not None
        assert longer >= until[3]
        again = store.put("x", b"data", until=until[1])
        assert again == store.stat("x") == replace(held, locked_until=longer)

    def test_what_lay_unlocked_is_locked_when_it_is_put_again(self, store: Store) -> None:
        until = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
        for key, size in (("x", 4), ("big", self.big_bytes)):
            held = self.kept(store, some_bytes(size), key)
            assert held.locked_until is None
            again = self.kept(store, some_bytes(size), key, until=until)
            assert again.version == held.version
            assert (again.locked_until or until) >= until
            assert (again.locked_until is not None) == store.locks

    def test_what_is_not_there_cannot_be_locked(self, store: Store) -> None:
        if not store.locks:
            pytest.skip("this store has no locks")
        held = store.put("x", b"data")
        with pytest.raises(ObjectMissing):
            store.retain("y", held.version, dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
