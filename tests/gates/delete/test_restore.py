"""Restoring: at once, however many, by whatever they are known; nobody has to approve it."""

from __future__ import annotations

import os
import time

import pytest
from sqlalchemy import insert

from interlock.catalog.vault import schema as s
from interlock.catalog.vault.records import RequestState
from interlock.errors import UsageError, VersionNotFound
from interlock.gates.delete import alias
from interlock.gates.delete.approval import approve
from interlock.gates.delete.delete import delete
from interlock.gates.delete.gate import Outcome
from interlock.gates.delete.restore import restore
from tests.gates.delete.conftest import BOTH, DAY, HOUR, START, Later, People, waits


def test_one_many_a_folder_a_request_or_everything_comes_back(people: People) -> None:
    for name in ("team/a", "team/b", "team/c", "other"):
        people.put(name)
    kim = people("kim")
    delete(kim, ["team/a", "team/b"])
    delete(kim, ["team/c"])
    delete(kim, ["other"])
    assert restore(kim, ["team/a@v1"]).versions == 1
    assert restore(kim, ["D1"]).versions == 1
    assert people.live() == ["team/a@v1", "team/b@v1"]
    assert restore(kim, ["team/"]).versions == 1
    assert restore(kim, ["/"]).versions == 1
    assert people.live() == ["other@v1", "team/a@v1", "team/b@v1", "team/c@v1"]


@BOTH
def test_everything_somebody_deleted_since_a_moment_comes_back(people: People, later: Later) -> None:
    for name in "abcde":
        people.put(name)
    delete(people("kim"), ["a"])
    with later(HOUR):
        delete(people("kim"), ["b"])
        delete(people("lee"), ["c"])
    with later(DAY):
        delete(people("kim"), ["d"])
        outcome = restore(people("eve"), by="kim", since=START + HOUR, until=START + DAY)
        assert outcome.versions == 1
        assert people.live() == ["b@v1", "e@v1"]
        restore(people("eve"), by="kim", since=START + HOUR)
        assert people.live() == ["b@v1", "d@v1", "e@v1"]
        restore(people("eve"), ["c", "a"], by="kim")
        assert people.live() == ["a@v1", "b@v1", "d@v1", "e@v1"]


def test_what_was_not_deleted_is_said(people: People) -> None:
    people.put("a")
    for call, said in (
        (lambda: restore(people("kim"), ["a"]), "nothing of a is deleted"),
        (lambda: restore(people("kim"), ["D9"]), "no request 'D9'"),
        (lambda: restore(people("kim"), by="lee"), "nothing deleted by lee"),
        (lambda: restore(people("kim"), ["b"]), "holds no 'b'"),
    ):
        with pytest.raises(VersionNotFound, match=said):
            call()
    with pytest.raises(UsageError, match="nothing is named"):
        restore(people("kim"))


def test_a_model_called_like_a_request_is_the_model(people: People) -> None:
    people.put("D1")
    people.put("a")
    delete(people("kim"), ["a"])
    delete(people("kim"), ["D1"])
    restore(people("kim"), ["D1"])
    assert people.live() == ["D1@v1"]


def taken(people: People) -> Outcome:
    """A version with two aliases, deleted with approval; its request is D1 after two for the aliases."""
    for _ in range(2):
        people.put("ranker")
    alias.put(people("kim"), "ranker@v1", "champion")
    alias.put(people("kim"), "ranker@v1", "stable")
    return approve(people("eve"), waits(lambda: delete(people("kim"), ["ranker@v1"])))


@BOTH
def test_aliases_that_went_along_come_back(people: People) -> None:
    deleted = taken(people)
    assert people.alias("ranker") == {}
    assert deleted.request is not None
    restore(people("max"), [deleted.request.ref])
    assert people.alias("ranker") == {"champion": 1, "stable": 1}
    assert people.request(deleted.request.ref).state is RequestState.UNDONE


def test_aliases_that_were_moved_since_stay_where_they_are(people: People) -> None:
    taken(people)
    alias.put(people("kim"), "ranker@v2", "champion")
    outcome = restore(people("max"), ["ranker@v1"])
    assert people.alias("ranker") == {"champion": 2, "stable": 1}
    assert len(outcome.left_out) == 1
    assert "ranker@champion stands for v2" in outcome.left_out[0]


def test_a_request_is_undone_once_nothing_of_it_is_deleted(people: People) -> None:
    for name in "ab":
        people.put(name)
    delete(people("kim"), ["a", "b"])
    restore(people("kim"), ["a"])
    assert people.request("D1").state is RequestState.DONE
    restore(people("kim"), ["b"])
    assert people.request("D1").state is RequestState.UNDONE


def test_a_moved_alias_goes_back_by_its_request(people: People) -> None:
    for _ in range(3):
        people.put("ranker")
    alias.put(people("kim"), "ranker@v1", "champion")
    moved = alias.put(people("kim"), "ranker@v2", "champion").request
    assert moved is not None
    restore(people("kim"), [moved.ref])
    assert people.alias("ranker") == {"champion": 1}
    with pytest.raises(VersionNotFound, match="is undone: nothing to restore"):
        restore(people("kim"), [moved.ref])


def many(people: People, count: int) -> None:
    """Models as puts would leave them, without their bytes."""
    with people.ws.site.catalog.write() as tx:
        named = [{"name": f"many/m{n:05}", "kind": "model", "next_version": 2, "owner": "kim", "created_at": tx.now}
                 for n in range(count)]  # fmt: skip
        tx.connection.execute(insert(s.names), named)
        usual = {"version": 1, "state": "live", "manifest": "0" * 64, "size_bytes": 1, "files": 1, "who": "kim",
                 "created_at": tx.now, "metadata": {}, "lineage": {}}  # fmt: skip
        tx.connection.execute(insert(s.versions), [{"name": row["name"], **usual} for row in named])


@BOTH
def test_ten_thousand_deleted_models_are_restored_in_less_than_five_seconds(people: People) -> None:
    many(people, 10_000)
    ref = waits(lambda: delete(people("intern"), ["many"]))
    approve(people("eve"), ref)
    assert people.live() == []
    since = time.perf_counter()
    assert restore(people("kim"), [ref]).versions == 10_000
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # others may be at work here
    assert time.perf_counter() - since < 5 * busy
    assert len(people.live()) == 10_000
    assert people.ws.verify_ledger().ok
