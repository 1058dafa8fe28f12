"""Examining the workspace itself: writes past the gate, files, triggers, the ledger, what stands in PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from interlock import settings
from interlock.catalog import PartitionRecord, State, TriggerState, foreign, partitions, triggers
from interlock.catalog.records import CURRENT
from interlock.catalog.vault.records import RequestState
from interlock.constraints.table_contract import TableContract
from interlock.engines import postgres
from interlock.engines.postgres import address
from interlock.errors import InterlockError, StorageFailed
from interlock.gates import counterpart, fingerprint, projection, staging
from interlock.gates.delete import approval
from interlock.gates.site import Site
from interlock.ledger import Ledger, verify
from interlock.workspace import recovery

if TYPE_CHECKING:
    from interlock.ledger import Report
    from interlock.workspace.progress import Progress
    from interlock.workspace.workspace import Workspace

_SAID = 3  # versions and the like that the line of an entry names
_SAY = f"attach: postgresql://USER@HOST/DATABASE, or {settings.environment_variable('postgres_url')}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, whether it is in order, and what to do if not."""

    ok: bool
    what: str
    detail: str
    advice: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PastTheGate:
    """A commit another tool made to the lake without passing the gate."""

    snapshot_id: int
    tables: tuple[str, ...]
    changes: str

    def __str__(self) -> str:
        where = ", ".join(self.tables) or "the lake"
        return (
            f"snapshot {self.snapshot_id} changed {where} past the gate ({self.changes}); it was never judged"
        )


def past_the_gate(site: Site) -> list[PastTheGate]:
    """Foreign commits whose effect readers still see, oldest first."""
    with site.catalog.read() as rx:
        return [PastTheGate(f.snapshot_id, f.tables, _changes(f)) for f in foreign.lasting(rx)]


def _changes(found: Any) -> str:
    parts = [
        f"{len(found.files_added)} files added" if found.files_added else "",
        f"{len(found.files_removed)} files removed" if found.files_removed else "",
        f"{found.delete_files} delete files" if found.delete_files else "",
        f"{found.rows_inlined} rows in the catalog" if found.rows_inlined else "",
    ]
    return ", ".join(p for p in parts if p) or found.changes


def examine(site: Site, hashed: Progress | None = None) -> list[Finding]:
    """Everything that may be wrong with the workspace, cheapest first.

    With ``hashed``, which is told how far it is, the data files are read again too.
    """
    records = _recorded(site)
    whole, broken = _placed(site, records)
    return [
        *_foreign(site),
        *_counterparts(site, contents=hashed is not None),
        *broken,
        *_orphans(site),
        *(_contents(site, whole, hashed) if hashed is not None else ()),
        *_writers(site),
        *_triggers(site),
        *_quarantine(site),
        *_requests(site),
        *_vault(site),
        *_ledger(site),
    ]


def in_postgres(workspace: Workspace) -> Iterator[Finding]:
    """Of each table attached in PostgreSQL, whether what stands there is as its contract says; nothing is changed."""
    for table in workspace.tables():
        if address.is_one(table.record.location):
            yield _installed(table.name, str(table.record.location), workspace.contract_of(table.name))


def _installed(table: str, location: str, contract: TableContract) -> Finding:
    from interlock.gates.native import quoting, stands  # what few workspaces need

    place = address.of(location)
    if not (url := place.url or settings.current().postgres_url):
        return Finding(
            False, "PostgreSQL", f"{table} was not looked at: nobody says in which database it is", _SAY
        )
    try:
        with postgres.connected(url) as connection:
            found = stands.otherwise(connection, table, contract, place.relation or quoting.name(table))
    except InterlockError as error:
        return Finding(False, "PostgreSQL", f"{table} was not looked at: {error.message}", error.hint)
    if found is None:
        return Finding(True, "PostgreSQL", f"nothing is installed on {table}")
    if found:
        return Finding(
            False,
            "PostgreSQL",
            f"{table} is not as the contract says",
            f"interlock install {table} mends it; with --sql it shows what differs",
        )
    return Finding(True, "PostgreSQL", f"{table} is as the contract says")


