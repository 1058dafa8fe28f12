"""The collector: removes bytes that nothing needs. The only holder of a store's delete.

An object is *marked* when nothing needs it: no version uses it, no lease covers it. After the policy's grace it is
looked at again, in the transaction that moves it to the state ``deleting``: from then on nobody gets a lease on it.
Then the pinned bytes are removed from every store, and then its row. Stopped anywhere, the next run goes on there.

Whoever puts takes leases before looking whether an object is there, so what is found is never on its way out; and a
staged version whose lease is over is given up in the same transaction, so that it cannot become live without its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import unquote

from interlock.catalog import Reader, Writer, clock, outbox
from interlock.catalog.vault import marks, objects, versions
from interlock.catalog.vault import policy as policies
from interlock.catalog.vault.marks import Copy
from interlock.catalog.vault.parts import parts
from interlock.errors import InterlockError, VaultError
from interlock.gates import projection
from interlock.gates.delete import bins
from interlock.gates.delete.gate import ENTRY, Gate
from interlock.gates.erase import purge as erasure
from interlock.settings import current
from interlock.vault import layout
from interlock.vault.intake import LEASE
from interlock.vault.stores.protocol import Held

_OURS = re.compile(r"(?:objects|chunks|recipes)/[0-9a-f]{2}/[0-9a-f]{64}(?:\.zst|\.json)?")
_MANIFEST = re.compile(r"versions/(.+)/v([1-9][0-9]*)\.json")


@dataclass(frozen=True, slots=True)
class Collected:
    """What a run did, or, of a dry one, would do.

    ``given_up`` puts that died; objects ``marked`` now, ``waiting`` for their grace to end, ``locked`` in a store,
    ``removed`` with their ``size_bytes``, ``failed`` to go; ``temporary`` files swept. ``erased`` are data files
    of erasures that a second person approved, ``unerased`` those that could not be removed.
    """

    given_up: int = 0
    marked: int = 0
    waiting: int = 0
    locked: int = 0
    removed: int = 0
    size_bytes: int = 0
    failed: int = 0
    temporary: int = 0
    erased: int = 0
    unerased: int = 0

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


def collect(gate: Gate, *, dry_run: bool = False) -> Collected:
    """Mark, and remove what was marked long enough. One run at a time: `WorkspaceBusy`.

    Raises `VaultError`, with nothing changed, where a store holds versions that this catalog never gave out.
    """
    if dry_run:
        return _foreseen(gate)
    site = gate.site
    with site.locks.locked(site.lock("vault.collect"), timeout_s=current().lock_timeout_s):
        _refuse_foreign(gate)
        done = _finish(gate)
        done = _added(done, _mark(gate))
        for keys in parts(_due(gate)):
            done = _added(done, _remove(gate, keys))
        erased, unerased = erasure.sweep(gate)
        done = replace(done, temporary=_sweep(gate), erased=erased, unerased=unerased)
        with site.catalog.read() as rx:
            done = replace(done, waiting=len(marks.marked(rx)))
    projection.project(site)
    return done


# --- marking ------------------------------------------------------------------------------


def _mark(gate: Gate) -> Collected:
    """Mark what nothing needs, unmark what something does."""
    with gate.site.catalog.write() as tx:
        given_up = _give_up(tx)
        free = [key for key in marks.unneeded(tx, tx.now, layout.VERSIONS) if ours(key)]
        known = marks.marked(tx)
        manifests = [key for key in known if key.startswith(layout.VERSIONS)]
        marks.unmark(tx, set(known) - set(free) - set(_unneeded_manifests(tx, manifests)))
        marked = marks.mark(tx, free)
    for name, store in gate.stores.each():
        for held in parts(_listed(store.list(prefix) for prefix in layout.PREFIXES)):
            marked += _mark_orphans(gate, name, held)
    return Collected(marked=marked, given_up=given_up)


def ours(key: str) -> bool:
    """Whether the vault made what is under this key. Anything else is never removed, whatever the catalog says."""
    return bool(_OURS.fullmatch(key) or _MANIFEST.fullmatch(key))


def _listed(listings: Iterable[Iterable[Held]]) -> Iterator[Held]:
    """What in a store is the vault's; anything else is left alone."""
    for listing in listings:
        yield from (held for held in listing if ours(held.key))


