"""Partitions, profiles, verdicts, constraints, acceptances and trigger runs."""

from __future__ import annotations

import datetime as dt
import json
import struct

import pytest

from interlock import errors
from interlock.catalog import (
    AcceptRecord,
    Catalog,
    State,
    TriggerRun,
    TriggerState,
    accepts,
    constraints,
    outbox,
    partitions,
    profiles,
    triggers,
    verdicts,
)
from interlock.catalog.canonical import canonical
from interlock.names import Digest
from tests.catalog.conftest import NOW, verdict, version


def test_the_current_version_is_the_one_readers_see(catalog: Catalog) -> None:
    with catalog.write() as tx:
        old = partitions.add(tx, version())
        partitions.move(tx, [old], State.REPLACED)
        new = partitions.add(tx, version(rows=901))
        partitions.add(tx, version("2013-01-02", state=State.QUARANTINED))
    with catalog.read() as rx:
        one = partitions.one(rx, "flights", "2013-01-01")
        assert one is not None
        assert (one.id, one.rows) == (new, 901)
        assert [p.id for p in partitions.versions(rx, "flights", "2013-01-01")] == [old, new]
        assert [p.label for p in partitions.current(rx, "flights")] == ["2013-01-01"]
        assert [p.label for p in partitions.quarantined(rx)] == ["2013-01-02"]
        assert partitions.quarantined(rx, "others") == []
        assert partitions.one(rx, "flights", "2013-01-02") is None


@pytest.mark.parametrize(
    "labels",
    [["2013-01-01", "2013-01-02T06:00:00", "2013-02-01"], ["-3", "9", "10", "100"], ["a", "b", "ä"]],
)
def test_partitions_come_in_the_order_of_what_their_labels_mean(catalog: Catalog, labels: list[str]) -> None:
    with catalog.write() as tx:
        partitions.add_all(tx, [version(label) for label in reversed(labels)])
    with catalog.read() as rx:
        assert [p.label for p in partitions.current(rx, "flights")] == labels


def test_a_version_comes_back_as_it_was_put(catalog: Catalog) -> None:
    record = version(digest="ab", data_file_id=3, snapshot_id=4, verdict_id="v")
    with catalog.write() as tx:
        id_ = partitions.add(tx, record)
    with catalog.read() as rx:
        found = partitions.get(rx, id_)
        assert found.fact() | {"id": None} == record.fact()
        assert (found.schema, found.loaded_at, found.verdict_id) == (record.schema, NOW, "v")
        with pytest.raises(errors.PartitionNotFound):
            partitions.get(rx, id_ + 1)


def test_only_state_and_place_of_a_version_change(catalog: Catalog) -> None:
    with catalog.write() as tx:
        id_ = partitions.add(tx, version(state=State.QUARANTINED))
        partitions.move(tx, [id_], State.DROPPED, path=None)
        assert partitions.get(tx, id_).state is State.DROPPED
        with pytest.raises(TypeError, match="rows"):
            partitions.move(tx, [id_], State.DROPPED, rows=0)


def test_history_gives_the_features_of_current_partitions(catalog: Catalog) -> None:
    names = ("delay|mean", "delay|nulls")
    with catalog.write() as tx:
        ids = partitions.add_all(tx, [version(f"2013-01-0{d}") for d in range(1, 4)])
        partitions.move(tx, ids[1:2], State.REPLACED)
        for id_ in ids:
            profiles.put(
                tx, id_, {"rows": id_}, struct.pack("<2d", id_, 0), names, {"carrier": ["AA", f"{id_}"]}
            )
    with catalog.read() as rx:
        rows = profiles.history(rx, "flights")
        assert [(r.label, r.partition_id) for r in rows] == [("2013-01-01", ids[0]), ("2013-01-03", ids[2])]
        assert struct.unpack("<2d", rows[1].vector) == (ids[2], 0)
        assert rows[0].domains == {"carrier": ["AA", f"{ids[0]}"]}
        assert profiles.vector_schema(rx, rows[0].vector_schema) == names
        assert profiles.document(rx, ids[1]) == {"rows": ids[1]}
        assert profiles.document(rx, 99) is None
        assert profiles.history(rx, "flights", since=NOW + dt.timedelta(seconds=1)) == []
        everything = profiles.history(rx, "flights", states=tuple(State))
        assert len({r.vector_schema for r in everything}) == 1, "the same names are stored once"


def test_a_verdict_is_vouched_for_by_an_entry_that_names_its_partition(catalog: Catalog) -> None:
    record = verdict("v1", document={"violations": [1, 2.5]})
    with catalog.write() as tx:
        id_ = partitions.add(tx, version())
        digest = verdicts.put(tx, record, {"violated": ["delay_range"]})
    with catalog.read() as rx:
        (row,) = outbox.all_(rx)
        entry = json.loads(row.entry)
        assert Digest.of(row.entry) == digest
        assert entry["document"] == Digest.of(canonical(record.document)).hex
        assert (entry["verdict"], entry["decision"], entry["violated"]) == (
            "v1",
            "published",
            ["delay_range"],
        )
        assert entry["partitions"] == [partitions.get(rx, id_).fact()]
        found = verdicts.get(rx, "v1")
        assert found is not None
        assert (found.document, found.entry_digest) == (record.document, digest.hex)


