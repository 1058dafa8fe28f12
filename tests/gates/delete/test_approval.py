"""The second person: who it may be, what is done then, and what is left out because it changed."""

from __future__ import annotations

import pytest

from interlock.catalog.vault.records import RequestState
from interlock.errors import ApprovalRefused, UsageError, VersionNotFound
from interlock.gates.delete import alias, keys
from interlock.gates.delete.approval import approve, listed, refuse
from interlock.gates.delete.delete import delete
from interlock.gates.delete.restore import restore
from tests.gates.delete.conftest import BOTH, DAY, HOUR, Later, People, waits


def pending(people: People, who: str = "kim") -> str:
    """Kim's request to delete four models, where three are the most."""
    people.limit(3)
    for n in range(4):
        people.put(f"team/m{n}")
    return waits(lambda: delete(people(who), ["team"], "old"))


@BOTH
def test_another_person_lets_exactly_what_was_asked_for_pass(people: People) -> None:
    ref = pending(people)
    people.put("team/m0")
    people.put("team/late")
    outcome = approve(people("eve"), ref)
    assert (outcome.versions, outcome.left_out) == (4, ())
    assert people.live() == ["team/late@v1", "team/m0@v2"]
    request = people.request(ref)
    assert (request.state, request.decided_by) == (RequestState.APPROVED, "eve")
    assert people.ws.vault.show("team/m0@v1").deleted_by == "kim"
    entry = people.said()[-1]
    assert (entry["action"], entry["of"], entry["who"], entry["request"]) == ("approve", "delete", "eve", ref)
    assert entry["versions"] == 4


def test_nobody_approves_their_own_request(people: People) -> None:
    ref = pending(people)
    with pytest.raises(ApprovalRefused, match="is kim's own request"):
        approve(people("kim"), ref)
    assert len(people.live()) == 4
    entry = people.said()[-1]
    assert (entry["action"], entry["who"], entry["state"]) == ("approve", "kim", "refused")
    approve(people("eve"), ref)


def test_a_request_passes_once(people: People) -> None:
    ref = pending(people)
    approve(people("eve"), ref)
    restore(people("kim"), ["team"])
    with pytest.raises(ApprovalRefused, match="it is undone by eve"):
        approve(people("eve"), ref)
    assert len(people.live()) == 4


def test_a_refused_request_does_not_pass(people: People) -> None:
    ref = pending(people)
    refuse(people("eve"), ref, "we need them")
    with pytest.raises(ApprovalRefused, match="it is refused by eve"):
        approve(people("max"), ref)
    entry = people.said()[-1]
    assert (entry["action"], entry["said"]) == ("refuse", "we need them")
    assert len(people.live()) == 4


def test_who_asked_may_take_it_back(people: People) -> None:
    ref = pending(people)
    refuse(people("kim"), ref)
    assert people.request(ref).state is RequestState.REFUSED
    with pytest.raises(ApprovalRefused, match="does not wait any more"):
        refuse(people("kim"), ref)


def test_an_expired_request_does_not_pass(people: People, later: Later) -> None:
    ref = pending(people)
    with later(14 * DAY + HOUR):
        with people.ws.site.catalog.read() as rx:
            assert [r.state for r in listed(rx)] == [RequestState.EXPIRED]
            assert listed(rx, states=[RequestState.PENDING]) == []
        with pytest.raises(ApprovalRefused, match="it is expired"):
            approve(people("eve"), ref)


@pytest.mark.parametrize("ref", ["D9", "9", "D", "", "team", "D١"])
def test_an_unknown_request_is_said(people: People, ref: str) -> None:
    with pytest.raises(VersionNotFound, match="no request"):
        approve(people("eve"), ref)


def test_a_request_is_found_by_its_number_too(people: People) -> None:
    ref = pending(people)
    approve(people("eve"), ref.lower().removeprefix("d"))
    assert people.live() == []


def test_what_changed_meanwhile_is_left_out_and_said(people: People) -> None:
    ref = pending(people)
    delete(people("lee"), ["team/m0"])
    alias.put(people("lee"), "team/m1@v1", "champion")
    people.put("derived", lineage={"models": ["team/m2@v1"]})
    outcome = approve(people("eve"), ref)
    assert outcome.versions == 1
    assert people.live("team") == ["team/m1@v1", "team/m2@v1"]
    assert outcome.left_out[0] == "1 version not live any more"
    assert "team/m1@v1 is in use (alias champion)" in outcome.left_out[1]
    assert "team/m2@v1 is in use (lineage of derived@v1)" in outcome.left_out[1]


