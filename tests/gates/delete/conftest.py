"""A vault with models, several people at its delete gate, and a clock."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

import interlock
from interlock.catalog import clock
from interlock.catalog.vault import policy as policies
from interlock.catalog.vault import versions
from interlock.catalog.vault.records import Kind, RequestRecord, VersionRecord, VersionState
from interlock.errors import DeleteRefused
from interlock.gates.delete import approval
from interlock.gates.delete.gate import Gate
from interlock.vault import intake
from interlock.vault.intake import Wanted
from interlock.workspace import Workspace
from tests import places

START = dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


BOTH = pytest.mark.parametrize("place", places.KINDS, indirect=True)  # what their SQL differs in


@pytest.fixture
def ws(place: str) -> Iterator[Workspace]:
    with interlock.open(place) as made:
        yield made


def refused(call: Callable[[], object]) -> DeleteRefused:
    """The refusal that a call ends in."""
    with pytest.raises(DeleteRefused) as caught:
        call()
    return caught.value


def waits(call: Callable[[], object]) -> str:
    """The id of the request that a call leaves for a second person."""
    ref = refused(call).request
    assert ref is not None
    return ref


class People:
    """The delete gate as several people see it, and what they put; ``people("kim")`` is Kim's."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self.stores = ws.vault.stores

    def __call__(self, who: str) -> Gate:
        return Gate(self.ws.site, self.stores, who)

    def limit(self, models: int) -> None:
        """So many models are the most without a second person: fewer make a test quicker."""
        with self.ws.site.catalog.write() as tx:
            policies.put(tx, replace(policies.get(tx), radius_models=models))

    def put(
        self, name: str, data: bytes = b"weights", *, who: str = "kim", **wanted: object
    ) -> VersionRecord:
        """A model's next version: one file."""
        return self._put(Wanted(name, Kind.MODEL, who, **wanted), "model.bin", data)  # type: ignore[arg-type]

    def write(self, path: str, data: bytes = b"weights", *, who: str = "kim") -> VersionRecord:
        """A file by its path."""
        return self._put(Wanted(path, Kind.FILE, who), path.rpartition("/")[2], data)

    def _put(self, wanted: Wanted, name: str, data: bytes) -> VersionRecord:
        return intake.put(self.stores, wanted, {name: io.BytesIO(data)})

    def states(self, prefix: str = "") -> dict[str, VersionState]:
        """State of every version at or under a name, by reference."""
        with self.ws.site.catalog.read() as rx:
            return {r.ref: r.state for r in versions.list_(rx, prefix=prefix, states=tuple(VersionState))}

    def live(self, prefix: str = "") -> list[str]:
        return [ref for ref, state in self.states(prefix).items() if state is VersionState.LIVE]

    def alias(self, name: str) -> dict[str, int]:
        """Version by alias."""
        return {a.alias: a.version for a in self.ws.vault.aliases(name)}

    def request(self, ref: str) -> RequestRecord:
        with self.ws.site.catalog.read() as rx:
            return approval.found(rx, ref)

    def said(self) -> list[dict[str, object]]:
        """The gate's entries in the ledger, oldest first."""
        return [e for e in self.ws.ledger_entries(1_000) if e["kind"] == "vault" and e["action"] != "put"]


@pytest.fixture
def people(ws: Workspace) -> People:
    return People(ws)


Later = Callable[[dt.timedelta], AbstractContextManager[dt.datetime]]


@pytest.fixture
def later() -> Iterator[Later]:
    """The clock stands at `START`; ``with later(DAY):`` it stands a day after."""
    with clock.at(START):
        yield lambda span: clock.at(START + span)