def test_verdicts_come_newest_first(catalog: Catalog) -> None:
    with catalog.write() as tx:
        verdicts.put_all(tx, [(verdict(f"v{i}", f"2013-01-0{i}"), None) for i in range(1, 5)])
    with catalog.read() as rx:
        assert [v.id for v in verdicts.list_(rx, "flights", limit=2)] == ["v4", "v3"]
        assert [v.id for v in verdicts.list_(rx, label="2013-01-02")] == ["v2"]
        assert verdicts.get(rx, "v9") is None


def test_a_change_no_verdict_speaks_of_gets_an_entry_of_its_own(catalog: Catalog) -> None:
    with catalog.write() as tx:
        ids = partitions.add_all(tx, [version(f"label {i:04}" + "x" * 80) for i in range(400)])
    with catalog.read() as rx:
        entries = [json.loads(row.entry) for row in outbox.all_(rx)]
        assert {e["kind"] for e in entries} == {"partitions"}
        assert [fact["id"] for e in entries for fact in e["partitions"]] == ids
        assert len(entries) > 1, "entries stay small"


def test_an_entry_that_is_too_large_is_refused(catalog: Catalog) -> None:
    with pytest.raises(errors.LedgerError, match="65,535 is the most"), catalog.write() as tx:
        outbox.append(tx, "note", {"text": "x" * 70_000})


def test_a_body_cannot_claim_to_be_another_moment(catalog: Catalog) -> None:
    with pytest.raises(errors.LedgerError, match="at"), catalog.write() as tx:
        outbox.append(tx, "note", {"at": "yesterday"})


def test_constraints_keep_their_order(catalog: Catalog) -> None:
    with catalog.write() as tx:
        for name in ("b", "a", "c"):
            constraints.put(tx, "flights", {"name": name, "sql": "1 = 1"})
        constraints.put(tx, "flights", {"name": "a", "sql": "2 = 2"})
        assert constraints.remove(tx, "flights", "c")
        assert not constraints.remove(tx, "flights", "c")
    with catalog.read() as rx:
        expected = [{"name": "b", "sql": "1 = 1"}, {"name": "a", "sql": "2 = 2"}]
        assert constraints.list_(rx, "flights") == expected
        assert constraints.list_(rx, "others") == []


def test_enforcement_is_by_name_or_for_every_one(catalog: Catalog) -> None:
    with catalog.write() as tx:
        constraints.enforce(tx, "flights", ["range", "domain"])
        constraints.enforce(tx, "flights", ["range"])
        constraints.shadow(tx, "flights", ["domain"])
        assert constraints.enforced(tx, "flights") == {"range"}
        constraints.enforce(tx, "flights")
        assert constraints.enforced(tx, "flights") == {"range", "*"}
        constraints.shadow(tx, "flights")
        assert constraints.enforced(tx, "flights") == frozenset()


def test_an_acceptance_is_on_record_with_its_reason(catalog: Catalog) -> None:
    record = AcceptRecord("flights", "2013-02-08", "blizzard", NOW, "ann")
    with catalog.write() as tx:
        accepts.put(tx, record)
    with catalog.read() as rx:
        (found,) = accepts.list_(rx, "flights")
        assert (found.since, found.reason, found.who, found.at) == ("2013-02-08", "blizzard", "ann", NOW)
        (row,) = outbox.all_(rx)
        assert row.kind == "accept"
        assert json.loads(row.entry)["reason"] == "blizzard"


def test_trigger_runs_are_pending_until_done_or_given_up(catalog: Catalog) -> None:
    run = TriggerRun("v1", "flights", "2013-01-01", {"notify": "json://localhost"}, NOW, NOW)
    with catalog.write() as tx:
        ids = [triggers.put(tx, run) for _ in range(3)]
        triggers.update_(tx, ids[0], TriggerState.DONE, attempts=1)
        triggers.update_(tx, ids[1], TriggerState.FAILED, attempts=1, detail="refused")
    with catalog.read() as rx:
        assert [(r.id, r.attempts, r.detail) for r in triggers.pending(rx)] == [
            (ids[1], 1, "refused"),
            (ids[2], 0, None),
        ]
    with catalog.write() as tx:
        triggers.update_(tx, ids[1], TriggerState.GIVEN_UP, attempts=3, detail="refused")
        assert [r.id for r in triggers.pending(tx)] == [ids[2]]
        assert len(triggers.list_(tx, "v1")) == 3