def _foreign(site: Site) -> Iterator[Finding]:
    found = past_the_gate(site)
    for one in found:
        table = one.tables[0] if one.tables else "TABLE"
        yield Finding(
            False,
            "past the gate",
            str(one),
            f"write the partition again through the gate: interlock write {table} FILE",
        )
    if not found:
        yield Finding(True, "past the gate", "every commit passed the gate")


def _counterparts(site: Site, *, contents: bool) -> Iterator[Finding]:
    """Whether PostgreSQL tables hold what is published."""
    for one in counterpart.compared(site, contents=contents):
        advice = f"if it may go, drop it: the next partition that is published of {one.table} builds it again"
        yield from (Finding(False, "past the gate", problem, advice) for problem in one.problems)
        if not one.problems:
            what = "rows" if contents else "numbers of rows"
            yield Finding(True, "past the gate", f"{one.name} holds the {what} that are published")


def _recorded(site: Site) -> list[PartitionRecord]:
    """Versions whose files belong to the workspace and are there for as long as a snapshot lists them."""
    with site.catalog.read() as rx:
        return [
            p
            for p in partitions.all_(rx)
            if p.path and p.state is not State.DROPPED and not fingerprint.is_of_time(p.digest)
        ]


def _placed(site: Site, records: list[PartitionRecord]) -> tuple[list[PartitionRecord], list[Finding]]:
    """The versions whose files are there in their size, and what is to be said of all."""
    there = site.files.sizes(record.path or "" for record in records)
    found = [(record, _misplaced(record, there.get(record.path or ""))) for record in records]
    broken = [_damaged(site, record, what) for record, what in found if what]
    fine = Finding(True, "files", f"{len(records):,} files are where they belong")
    return [record for record, what in found if not what], broken or [fine]


def _misplaced(record: PartitionRecord, size_bytes: int | None) -> str | None:
    if size_bytes is None:
        return "is missing"
    return None if size_bytes == record.size_bytes else "was changed"


def _contents(site: Site, records: list[PartitionRecord], hashed: Progress) -> Iterator[Finding]:
    """Current and quarantined files that do not hold the bytes that were judged."""
    chosen = [r for r in records if r.state in (*CURRENT, State.QUARANTINED)]
    known = [r for r in chosen if r.digest is not None]
    bad = 0
    for done, record in enumerate(known, start=1):
        what = _altered(site, record)
        if what is not None:
            bad += 1
            yield _damaged(site, record, what)
        hashed(done, len(known))
    if not bad:
        yield Finding(True, "files", f"{len(known):,} current and quarantined files hold what was judged")
    if len(known) < len(chosen):
        old = len(chosen) - len(known)
        yield Finding(True, "files", f"{old:,} more have no digest on record, written before there were any")


def _altered(site: Site, record: PartitionRecord) -> str | None:
    try:
        with site.files.read(record.path or "") as file:
            digest = fingerprint.of_bytes(file)
    except StorageFailed as error:
        return f"cannot be read: {error.message}"
    return None if digest == record.digest else "was changed; its size is the same, its contents are not"


def _damaged(site: Site, record: PartitionRecord, what: str) -> Finding:
    path = site.files.place(record.path or "")
    return Finding(
        False, "files", f"{record.table}@{record.label}: {path} {what}", "restore it from a backup"
    )


def _orphans(site: Site) -> Iterator[Finding]:
    gone = recovery.collect_orphans(site)
    if gone:
        yield Finding(True, "files", f"{len(gone)} unreferenced files past their grace period were removed")


def _writers(site: Site) -> Iterator[Finding]:
    dead = [left.path.name for left in staging.leftovers(site.locks, site.staging)]
    yield Finding(
        not dead, "writers", f"{len(dead)} unfinished writes" if dead else "no write was left unfinished"
    )


