"""Deleting makes tombstones at once; what is in use, or too much, waits for a second person."""

from __future__ import annotations

import pytest

from interlock.catalog.vault.records import HoldKind, RequestState, VersionState
from interlock.errors import NameRefused, UsageError, VersionDeleted, VersionNotFound
from interlock.gates.delete import alias
from interlock.gates.delete.approval import approve
from interlock.gates.delete.delete import delete
from interlock.gates.delete.holds import hold
from interlock.gates.delete.policy import change
from interlock.gates.delete.purge import purge
from interlock.gates.delete.restore import restore
from tests.gates.delete.conftest import BOTH, DAY, HOUR, START, Later, People, refused, waits


def models(people: People, count: int, folder: str = "team") -> list[str]:
    return [people.put(f"{folder}/m{n:03}").name for n in range(count)]


@BOTH
def test_a_deleted_version_is_a_tombstone_with_its_retention(people: People, later: Later) -> None:
    people.put("team/ranker")
    people.put("team/ranker")
    done = delete(people("kim"), ["team/ranker@v1"], "too old")
    assert people.live() == ["team/ranker@v2"]
    record = people.ws.vault.show("team/ranker@v1")
    assert (record.state, record.deleted_by, record.deleted_at) == (VersionState.DELETED, "kim", START)
    assert record.purge_after == START + 30 * DAY
    assert done.request is not None
    assert record.request_id == done.request.id
    entry = people.said()[-1]
    assert entry["action"] == "delete"
    assert {k: entry[k] for k in ("request", "who", "state", "models", "versions", "reason", "subject")} == {
        "request": "D1",
        "who": "kim",
        "state": "done",
        "models": 1,
        "versions": 1,
        "reason": "too old",
        "subject": "team/ranker@v1",
    }


@pytest.mark.parametrize(
    ("what", "left"),
    [
        (["team/a"], ["team/b@v1", "tea@v1", "teams/c@v1"]),
        (["team/"], ["tea@v1", "teams/c@v1"]),
        (["team"], ["tea@v1", "teams/c@v1"]),
        (["team/a@v2"], ["tea@v1", "team/a@v1", "team/b@v1", "teams/c@v1"]),
        (["team/a@v1", "team/b", "tea"], ["team/a@v2", "teams/c@v1"]),
        (["/"], []),
    ],
)
def test_a_version_a_name_a_folder_or_everything_can_be_named(
    people: People, what: list[str], left: list[str]
) -> None:
    for name in ("team/a", "team/a", "team/b", "tea", "teams/c"):
        people.put(name)
    delete(people("kim"), what)
    assert people.live() == sorted(left)


@pytest.mark.parametrize(
    ("word", "error", "said"),
    [
        ("team/rankr", VersionNotFound, "did you mean 'team/ranker'"),
        ("team/ranker@v7", VersionNotFound, "has no v7"),
        ("team/ranker@champ", VersionNotFound, "has no champ"),
        ("team/ranker@v2/model.bin", NameRefused, "stays, whole"),
        ("team/../ranker", NameRefused, "cannot be"),
        ("team/ranker@v1", VersionDeleted, "was deleted by kim"),
        ("nothing/", VersionNotFound, "holds no 'nothing'"),
    ],
)
def test_what_cannot_be_deleted_is_said_and_nothing_else_goes(
    people: People, word: str, error: type[Exception], said: str
) -> None:
    people.put("team/ranker")
    people.put("team/ranker")
    people.put("other")
    delete(people("kim"), ["team/ranker@v1"])
    with pytest.raises(error, match=said):
        delete(people("kim"), [word])
    with pytest.raises((error, VersionNotFound)):
        delete(people("kim"), [word, "team/none", "other"])
    assert people.live() == ["other@v1", "team/ranker@v2"]


def test_nothing_named_deletes_nothing(people: People) -> None:
    people.put("ranker")
    with pytest.raises(UsageError, match="nothing is named"):
        delete(people("kim"), [])
    assert people.live() == ["ranker@v1"]


@BOTH
def test_the_parent_of_many_models_is_refused_whole_and_the_attempt_is_recorded(people: People) -> None:
    models(people, 12)
    before = people.states()
    error = refused(lambda: delete(people("intern"), ["team"], "cleaning up"))
    assert error.request == "D1"
    assert "it affects 12 models; 10 are the most without a second person" in error.message
    assert "interlock vault approve D1" in str(error)
    assert people.states() == before
    entry = people.said()[-1]
    assert (entry["who"], entry["state"], entry["models"], entry["versions"]) == ("intern", "pending", 12, 12)
    assert "it affects 12 models" in str(entry["why"])


def test_many_small_calls_by_anybody_add_up_within_the_window(people: People, later: Later) -> None:
    people.limit(2)
    names = models(people, 5)
    for n, name in enumerate(names[:2]):
        delete(people("kim" if n % 2 else "lee"), [name])
    with later(23 * HOUR):
        error = refused(lambda: delete(people("max"), [names[2]]))
        assert "it affects 1 model after 2 others in the last 24 h" in error.message
        delete(people("max"), [people.put("team/m000").ref])  # counted already
    with later(25 * HOUR):
        delete(people("max"), [names[2]])
    assert people.live() == ["team/m003@v1", "team/m004@v1"]


def test_what_was_restored_counts_no_longer(people: People) -> None:
    people.limit(3)
    names = models(people, 4)
    delete(people("kim"), names[:3])
    restore(people("kim"), names[:2])
    delete(people("kim"), names[:2])
    assert refused(lambda: delete(people("kim"), names[3:]))
    restore(people("kim"), ["team/"])
    delete(people("kim"), names[1:])


