"""Purging needs retention, nothing in use, and a second person; every reason against it is said at once."""

from __future__ import annotations

import pytest

from interlock.catalog.vault.records import HoldKind, RequestState
from interlock.errors import ApprovalRefused, VersionNotFound
from interlock.gates.delete.approval import approve
from interlock.gates.delete.delete import delete
from interlock.gates.delete.holds import hold, release
from interlock.gates.delete.purge import purge
from interlock.gates.delete.restore import restore
from tests.gates.delete.conftest import BOTH, DAY, HOUR, Later, People, refused, waits


@BOTH
def test_a_tombstone_ends_after_retention_and_a_second_persons_approval(people: People, later: Later) -> None:
    people.put("ranker")
    people.put("ranker")
    delete(people("kim"), ["ranker@v1"])
    with later(30 * DAY):
        ref = waits(lambda: purge(people("kim"), ["ranker"], "disk"))
        assert people.states() == {"ranker@v1": "deleted", "ranker@v2": "live"}
        with pytest.raises(ApprovalRefused):
            approve(people("kim"), ref)
        assert approve(people("eve"), ref).versions == 1
        assert people.states() == {"ranker@v1": "purged", "ranker@v2": "live"}
        assert people.put("ranker").version == 3
        with pytest.raises(VersionNotFound):
            restore(people("kim"), ["ranker"])
    assert people.ws.verify_ledger().ok


def test_the_name_of_a_purged_version_is_never_given_again(people: People, later: Later) -> None:
    people.put("ranker")
    delete(people("kim"), ["ranker"])
    with later(31 * DAY):
        approve(people("eve"), waits(lambda: purge(people("kim"), ["ranker"])))
        assert people.put("ranker").ref == "ranker@v2"


def test_every_reason_against_is_said_at_once_and_recorded(people: People, later: Later) -> None:
    people.put("team/a")
    people.put("team/b")
    people.put("derived", lineage={"models": ["team/b@v1"]})
    approve(people("eve"), waits(lambda: delete(people("kim"), ["team"])))
    hold(people("law"), "team/a@v1", "case 12")
    error = refused(lambda: purge(people("kim"), ["team"]))
    assert error.request is None
    for reason in (
        "2 versions can be restored until 2026-03-31 09:00 UTC",
        "team/a@v1 is in use (legal hold H1 by law: case 12)",
        "team/b@v1 is in use (lineage of derived@v1)",
    ):
        assert reason in error.message
    entry = people.said()[-1]
    assert (entry["action"], entry["state"]) == ("purge", "refused")
    with pytest.raises(ApprovalRefused, match="it is refused"):
        approve(people("eve"), str(entry["request"]))


def test_a_live_version_is_not_purged(people: People) -> None:
    people.put("ranker")
    assert "ranker@v1 is not deleted" in refused(lambda: purge(people("kim"), ["ranker@v1"])).message
    with pytest.raises(VersionNotFound, match="nothing of ranker is deleted"):
        purge(people("kim"), ["ranker"])


def test_what_changed_before_the_approval_is_left_out(people: People, later: Later) -> None:
    for name in "abcd":
        people.put(name)
    delete(people("kim"), ["a", "b", "c", "d"])
    with later(31 * DAY):
        ref = waits(lambda: purge(people("kim"), ["a", "b", "c", "d"]))
        restore(people("lee"), ["a", "d"])
        delete(people("lee"), ["d"])
        hold(people("law"), "b", "case 12")
        outcome = approve(people("eve"), ref)
    assert outcome.versions == 1
    assert people.states() == {"a@v1": "live", "b@v1": "deleted", "c@v1": "purged", "d@v1": "deleted"}
    said = "; ".join(outcome.left_out)
    for reason in ("1 version not deleted any more", "d@v1 can be restored until", "b@v1 is in use"):
        assert reason in said


def test_a_purge_of_which_nothing_is_left_is_refused_and_waits_on(people: People, later: Later) -> None:
    people.put("a")
    delete(people("kim"), ["a"])
    with later(31 * DAY):
        ref = waits(lambda: purge(people("kim"), ["a"]))
        held = hold(people("law"), "a", "case 12", HoldKind.SERVICE)
        assert "nothing of D2 may be purged" in refused(lambda: approve(people("eve"), ref)).message
        assert people.request(ref).state is RequestState.PENDING
        release(people("law"), held.ref)
        assert approve(people("eve"), ref).versions == 1


def test_a_legal_hold_is_released_by_a_second_person_only(people: People, later: Later) -> None:
    people.put("a")
    held = hold(people("law"), "a", "case 12")
    ref = waits(lambda: release(people("law"), held.ref, "closed"))
    assert "legal hold H1" in refused(lambda: delete(people("kim"), ["a"])).message
    with later(HOUR):
        approve(people("eve"), ref)
    delete(people("kim"), ["a"])
    for again in ("H1", "H7", "h", "1x"):
        with pytest.raises(VersionNotFound):
            release(people("law"), again)