def _triggers(site: Site) -> Iterator[Finding]:
    with site.catalog.read() as rx:
        runs = triggers.list_(rx, limit=1000)
    lost = [r for r in runs if r.state is TriggerState.GIVEN_UP]
    now = dt.datetime.now(dt.UTC)
    unfinished = [r for r in runs if r.state in (TriggerState.PENDING, TriggerState.FAILED)]
    waiting = [r for r in unfinished if not r.waits(now)]
    for run in lost[:10]:
        yield Finding(
            False,
            "triggers",
            f"{run.trigger['shown']} for {run.table}@{run.label} was given up after {run.attempts} tries: {run.detail}",
        )
    if waiting:
        yield Finding(
            False, "triggers", f"{len(waiting)} wait to be tried again", "the next write tries them"
        )
    later = len(unfinished) - len(waiting)
    if not lost and not waiting:
        wait = f"; {later:,} notifications wait for quiet hours or the week to end" if later else ""
        yield Finding(True, "triggers", f"none failed{wait}")


def _quarantine(site: Site) -> Iterator[Finding]:
    with site.catalog.read() as rx:
        held = partitions.quarantined(rx)
    yield Finding(True, "quarantine", f"{len(held)} partitions held" if held else "empty")


def _requests(site: Site) -> Iterator[Finding]:
    """What waits at the delete gate, so that nobody misses it."""
    with site.catalog.read() as rx:
        waiting = approval.listed(rx, states=[RequestState.PENDING])
    if waiting:
        what = ", ".join(f"{r.ref} ({r.action} of {r.subject}, by {r.who})" for r in waiting[:3])
        more = f" and {len(waiting) - 3:,} more" if len(waiting) > 3 else ""
        yield Finding(
            True, "vault", f"a second person is waited for: {what}{more}", "interlock vault requests"
        )


def _vault(site: Site) -> Iterator[Finding]:
    from interlock.vault import status  # what many workspaces have not
    from interlock.vault.stores.opened import Stores

    try:
        found = status.status(Stores.of(site.catalog))
    except InterlockError as error:
        yield Finding(False, "vault", error.message, error.hint)
        return
    if not any(store.objects for store in found.stores):
        return
    if found.lag is not None and found.lag.versions:
        behind = f"{found.lag.versions:,} versions are not in the replica yet"
        yield Finding(False, "vault", behind, "interlock vault replicate")
    if left := found.scrubbed.get("left"):
        yield Finding(
            False, "vault", f"the last scrub left {left:,} damaged", "interlock vault scrub --repair"
        )
    elif found.scrubbed:
        yield Finding(True, "vault", f"read on {found.scrubbed['at'][:10]}, and nothing damaged was left")
    else:
        yield Finding(True, "vault", "never read since it was put: interlock vault scrub")


def _ledger(site: Site) -> Iterator[Finding]:
    report = verify_ledger(site)
    for problem in report.problems[:10]:
        yield Finding(False, "ledger", str(problem), "interlock ledger verify shows all")
    if report.ok:
        yield Finding(True, "ledger", f"{report.size:,} entries verified")


def verify_ledger(site: Site) -> Report:
    """Re-derive the ledger from its files and compare it with the catalog."""
    _catch_up(site)
    return verify(site.ledger, site.catalog)


def ledger_entries(site: Site, limit: int) -> list[dict[str, Any]]:
    """The newest entries, oldest first, each with its ``index`` and one line ``what``."""
    _catch_up(site)
    ledger = Ledger(site.ledger, site.locks)
    size = ledger.size
    return [
        {"index": e.index, **e.value, "what": _what(e.value)}
        for e in ledger.entries(max(0, size - limit), size)
    ]


def _catch_up(site: Site) -> None:
    """What other machines have committed is not in a ledger of this machine's own yet."""
    if not site.catalog.one_folder:
        projection.project(site)


def _what(entry: dict[str, Any]) -> str:
    if entry["kind"] == "versions":
        return _some(f"{v['name']}@v{v['version']} {v['state']}" for v in entry["versions"])
    if entry["kind"] == "guards":
        return _some(f"{g['guard']} {g['of']}" for g in entry["guards"])
    place = str(entry.get("table") or entry.get("subject") or entry.get("name") or "")
    if entry.get("partition"):
        place += f"@{entry['partition']}"
    facts = [entry.get(k) for k in ("decision", "outcome", "alert", "action", "request", "state", "reason")]
    return " ".join([place, *(str(f) for f in facts if f)])


def _some(of: Iterable[str]) -> str:
    """The first few of them."""
    said = list(of)
    return ", ".join(said[:_SAID]) + (f" and {len(said) - _SAID:,} more" if len(said) > _SAID else "")
