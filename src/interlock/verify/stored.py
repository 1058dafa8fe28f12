"""What versions stand for: each has its manifest in the main store, and everything that lists is there.

Keys of objects, manifests and recipes are those of docs/formats/vault-v1.md.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from interlock.errors import StorageFailed, StoreUnreachable
from interlock.settings import current
from interlock.verify.chunked import Chunk, is_whole, recipe, recipe_key
from interlock.verify.facts import CATALOG, plain
from interlock.verify.places import Folder, Place, bucket_at, read, sha256
from interlock.verify.report import Progress, Report
from interlock.verify.rows import Rows

READABLE = ("live", "deleted")
_AT_ONCE = 256
_REMEMBERED = 100_000  # objects that need not be asked for again
_MANIFEST_BYTES_MAX = 256 << 20
_MACHINE = Folder(Path("/"))

Again = Callable[[], AbstractContextManager[Rows]]
Wrong = tuple[str, str]  # a place, and what is wrong there


@dataclass(frozen=True, slots=True)
class Vault:
    """Where a vault's bytes lie; ``files`` are those of the workspace's tables."""

    main: Place
    files: Place
    replica: Place | None


@dataclass(frozen=True, slots=True)
class Version:
    """A row of ``interlock_vault_version``."""

    id: int
    name: str
    number: int
    state: str
    manifest: str | None
    size_bytes: int
    files: int
    purge_after: str | None

    @property
    def ref(self) -> str:
        return f"{self.name}@v{self.number}"

    @property
    def key(self) -> str:
        return (
            f"versions/{'/'.join(quote(part, safe='') for part in self.name.split('/'))}/v{self.number}.json"
        )


@dataclass(frozen=True, slots=True)
class _Needs:
    """A version that can be read, the objects it ``uses`` by the catalog, and which bytes of them are pinned."""

    version: Version
    uses: frozenset[str]
    pins: Mapping[str, str]


def look_at(
    rows: Rows,
    readable: Sequence[Version],
    vault: Vault,
    report: Report,
    *,
    data: bool,
    progress: Progress | None,
    again: Again,
) -> None:
    """Look for what these versions need, and with ``data`` read it. ``again`` opens a later snapshot of the catalog."""
    look = _Look(vault, data)
    for start in range(0, len(readable), _AT_ONCE):
        needs = _needs(rows, readable[start : start + _AT_ONCE])
        with ThreadPoolExecutor(current().vault_threads) as pool:
            found = list(pool.map(look, needs))
        report.files += sum(n.version.files for n in needs)
        _tell({n.version: wrong for n, wrong in zip(needs, found, strict=True) if wrong}, report, again)
        if progress is not None:
            progress(min(start + _AT_ONCE, len(readable)), len(readable))
    report.read_bytes = look.read_bytes


def _tell(wrong: Mapping[Version, Sequence[Wrong]], report: Report, again: Again) -> None:
    """Report what is wrong with versions that can still be read: who purges meanwhile does no damage."""
    if not wrong:
        return
    with again() as later:
        still = {v for v in wrong if _state(later, v) in READABLE}
    for version, places in wrong.items():
        for place, what in places if version in still else ():
            report.problem(place, what, version.ref)


def _state(rows: Rows, version: Version) -> str | None:
    sql = "SELECT state FROM interlock_vault_version WHERE id = ?"
    return next((str(state) for (state,) in rows.each(sql, version.id)), None)


def _needs(rows: Rows, some: Sequence[Version]) -> list[_Needs]:
    marks = ", ".join("?" * len(some))
    ids, keys = [v.id for v in some], [v.key for v in some]
    uses: dict[int, set[str]] = {id_: set() for id_ in ids}
    pins: dict[int, dict[str, str]] = {id_: {} for id_ in ids}
    for id_, key in rows.each(
        f"SELECT version_id, key FROM interlock_vault_use WHERE version_id IN ({marks})", *ids
    ):
        uses[id_].add(key)
    used = (
        "SELECT u.version_id, c.key, c.version FROM interlock_vault_use u"
        f" JOIN interlock_vault_copy c ON c.key = u.key AND c.store = 'main' WHERE u.version_id IN ({marks})"
    )
    for id_, key, pin in rows.each(used, *ids):
        pins[id_][key] = pin
    manifests = f"SELECT key, version FROM interlock_vault_copy WHERE store = 'main' AND key IN ({marks})"
    pinned = {str(key): str(pin) for key, pin in rows.each(manifests, *keys)}
    for v in some:
        pins[v.id] |= {v.key: pinned[v.key]} if v.key in pinned else {}
    return [_Needs(v, frozenset(uses[v.id]), pins[v.id]) for v in some]


class _Look:
    """Finds what is wrong with a version. Objects are asked for once, as long as there is room to remember them."""

    def __init__(self, vault: Vault, data: bool) -> None:
        self.vault, self.data = vault, data
        self.read_bytes = 0
        self._size = functools.lru_cache(_REMEMBERED)(vault.main.size)
        self._sha256: Any = functools.lru_cache(_REMEMBERED)(self._read)
        self._is_whole = functools.lru_cache(_REMEMBERED)(self._read_chunk)

    def __call__(self, needs: _Needs) -> list[Wrong]:
        try:
            return list(self._wrong(needs))
        except StorageFailed as error:
            return [(needs.version.key, f"cannot be looked at: {error.message}")]

    def _wrong(self, needs: _Needs) -> Iterator[Wrong]:
        version = needs.version
        pin = needs.pins.get(version.key)
        if pin is None:
            yield CATALOG, "no bytes are pinned as its manifest"
        data = read(self.vault.main, version.key, pin, _MANIFEST_BYTES_MAX)
        if hashlib.sha256(data).hexdigest() != version.manifest:
            yield version.key, "is not the manifest that was put" if data else "is missing"
            return
        try:
            made = plain(json.loads(data))
            yield from self._as_its_row(version, made)
            for file in made["files"]:
                yield from self._file(needs, file)
            yield from self._uses(needs, made["files"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            yield version.key, "is no manifest that this version reads"

    def _as_its_row(self, version: Version, made: Mapping[str, Any]) -> Iterator[Wrong]:
        if (made["format"], made["version"]) != ("interlock-vault", 1):
            raise ValueError
        sizes = [file["size_bytes"] for file in made["files"]]
        said = (made["name"], made["number"], len(sizes), sum(sizes))
        if said != (version.name, version.number, version.files, version.size_bytes):
            yield version.key, "is of another name, number or size than its row"

    def _file(self, needs: _Needs, file: Mapping[str, Any]) -> Iterator[Wrong]:
        how, digest, size = file["stored"], file["sha256"], file["size_bytes"]
        if how == "plain":
            yield from self._object(needs, _object_key(digest), digest, size)
        elif how == "recipe":
            yield from self._chunked(needs, digest, size)
        elif how in ("lake", "adopted"):
            yield from self._outside(needs, file)
        else:
            yield needs.version.key, f"{file['path']} is kept in a way that this version does not know: {how}"

    def _object(self, needs: _Needs, key: str, digest: str, size: int) -> Iterator[Wrong]:
        pin = needs.pins.get(key)
        there = self._size(key, pin)
        if pin is None:
            yield CATALOG, f"no bytes are pinned as {key}"
        if there is None:
            yield key, "is missing"
        elif there != size:
            yield key, f"has {there:,} bytes, not {size:,}"
        elif self.data and self._sha256(self.vault.main, key, pin) != digest:
            yield key, "is not what was put"

    def _chunked(self, needs: _Needs, digest: str, size: int) -> Iterator[Wrong]:
        try:
            listed = recipe(self.vault.main, digest, needs.pins.get(recipe_key(digest)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            yield recipe_key(digest), str(error) or "is no recipe"
            return
        if sum(chunk.size_bytes for chunk in listed) != size:
            yield recipe_key(digest), "makes a file of another size"
        if missing := {recipe_key(digest), *(chunk.key for chunk in listed)} - needs.uses:
            yield CATALOG, f"nothing keeps {min(missing)} from the collector"
        for chunk in dict.fromkeys(listed):
            pin = needs.pins.get(chunk.key)
            there = self._size(chunk.key, pin)
            if there is None:
                yield chunk.key, "is missing"
            elif not chunk.compressed and there != chunk.size_bytes:
                yield chunk.key, f"has {there:,} bytes, not {chunk.size_bytes:,}"
            elif self.data and not self._is_whole(chunk, pin):
                yield chunk.key, "is not the chunk that was put"

    def _outside(self, needs: _Needs, file: Mapping[str, Any]) -> Iterator[Wrong]:
        """Where it was, or in the main store, which may have taken it in."""
        key, at = _object_key(file["sha256"]), str(file.get("at"))
        if key in needs.pins:
            yield from self._object(needs, key, file["sha256"], file["size_bytes"])
            return
        place, there, version = self._place_of(file)
        try:
            size = place.size(there, version)
            if size is None:
                yield at, f"is missing{self._elsewhere(key)}"
            elif size != file["size_bytes"]:
                yield at, f"has {size:,} bytes, not {file['size_bytes']:,}{self._elsewhere(key)}"
            elif self.data and self._sha256(place, there, version) != file["sha256"]:
                yield at, f"is not what was put{self._elsewhere(key)}"
        except (StorageFailed, StoreUnreachable) as error:
            yield at, f"cannot be looked at: {error.message}{self._elsewhere(key)}"

    def _place_of(self, file: Mapping[str, Any]) -> tuple[Place, str, str | None]:
        """Where a file lies that is not in the store, its key there, and which bytes of it are meant."""
        at = str(file["at"])
        if file["stored"] == "lake":
            return self.vault.files, at, None
        if not at.startswith("s3://"):
            return _MACHINE, at, None
        address, mark, query = at.partition("?")
        bucket, _, key = address.removeprefix("s3://").partition("/")
        return bucket_at(f"s3://{bucket}{mark}{query}"), unquote(key), file.get("at_version")

    def _elsewhere(self, key: str) -> str:
        there = self.vault.replica is not None and self.vault.replica.size(key) is not None
        return "; the replica has it" if there else ""

    def _uses(self, needs: _Needs, files: Sequence[Mapping[str, Any]]) -> Iterator[Wrong]:
        """What keeps the collector away is what the manifest lists, no more and no less (a recipe lists more)."""
        plain_ = {_object_key(f["sha256"]) for f in files if f["stored"] == "plain"}
        lake = {f["at"] for f in files if f["stored"] == "lake"}
        other = {_object_key(f["sha256"]) for f in files} | {f.get("at") for f in files}
        for key in sorted((plain_ | lake) - needs.uses):
            yield CATALOG, f"nothing keeps {key} from the collector"
        if not any(f["stored"] == "recipe" for f in files):
            for key in sorted(needs.uses - plain_ - lake - other):
                yield CATALOG, f"needs {key} by the catalog, which its manifest does not list"

    def _read(self, place: Place, key: str, version: str | None) -> str:
        return sha256(place, key, version, self._count)

    def _read_chunk(self, chunk: Chunk, version: str | None) -> bool:
        return is_whole(self.vault.main, chunk, version, self._count)

    def _count(self, some_bytes: int) -> None:
        self.read_bytes += some_bytes


def _object_key(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"