def _mark_orphans(gate: Gate, store: str, listed: list[Held]) -> int:
    """Objects no row knows, and manifests of no version, are marked from now on; what lies there is noted.

    A put takes its lease, which is a row, before its object is there: what has none is of no living put.
    """
    with gate.site.catalog.write() as tx:
        by_key = {held.key: held for held in listed}
        orphans = _orphans(tx, list(by_key))
        marks.add(tx, {key: by_key[key].size_bytes for key in orphans})
        marked = marks.mark(tx, orphans)
        loose = [by_key[key] for key in marks.marked_of(tx, list(by_key))]
        pinned = {c.key: c.version for c in marks.copies(tx, [h.key for h in loose]) if c.store == store}
        other = [held for held in loose if pinned.get(held.key) != held.version]
        objects.pin(tx, store, [(h.key, h.version, h.locked_until) for h in other])
        return marked


def _orphans(rx: Reader, keys: list[str]) -> set[str]:
    plain = [key for key in keys if not key.startswith(layout.VERSIONS)]
    manifests = [key for key in keys if key.startswith(layout.VERSIONS)]
    loose = _unneeded_manifests(rx, manifests)
    rows = marks.known(rx, loose)
    free = marks.free_of(rx, loose, clock.now())
    return (set(plain) - marks.known(rx, plain)) | {key for key in loose if key not in rows or key in free}


def _unneeded_manifests(rx: Reader, keys: list[str]) -> list[str]:
    """Those that are of no version, or of a purged one."""
    named = {key: numbered(key) for key in keys}
    needed = marks.manifests_needed(rx, [at[0] for at in named.values() if at])
    return [key for key, at in named.items() if at is not None and at not in needed]


def numbered(key: str) -> tuple[str, int] | None:
    """The name and number a manifest's key is of."""
    found = _MANIFEST.fullmatch(key)
    if found is None:
        return None
    return "/".join(unquote(part) for part in found[1].split("/")), int(found[2])


def _refuse_foreign(gate: Gate) -> None:
    """A catalog that is older than the store, or another's, must not say what is needed in it."""
    for _, store in gate.stores.each():
        for held in parts(store.list(layout.VERSIONS)):
            found = {h.key: at for h in held if (at := numbered(h.key)) is not None}
            with gate.site.catalog.read() as rx:
                given = marks.given(rx, [name for name, _ in found.values()])
            for key, (name, number) in found.items():
                if number >= given.get(name, 0):
                    raise VaultError(
                        f"{store.where} holds {key}, which this catalog never gave out; nothing was removed",
                        hint="is the catalog a backup, or the store another workspace's?",
                    )


def _give_up(tx: Writer) -> int:
    """Staged versions whose lease is over; their numbers stay taken."""
    marks.forget_leases(tx)
    dead = marks.abandoned(tx, tx.now, LEASE)
    versions.abandon(tx, dead)
    return len(dead)


# --- removing -----------------------------------------------------------------------------


def _due(gate: Gate) -> list[str]:
    """Keys marked for as long as the grace."""
    with gate.site.catalog.read() as rx:
        return marks.marked(rx, before=clock.now() - policies.get(rx).grace)


def _remove(gate: Gate, keys: list[str]) -> Collected:
    """Look again, say so, remove, say so."""
    with gate.site.catalog.write() as tx:
        given_up = _give_up(tx)  # before the look: what is given up here cannot become live any more
        going, locked = _again(tx, keys)
        sizes = marks.sizes(tx, going)
        marks.to_deleting(tx, going)
        if going:
            _say(tx, gate, "deleting", going, sizes)
    return replace(_gone(gate, going, sizes), locked=locked, given_up=given_up)