def test_what_a_second_person_approved_does_not_count(people: People) -> None:
    people.limit(2)
    names = models(people, 6)
    approve(people("eve"), waits(lambda: delete(people("kim"), names[:3])))
    delete(people("kim"), names[3:5])
    assert refused(lambda: delete(people("kim"), names[5:]))


def test_many_versions_of_one_model_are_one_model(people: People) -> None:
    people.limit(1)
    for _ in range(3):
        people.put("ranker")
    delete(people("kim"), ["ranker"])
    assert people.live() == []


# --- in use ---------------------------------------------------------------------------------


def test_what_an_alias_stands_for_waits_for_a_second_person(people: People) -> None:
    people.put("ranker")
    alias.put(people("kim"), "ranker@v1", "champion")
    error = refused(lambda: delete(people("kim"), ["ranker@champion"]))
    assert "ranker@v1 is in use (alias champion)" in error.message
    assert people.live() == ["ranker@v1"]
    approve(people("eve"), error.request or "")
    assert people.live() == []
    assert people.alias("ranker") == {}


@pytest.mark.parametrize("kind", HoldKind)
@pytest.mark.parametrize("on", ["team/ranker@v1", "team/ranker", "team/", "/"])
def test_what_somebody_holds_waits_for_a_second_person(people: People, kind: HoldKind, on: str) -> None:
    people.put("team/ranker")
    hold(people("ops"), on, "the ranking service", kind)
    error = refused(lambda: delete(people("kim"), ["team/ranker"]))
    assert f"team/ranker@v1 is in use ({kind} hold H1 by ops: the ranking service)" in error.message


def test_a_hold_on_one_version_is_none_on_another(people: People) -> None:
    people.put("ranker")
    people.put("ranker")
    hold(people("ops"), "ranker@v1", "case 12")
    delete(people("kim"), ["ranker@v2"])
    assert people.live() == ["ranker@v1"]


@BOTH
@pytest.mark.parametrize("named", ["base@v1", "base@1", "base", "base@champion"])
def test_what_a_live_version_was_made_of_waits_for_a_second_person(people: People, named: str) -> None:
    people.put("base")
    people.put("tuned", lineage={"models": [named]})
    error = refused(lambda: delete(people("kim"), ["base"]))
    assert "base@v1 is in use (lineage of tuned@v1)" in error.message
    delete(people("kim"), ["tuned"])
    delete(people("kim"), ["base"])


def test_what_is_deleted_together_does_not_keep_each_other(people: People) -> None:
    people.put("team/base")
    people.put("team/tuned", lineage={"models": ["team/base@v1"]})
    delete(people("kim"), ["team/"])
    assert people.live() == []


def test_lineage_of_another_version_is_no_use(people: People) -> None:
    people.put("base")
    people.put("base")
    people.put("tuned", lineage={"models": ["base@v2"], "run": "17"})
    delete(people("kim"), ["base@v1"])
    assert people.live() == ["base@v2", "tuned@v1"]


def test_every_reason_is_said_at_once(people: People) -> None:
    people.limit(2)
    names = models(people, 3)
    alias.put(people("kim"), f"{names[0]}@v1", "champion")
    hold(people("ops"), names[1], "served", HoldKind.SERVICE)
    said = refused(lambda: delete(people("kim"), ["team/"])).message
    for reason in ("alias champion", "service hold H1 by ops: served", "it affects 3 models"):
        assert reason in said


# --- requests -------------------------------------------------------------------------------


def test_the_same_attempt_is_one_request_and_as_many_entries(people: People) -> None:
    people.limit(1)
    models(people, 2)
    refs = {waits(lambda: delete(people("kim"), ["team/"])) for _ in range(3)}
    other = waits(lambda: delete(people("lee"), ["team/"]))
    assert refs == {"D1"}
    assert other == "D2"
    assert [e["request"] for e in people.said()] == ["D1", "D1", "D1", "D2"]


def test_a_request_expires(people: People, later: Later) -> None:
    people.limit(1)
    models(people, 2)
    ref = waits(lambda: delete(people("kim"), ["team/"]))
    with later(14 * DAY + HOUR):
        again = waits(lambda: delete(people("kim"), ["team/"]))
        assert people.request(ref).state is RequestState.EXPIRED
        assert people.request(again).state is RequestState.PENDING


def test_retention_is_that_of_the_moment(people: People, later: Later) -> None:
    people.put("a")
    people.put("b")
    delete(people("kim"), ["a"])
    change(people("kim"), {"retention_days": 40})
    delete(people("kim"), ["b"])
    assert {people.ws.vault.show(n).purge_after for n in ("a@v1", "b@v1")} == {START + 40 * DAY}


def test_a_deleted_version_can_be_read_until_it_is_purged(people: People, later: Later) -> None:
    people.put("ranker", b"the weights")
    delete(people("kim"), ["ranker"])
    assert people.ws.vault.open("ranker@v1/model.bin", deleted=True).read() == b"the weights"
    with pytest.raises(VersionDeleted, match="was deleted by kim"):
        people.ws.vault.open("ranker@v1/model.bin")
    with later(31 * DAY):
        ref = waits(lambda: purge(people("kim"), ["ranker"]))
        assert people.ws.vault.open("ranker@v1/model.bin", deleted=True).read() == b"the weights"
        approve(people("eve"), ref)
        with pytest.raises(VersionNotFound, match="was purged"):
            people.ws.vault.open("ranker@v1/model.bin", deleted=True)
