"""Reading every object of every store again, and putting right what is not what was put.

A copy that was found right is noted as such, one that was not as never read. So a scrub that
was stopped goes on with what is left, and what was damaged is looked at again.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from interlock.catalog import Reader, Writer, clock, outbox
from interlock.catalog.vault import copies, objects
from interlock.catalog.vault.copies import Copy
from interlock.catalog.vault.parts import parts
from interlock.errors import ObjectMissing, StorageFailed, StoreRefused, VaultError
from interlock.names import Digest
from interlock.settings import current
from interlock.vault import layout, repair, replica, retention
from interlock.vault.damage import Finding, Report, What
from interlock.vault.examine import Seen, examine
from interlock.vault.intake import ENTRY, Lease
from interlock.vault.outside import Outside
from interlock.vault.pace import Pace
from interlock.vault.stores.opened import FORMAT, MAIN, Stores
from interlock.vault.stores.protocol import Held, Store

MEMO = "vault_scrub"  # under which a scrub remembers when it began, and how the last one ended
_PAGE = 256  # objects between two notes of what was found
_REFS = 5  # versions named as needing a damaged object
_FORMAT = Digest.of(FORMAT).hex


@dataclass(frozen=True, slots=True)
class Asked:
    """What a scrub is to do. ``only``: the store of this name. ``since``: leave out what was read since then."""

    who: str
    repair: bool = False
    only: str | None = None
    since: dt.datetime | None = None
    rate_mb_s: float | None = None


def scrub(stores: Stores, asked: Asked, progress: Callable[[int, int], None] | None = None) -> Report:
    """Read every object again and report what is not right; with ``repair``, put it right and look again.

    Goes on where an earlier one was stopped. Raises what stores raise that do not answer.
    """
    chosen = [(name, store) for name, store in stores.each() if asked.only in (None, name)]
    if not chosen:
        raise VaultError(
            f"the vault has no store {asked.only!r}", hint="it has " + " and ".join(dict(stores.each()))
        )
    report = Report()
    with stores.catalog.write() as tx:
        for name, _ in chosen:
            report.began_at[name] = asked.since or _begun(tx, name)
        total = sum(copies.count_due(tx, name, report.began_at[name])[1] for name, _ in chosen)
    pace = Pace(total, asked.rate_mb_s, progress)
    with ThreadPoolExecutor(current().vault_threads) as pool:
        outside = Outside(stores, asked.who, pool, pace, repair=asked.repair)
        for name, store in chosen:
            _Round(stores, name, store, asked, report, pace, pool, outside).run()
    locks = retention.renew(stores)
    report.renewed = locks.renewed
    for name, key in locks.short:
        report.add(
            Finding(name, key, What.UNLOCKED, "the store does not lock it"), current().vault_findings_max
        )
    with stores.catalog.write() as tx:
        _ended(tx, asked, report)
        behind = replica.lag(tx).versions if stores.replica is not None else 0
    if behind:
        report.notes.append(f"{behind:,} versions are not in the replica yet: interlock vault replicate")
    return report


def _begun(tx: Writer, name: str) -> dt.datetime:
    """When the scrub of a store began that this one is, or goes on with."""
    memo = copies.memo(tx, MEMO)
    began_at = memo.setdefault("began_at", {}).setdefault(name, tx.now.isoformat())
    copies.set_memo(tx, MEMO, memo)
    return dt.datetime.fromisoformat(began_at)


def _ended(tx: Writer, asked: Asked, report: Report) -> None:
    memo = copies.memo(tx, MEMO)
    if asked.since is None:
        for name in report.began_at:
            memo.get("began_at", {}).pop(name, None)
    said = {
        "objects": dict(report.objects),
        "size_bytes": dict(report.size_bytes),
        "found": dict(report.counts),
        "repaired": report.repaired,
        "left": report.left,
    }
    memo["last"] = {"at": tx.now.isoformat(), "who": asked.who, **said}
    copies.set_memo(tx, MEMO, memo)
    outbox.append(tx, ENTRY, {"action": "scrub", "who": asked.who, **said})


@dataclass(frozen=True, slots=True)
class _Mended:
    """A damaged object after what was tried; ``held`` is what lies there now if it was repaired."""

    copy: Copy
    finding: Finding
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class _Round:
    """One store's part of a scrub."""

    stores: Stores
    name: str
    store: Store
    asked: Asked
    report: Report
    pace: Pace
    pool: ThreadPoolExecutor
    outside: Outside

    def run(self) -> None:
        format_ = Copy(self.name, layout.FORMAT_KEY, "", size_bytes=len(FORMAT))
        page = self._page("")
        judged = [format_, *page] if page else []
        while judged:
            self._judge(judged)
            judged = page = self._page(page[-1].key)
        for some in parts(self.store.list()):
            self._loose(some)

    def _page(self, after: str) -> list[Copy]:
        with self.stores.catalog.read() as rx:
            return copies.due(rx, self.name, self.report.began_at[self.name], after, _PAGE)

    # --- what should be there ---------------------------------------------------------

    def _judge(self, page: Sequence[Copy]) -> None:
        now = clock.now()
        digests = self._digests(page)
        due = [c for c in page if c.key in digests or not c.key.startswith(layout.VERSIONS)]
        due.sort(key=lambda c: -(c.size_bytes or 0))  # the longest first: nobody waits for one at the end
        seen = list(self.pool.map(lambda c: examine(self.store, c, digests.get(c.key), now, self.pace), due))
        well = [s for s in seen if s.what is None]
        with self._leased([s.copy for s in seen if s.what is not None]):
            damaged = self._confirmed([s for s in seen if s.what is not None])
            mended = list(self.pool.map(lambda s: self._mended(s, digests.get(s.copy.key), now), damaged))
            self._note(well, mended, now)
        self._tell(one.finding for one in mended)
        if self.name == MAIN:
            self._tell(self.outside.look_after([(s.copy.key, f) for s in well for f in s.outside]))
        self.report.objects[self.name] += len(seen)
        self.report.size_bytes[self.name] += sum(s.held.size_bytes for s in well if s.held)

    def _digests(self, page: Iterable[Copy]) -> dict[str, str]:
        """The SHA-256 of what keys do not name: manifests of versions that can be read, and the format."""
        of = {version: c.key for c in page if (version := layout.manifest_of(c.key)) is not None}
        with self.stores.catalog.read() as rx:
            found = copies.digests(rx, of)
        return {layout.FORMAT_KEY: _FORMAT, **{of[version]: digest for version, digest in found.items()}}

    @contextmanager
    def _leased(self, damaged: Sequence[Copy]) -> Iterator[None]:
        """The collector removes none of these while they are being repaired."""
        sizes = {c.key: c.size_bytes for c in damaged if c.size_bytes is not None and c.version}
        if not (self.asked.repair and sizes):
            yield
            return
        lease = Lease(self.stores.catalog, uuid.uuid4().hex)
        try:
            lease.cover(sizes)
            yield
        finally:
            with self.stores.catalog.write() as tx:
                objects.release(tx, lease.id)

    def _confirmed(self, damaged: Sequence[Seen]) -> list[Seen]:
        """Without those that were removed, or put anew, while we looked; each with the name of what lies there."""
        with self.stores.catalog.read() as rx:
            return [_named(rx, s) for s in damaged if not s.copy.version or self._is_pinned(rx, s.copy)]

    def _is_pinned(self, rx: Reader, copy: Copy) -> bool:
        now = copies.one(rx, self.name, copy.key)
        return now is not None and now.version == copy.version

    def _mended(self, seen: Seen, digest: str | None, now: dt.datetime) -> _Mended:
        copy = seen.copy
        assert seen.what is not None
        with self.stores.catalog.read() as rx:
            version, pins = layout.manifest_of(copy.key), copies.pins(rx, copy.key)
            needing = (
                copies.needing(rx, copy.key, _REFS) if version is None else [f"{version[0]}@v{version[1]}"]
            )
        finding = Finding(self.name, copy.key, seen.what, seen.detail, tuple(needing))
        if not self.asked.repair:
            return _Mended(copy, finding)
        try:
            if seen.what is What.UNLOCKED:
                held, source = repair.lock_again(self.store, copy), self.name
            else:
                held, source = repair.mend(self.stores, self.name, copy.key, digest, pins)
                if copy.locked_until is not None and copy.locked_until > now:
                    held = repair.lock_again(self.store, replace(copy, version=held.version))
        except (ObjectMissing, StorageFailed, StoreRefused) as error:
            return _Mended(copy, replace(finding, why=error.message))
        return _Mended(copy, replace(finding, repaired=source), held)

    def _note(self, well: Sequence[Seen], mended: Sequence[_Mended], now: dt.datetime) -> None:
        """What was found and done, in one transaction; each repair is an entry of the ledger."""
        there = [(s.copy, s.held) for s in well if s.held is not None]
        there += [(m.copy, m.held) for m in mended if m.held is not None]
        with self.stores.catalog.write() as tx:
            as_noted = [
                c for c, held in there if (held.version, held.locked_until) == (c.version, c.locked_until)
            ]
            copies.verified(tx, as_noted, now)
            for copy, held in there:
                if (held.version, held.locked_until) != (copy.version, copy.locked_until):
                    copies.moved(tx, copy, held.version, held.locked_until)
            copies.damaged(tx, self.name, [m.copy.key for m in mended if m.held is None])
            outbox.append_all(
                tx, [(ENTRY, m.finding.entry(self.asked.who)) for m in mended if m.held is not None]
            )

    def _tell(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.report.add(finding, current().vault_findings_max)

    # --- what nobody pinned -----------------------------------------------------------

    def _loose(self, some: Sequence[Held]) -> None:
        """What lies there though nobody pinned it: leftovers that wait for the collector, and what is not ours.

        Under the name of an object the right bytes must lie all the same: a put of them would find it there.
        """
        with self.stores.catalog.read() as rx:
            pinned = copies.pinned(rx, self.name, [held.key for held in some])
        loose = [held for held in some if held.key not in pinned and held.key != layout.FORMAT_KEY]
        ours = [h for h in loose if layout.is_object(h.key) or layout.manifest_of(h.key) is not None]
        now = clock.now()
        made = [Copy(self.name, h.key, h.version) for h in ours if layout.is_object(h.key)]
        seen = self.pool.map(lambda copy: examine(self.store, copy, None, now, self.pace), made)
        wrong = [s for s in seen if s.what in (What.CORRUPT, What.HIDDEN)]
        self.report.unused[self.name] += len(ours) - len(wrong)
        self._tell(
            Finding(self.name, s.copy.key, What.CORRUPT, f"{s.detail}; nothing needs it") for s in wrong
        )
        strays = (h for h in loose if h not in ours)
        self._tell(Finding(self.name, h.key, What.STRAY, "the vault put nothing there") for h in strays)


def _named(rx: Reader, seen: Seen) -> Seen:
    """With the name of what lies there, where that is another object of the vault, or a manifest."""
    if seen.found is None:
        return seen
    other = next(iter(sorted(copies.known(rx, seen.found.keys))), None) or copies.holding(
        rx, seen.found.sha256
    )
    if other is None:
        return seen
    return replace(seen, what=What.SWAPPED, detail=f"it holds the bytes of {other}")