def _again(tx: Writer, keys: list[str]) -> tuple[list[str], int]:
    """Those of marked keys that nothing needs still, and how many more a store keeps locked."""
    free = marks.free_of(tx, keys, tx.now)
    manifests = [key for key in free if key.startswith(layout.VERSIONS)]
    free -= set(manifests) - set(_unneeded_manifests(tx, manifests))
    locked = {c.key for c in marks.copies(tx, free) if c.locked_until and c.locked_until > tx.now}
    return sorted(free - locked), len(locked)


def _finish(gate: Gate) -> Collected:
    """What an earlier run was about to remove."""
    done = Collected()
    with gate.site.catalog.read() as rx:
        left = marks.going(rx)
        sizes = marks.sizes(rx, left)
    for keys in parts(left):
        done = _added(done, _gone(gate, keys, sizes))
    return done


def _gone(gate: Gate, keys: list[str], sizes: Mapping[str, int]) -> Collected:
    """Remove the copies of objects that are ``deleting``; what a store does not let go is held again."""
    if not keys:
        return Collected()
    with gate.site.catalog.read() as rx:
        copies = marks.copies(rx, keys)
    removed, kept = _removed(gate, copies)
    stay = {copy.key for copy in kept}
    gone = [key for key in keys if key not in stay]
    with gate.site.catalog.write() as tx:
        marks.forget_copies(tx, [copy for copy in removed if copy.key in stay])
        marks.to_held(tx, stay)
        marks.forget(tx, gone)
        if gone:
            _say(tx, gate, "deleted", gone, sizes)
    return Collected(removed=len(gone), size_bytes=sum(sizes.get(k, 0) for k in gone), failed=len(stay))


def _removed(gate: Gate, copies: Iterable[Copy]) -> tuple[list[Copy], list[Copy]]:
    """The copies that are gone, and those that are not, in the stores there are."""
    by_store = {name: bins.of(store) for name, store in gate.stores.each()}
    removed: list[Copy] = []
    kept: list[Copy] = []
    for copy in copies:
        bin_ = by_store.get(copy.store)
        try:
            gone = bin_ is not None and ours(copy.key) and bin_.remove(copy.key, copy.version)
        except InterlockError:
            gone = False
        (removed if gone else kept).append(copy)
    return removed, kept


def _sweep(gate: Gate) -> int:
    with gate.site.catalog.read() as rx:
        before = clock.now() - policies.get(rx).grace
    return sum(bins.of(store).sweep_temporary(before) for _, store in gate.stores.each())


def _say(tx: Writer, gate: Gate, state: str, keys: list[str], sizes: Mapping[str, int]) -> None:
    """What goes, and what went: at most `parts.AT_ONCE` keys, which fit one entry."""
    said: dict[str, Any] = {"action": "collect", "state": state, "who": gate.who, "objects": len(keys)}
    size_bytes = sum(sizes.get(key, 0) for key in keys)
    outbox.append(tx, ENTRY, said | {"size_bytes": size_bytes})


# --- a dry run ----------------------------------------------------------------------------


def _foreseen(gate: Gate) -> Collected:
    _refuse_foreign(gate)
    with gate.site.catalog.read() as rx:
        now, grace = clock.now(), policies.get(rx).grace
        free = {key for key in marks.unneeded(rx, now, layout.VERSIONS) if ours(key)}
        marked, due = set(marks.marked(rx)), marks.marked(rx, before=now - grace)
        going = [key for key in due if key in free or key.startswith(layout.VERSIONS)]
        going += marks.going(rx)
        size_bytes = sum(marks.sizes(rx, going).values())
        given_up = len(marks.abandoned(rx, now, LEASE))
        orphans = set[str]()
        for _, store in gate.stores.each():
            for held in parts(_listed(store.list(prefix) for prefix in layout.PREFIXES)):
                orphans |= _orphans(rx, [h.key for h in held])
    new = len((free | orphans) - marked)
    return Collected(
        given_up=given_up,
        marked=new,
        waiting=len(marked) - len(going),
        removed=len(going),
        size_bytes=size_bytes,
    )


def _added(one: Collected, other: Collected) -> Collected:
    return Collected(**{name: value + getattr(other, name) for name, value in one.to_dict().items()})