def test_a_use_that_was_known_does_not_keep_it(people: People) -> None:
    people.put("ranker")
    alias.put(people("kim"), "ranker@v1", "champion")
    ref = waits(lambda: delete(people("kim"), ["ranker"]))
    alias.put(people("kim"), "ranker@v1", "stable")
    outcome = approve(people("eve"), ref)
    assert (outcome.versions, people.live()) == (0, ["ranker@v1"])
    assert outcome.left_out == ("ranker@v1 is in use (alias stable)",)


# --- keys -----------------------------------------------------------------------------------


@BOTH
def test_a_second_key_approves_where_there_is_no_second_user(people: People, later: Later) -> None:
    made = keys.add(people("kim"), "boss")
    assert made.request is None
    with later(HOUR):
        ref = pending(people)
        approve(people("kim"), ref, key=made.secret)
    assert people.live() == []
    assert people.request(ref).decided_by == "key boss"
    assert made.secret not in str(people.ws.ledger_entries(1_000))
    assert made.secret not in repr(made)


def test_a_key_approves_nothing_that_was_asked_for_before_it_was_added(people: People, later: Later) -> None:
    ref = pending(people)
    with later(HOUR):
        made = keys.add(people("kim"), "boss")
        with pytest.raises(ApprovalRefused, match="was added after D1 was asked for"):
            approve(people("kim"), ref, key=made.secret)


@pytest.mark.parametrize("wrong", ["boss:nonsense", "boss", "", "other:{secret}", "{secret}x", "\udcff:x"])
def test_a_wrong_secret_approves_nothing(people: People, later: Later, wrong: str) -> None:
    made = keys.add(people("kim"), "boss")
    with later(HOUR):
        ref = pending(people)
        secret = wrong.format(secret=made.secret)
        with pytest.raises(ApprovalRefused, match="no key that counts"):
            approve(people("eve"), ref, key=secret)
    assert len(people.live()) == 4
    assert people.said()[-1]["state"] == "refused"


def test_a_key_after_the_first_counts_once_somebody_else_approved_it(people: People, later: Later) -> None:
    first = keys.add(people("kim"), "boss")
    with later(HOUR):
        second = keys.add(people("kim"), "mine")
        assert second.request is not None
        ref = pending(people)
        with pytest.raises(ApprovalRefused, match="no key that counts"):
            approve(people("kim"), ref, key=second.secret)
        with pytest.raises(ApprovalRefused, match="own request"):
            approve(people("kim"), second.request)
        approve(people("kim"), second.request, key=first.secret)
    with later(2 * HOUR):
        with pytest.raises(ApprovalRefused, match="was added after"):
            approve(people("kim"), ref, key=second.secret)
        refuse(people("kim"), ref)
        again = waits(lambda: delete(people("kim"), ["team"]))
    with later(3 * HOUR):
        approve(people("kim"), again, key=second.secret)


def test_a_retired_key_counts_no_longer_and_the_next_is_not_the_first(people: People, later: Later) -> None:
    made = keys.add(people("kim"), "boss")
    with later(HOUR):
        ref = pending(people)
        keys.retire(people("kim"), "boss")
        with pytest.raises(ApprovalRefused, match="no key that counts"):
            approve(people("kim"), ref, key=made.secret)
        assert keys.add(people("kim"), "next").request is not None
        for call in (
            lambda: keys.retire(people("kim"), "boss"),
            lambda: keys.retire(people("kim"), "none"),
            lambda: keys.add(people("kim"), "boss"),
            lambda: keys.add(people("kim"), "a b"),
        ):
            with pytest.raises(UsageError):
                call()


@pytest.mark.parametrize("reason", ["x" * 2_001, "\udcff", "a\0b"])
def test_a_reason_that_cannot_be_kept_is_refused(people: People, reason: str) -> None:
    people.put("ranker")
    with pytest.raises(UsageError, match="reason"):
        delete(people("kim"), ["ranker"], reason)
    assert people.live() == ["ranker@v1"]
