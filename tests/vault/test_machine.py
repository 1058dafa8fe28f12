"""Several people do what they like with a vault, in any order: nothing acknowledged is lost.

The reference is a dictionary: what was put, when it was deleted, who asked for what. A version may
become unreadable only where somebody asked for its end when its retention was over, nothing held
it, and somebody else approved it. `INTERLOCK_TEST_MACHINE=20` looks twenty times as long.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import interlock
from interlock.catalog import clock
from interlock.catalog.vault.records import Action, VersionState
from interlock.errors import (
    ApprovalRefused,
    DeleteRefused,
    InterlockError,
    NameRefused,
    UsageError,
    VaultError,
    VersionDeleted,
    VersionNotFound,
)

SHRINK = "INTERLOCK_TEST_SHRINK" in os.environ
TIMES = int(os.environ.get("INTERLOCK_TEST_MACHINE", "1"))
START = dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)
RETENTION = dt.timedelta(days=30)
WINDOW = dt.timedelta(hours=24)
RADIUS = 3
REFUSALS = (
    ApprovalRefused, DeleteRefused, NameRefused, UsageError, VaultError, VersionDeleted, VersionNotFound
)  # fmt: skip

people = st.sampled_from(["ann", "bob", "cat"])
names = st.sampled_from(["a", "b", "team/x", "team/y", "team/sub/z", "other/w"])
paths = st.sampled_from(
    ["runs/1/MLmodel", "runs/1/model.pkl", "runs/2/model.pkl", "runs/2/log", "runs/3/log"]
)
words = st.sampled_from(
    ["a", "b", "team/", "team", "team/x", "team/sub", "other/w", "/", "runs/", "runs/1", "runs/2/log", "a@v1", "b@v2",
     "team/x@v1", "a@champion"]
)  # fmt: skip
contents = st.sampled_from([b"", b"1", b"22", b"333", bytes(5_000)])


@dataclass
class Kept:
    """What the reference knows of one version."""

    content: bytes
    deleted_at: dt.datetime | None = None
    ended: bool = False


class VaultMachine(RuleBasedStateMachine):
    """Every rule is one call of the public interface by one person; the clock moves only by `wait`."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.now, self.who = START, "ann"
        self.kept: dict[str, Kept] = {}
        self.alone: list[tuple[dt.datetime, str]] = []  # (when, model) deleted without a second person
        self.open()

    def open(self) -> None:
        self.ws = interlock.open(self.folder / "ws")
        self.ws.site.catalog.database.user = lambda: self.who  # type: ignore[method-assign]

    def teardown(self) -> None:
        if hasattr(self, "ws"):
            self.everything_is_readable(list(self.kept))
            with clock.at(self.now):
                assert self.ws.verify_ledger().ok
            self.ws.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def limit(self) -> None:
        self.do("ann", lambda: self.ws.vault.set_policy(radius_models=RADIUS))
        self.put("ann", "a", b"1")  # the policy of an empty vault is anybody's to set

    def do(self, who: str, call: Callable[[], object]) -> object | InterlockError:
        """One call by one person, now; a refusal is its answer."""
        self.who = who
        with clock.at(self.now):
            try:
                return call()
            except REFUSALS as refusal:
                return refusal

    def state(self, ref: str) -> VersionState:
        (record,) = [r for r in self.records if r.ref == ref] or [None]
        return record.state if record else VersionState.PURGED

    @property
    def records(self) -> list[interlock.workspace.vault.VersionRecord]:
        return self.ws.vault.versions(deleted=True)

    # --- rules ------------------------------------------------------------------------

    @rule(who=people, name=names, content=contents)
    def put(self, who: str, name: str, content: bytes) -> None:
        made = self.do(who, lambda: self.ws.vault.put(name, {"model.bin": content}))
        assert not isinstance(made, InterlockError), made
        assert made.ref not in self.kept, "a version's name was given twice"  # type: ignore[attr-defined]
        self.kept[made.ref] = Kept(content)  # type: ignore[attr-defined]

    @rule(who=people, path=paths, content=contents)
    def write(self, who: str, path: str, content: bytes) -> None:
        made = self.do(who, lambda: self.ws.vault.put_file(path, content))
        if not isinstance(made, InterlockError):
            assert made.ref not in self.kept  # type: ignore[attr-defined]
            self.kept[made.ref] = Kept(content)  # type: ignore[attr-defined]

    @rule(who=people, what=st.lists(words, min_size=1, max_size=2))
    def delete(self, who: str, what: list[str]) -> None:
        before = {r.ref: r.state for r in self.records}
        said = self.do(who, lambda: self.ws.vault.delete(*what))
        after = {r.ref: r.state for r in self.records}
        if isinstance(said, InterlockError):
            assert after == before, "a refused deletion changed something"
        gone = [ref for ref in before if before[ref] != after[ref]]
        self.alone += [(self.now, model(ref)) for ref in gone]

    @rule(who=people, what=words)
    def restore(self, who: str, what: str) -> None:
        deleted = {r.ref for r in self.records if r.state is VersionState.DELETED}
        said = self.do(who, lambda: self.ws.vault.restore(what))
        if what == "/" and deleted and not isinstance(said, InterlockError):
            assert all(self.state(ref) is VersionState.LIVE for ref in deleted if ref not in self.renamed())

    @rule(who=people, days=st.integers(0, 40))
    def restore_since(self, who: str, days: int) -> None:
        since = self.now - dt.timedelta(days=days)
        mine = [
            ref for ref, k in self.kept.items()
            if k.deleted_at and k.deleted_at >= since and self.state(ref) is VersionState.DELETED
        ]  # fmt: skip
        self.do(who, lambda: self.ws.vault.restore(since=since))
        assert all(self.state(ref) is VersionState.LIVE for ref in mine if ref not in self.renamed())

    @rule(who=people, what=words)
    def purge(self, who: str, what: str) -> None:
        before = {r.ref: r.state for r in self.records}
        said = self.do(who, lambda: self.ws.vault.purge(what))
        assert isinstance(said, InterlockError), "nobody purges alone"
        assert {r.ref: r.state for r in self.records} == before

    @rule(who=people, which=st.integers(0, 5))
    def approve(self, who: str, which: int) -> None:
        with clock.at(self.now):
            pending = self.ws.vault.requests(pending=True)
        if not pending:
            return
        request = pending[which % len(pending)]
        may_end = self.may_end() if request.action is Action.PURGE and request.who != who else set()
        before = {r.ref: r.state for r in self.records}
        said = self.do(who, lambda: self.ws.vault.approve(request.ref))
        after = {r.ref: r.state for r in self.records}
        if request.who == who:
            assert isinstance(said, ApprovalRefused)
            assert after == before
        ended = {ref for ref in before if ref not in after}
        assert ended <= may_end, (
            f"{ended - may_end} ended before retention, in use, or without a second person"
        )
        for ref in ended:
            self.kept[ref].ended = True

    @rule(who=people, which=st.integers(0, 5))
    def refuse(self, who: str, which: int) -> None:
        pending = self.ws.vault.requests(pending=True)
        if pending:
            self.do(who, lambda: self.ws.vault.refuse(pending[which % len(pending)].ref))

    @rule(who=people, what=words, alias=st.sampled_from(["champion", "old"]))
    def alias(self, who: str, what: str, alias: str) -> None:
        self.do(who, lambda: self.ws.vault.alias(what.rstrip("/") or "a", alias))

    @rule(who=people, name=names, alias=st.sampled_from(["champion", "old"]))
    def unalias(self, who: str, name: str, alias: str) -> None:
        self.do(who, lambda: self.ws.vault.unalias(name, alias))

    @rule(who=people, old=names, new=st.sampled_from(["a", "moved/x", "moved/y", "team/y"]))
    def rename(self, who: str, old: str, new: str) -> None:
        live = {r.ref for r in self.records if r.name == old and r.state is VersionState.LIVE}
        said = self.do(who, lambda: self.ws.vault.rename(old, new))
        if not isinstance(said, InterlockError):
            self.note_new(live, new)

    @rule(who=people, what=words, service=st.booleans())
    def hold(self, who: str, what: str, service: bool) -> None:
        self.do(who, lambda: self.ws.vault.hold(what, "a reason", service=service))

    @rule(who=people, which=st.integers(0, 3))
    def release(self, who: str, which: int) -> None:
        held = self.ws.vault.holds()
        if held:
            self.do(who, lambda: self.ws.vault.release(held[which % len(held)].ref))

    @rule(who=people, days=st.sampled_from([0, 1, 60]))
    def shorten(self, who: str, days: int) -> None:
        before = self.ws.vault.policy.retention_days
        said = self.do(who, lambda: self.ws.vault.set_policy(retention_days=days))
        assert days >= before or isinstance(said, InterlockError), "one person shortened the retention"
        self.do(who, lambda: self.ws.vault.set_policy(radius_models=1_000))
        assert self.ws.vault.policy.retention >= RETENTION or self.shortened()

    @rule(days=st.sampled_from([0, 1, 2, 31, 70]), hours=st.integers(0, 23))
    def wait(self, days: int, hours: int) -> None:
        self.now += dt.timedelta(days=days, hours=hours)

    @rule(who=people)
    def collect(self, who: str) -> None:
        said = self.do(who, self.ws.vault.collect)
        assert not isinstance(said, InterlockError), said

    @rule()
    def reopen(self) -> None:
        self.ws.close()
        self.open()

    # --- what must hold ---------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "ws"):
            return
        records = {r.ref: r for r in self.records}
        for ref, record in records.items():
            if ref not in self.kept:  # what a rename's approval made
                self.kept[ref] = Kept(self.read(ref))
            self.kept[ref].deleted_at = record.deleted_at
        lost = [ref for ref, kept in self.kept.items() if ref not in records and not kept.ended]
        assert not lost, f"{lost} ended, and nobody may have ended them"
        some = sorted(self.kept)[:: max(1, len(self.kept) // 4)]
        self.everything_is_readable(some)
        lately = {name for at, name in self.alone if self.now - at < WINDOW and self.still_gone(name)}
        assert len(lately) <= self.ws.vault.policy.radius_models, (
            f"{lately} were deleted without a second person"
        )

    def everything_is_readable(self, refs: list[str]) -> None:
        for ref in refs:
            if not self.kept[ref].ended:
                assert self.read(ref) == self.kept[ref].content, ref

    def read(self, ref: str) -> bytes:
        with clock.at(self.now), self.ws.vault.open(ref, deleted=True) as file:
            return file.read()

    def may_end(self) -> set[str]:
        """Tombstones whose retention is over and that nothing holds."""
        aliased = {f"{a.name}@v{a.version}" for a in self.ws.vault.aliases()}
        holds = self.ws.vault.holds()

        def held(ref: str) -> bool:
            name, _, number = ref.partition("@v")
            return any(
                (h.name.rstrip("/") == name and h.version in (None, int(number)))
                or name.startswith(h.name.rstrip("/") + "/")
                or not h.name.strip("/")
                for h in holds
            )

        over = min(RETENTION, self.ws.vault.policy.retention) if self.shortened() else RETENTION
        return {
            ref for ref, kept in self.kept.items()
            if kept.deleted_at and kept.deleted_at + over <= self.now and ref not in aliased and not held(ref)
        }  # fmt: skip

    def shortened(self) -> bool:
        """Whether two people ever agreed on a shorter retention."""
        done = [r for r in self.ws.vault.requests() if r.action is Action.POLICY and r.decided_by]
        return any(r.decided_by != r.who for r in done)

    def renamed(self) -> set[str]:
        return {ref for ref in self.kept if ref in self.old_names()}

    def old_names(self) -> set[str]:
        ids = {id_ for r in self.ws.vault.requests() if r.action is Action.RENAME for id_ in [r.id]}
        return {r.ref for r in self.records if r.request_id in ids}

    def note_new(self, old: set[str], new: str) -> None:
        contents = sorted(self.kept[ref].content for ref in old)
        made = [r.ref for r in self.records if r.name == new and r.ref not in self.kept]
        assert sorted(self.read(ref) for ref in made) == contents, "a rename lost something"

    def still_gone(self, name: str) -> bool:
        states = [r.state for r in self.records if model(r.ref) == name]
        return bool(states) and VersionState.DELETED in states


def model(ref: str) -> str:
    """The model a version is of: files in a folder with a marker are one."""
    name = ref.partition("@")[0]
    return "runs/1" if name.startswith("runs/1/") else name


TestVault = pytest.mark.timeout(900)(VaultMachine.TestCase)
TestVault.settings = settings(
    max_examples=40 * TIMES,
    phases=list(Phase) if SHRINK else [Phase.explicit, Phase.generate],
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
