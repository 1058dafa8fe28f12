"""The policy: protecting more is free, protecting less waits for a second person."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.catalog.vault import policy as policies
from interlock.catalog.vault.policy import NUMBER_MAX, Policy
from interlock.errors import UsageError
from interlock.gates.delete.approval import approve
from interlock.gates.delete.delete import delete
from interlock.gates.delete.policy import change
from tests.gates.delete.conftest import BOTH, DAY, START, Later, People, refused, waits

NAMES = [f.name for f in fields(Policy)]
POLICIES = st.builds(Policy, **{name: st.integers(1, 60) for name in NAMES})


def now(people: People) -> Policy:
    with people.ws.site.catalog.read() as rx:
        return policies.get(rx)


def test_every_value_has_a_reason() -> None:
    assert {name for name, why in policies.reasons().items() if len(why) > 30} == set(NAMES)


def test_the_page_says_what_is_so() -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/delete-gate.md").read_text(encoding="utf-8")
    for name, why in policies.reasons().items():
        assert f"| `{name}` | {getattr(Policy(), name)} | {why} |" in page


@pytest.mark.parametrize(
    ("name", "tighter", "looser"),
    [
        ("retention_days", 60, 7),
        ("radius_models", 5, 50),
        ("radius_window_h", 48, 1),
        ("collect_grace_h", 48, 1),
        ("pending_days", 7, 30),
    ],
)
def test_more_protection_is_free_and_less_waits(people: People, name: str, tighter: int, looser: int) -> None:
    people.put("ranker")
    change(people("kim"), {name: tighter})
    assert getattr(now(people), name) == tighter
    error = refused(lambda: change(people("kim"), {name: looser}))
    assert f"{name} from {tighter} to {looser} protects every model less" in error.message
    assert getattr(now(people), name) == tighter
    assert people.said()[-1]["models"] == 1
    approve(people("eve"), error.request or "")
    assert getattr(now(people), name) == looser


@BOTH
def test_one_looser_value_makes_the_whole_change_wait(people: People) -> None:
    people.put("ranker")
    ref = waits(lambda: change(people("kim"), {"retention_days": 90, "radius_models": 20}))
    assert now(people) == Policy()
    approve(people("eve"), ref)
    assert now(people) == Policy(retention_days=90, radius_models=20)


def test_in_an_empty_vault_anything_goes(people: People) -> None:
    change(people("kim"), {"retention_days": 1, "radius_models": 100})
    assert now(people) == Policy(retention_days=1, radius_models=100)


def test_tombstones_keep_the_longer_retention(people: People, later: Later) -> None:
    people.put("a")
    people.put("b")
    delete(people("kim"), ["a"])
    change(people("kim"), {"retention_days": 60})
    assert people.ws.vault.show("a@v1").purge_after == START + 60 * DAY
    with later(DAY):
        delete(people("kim"), ["b"])
        approve(people("eve"), waits(lambda: change(people("kim"), {"retention_days": 7})))
    assert people.ws.vault.show("a@v1").purge_after == START + 60 * DAY
    assert people.ws.vault.show("b@v1").purge_after == START + 61 * DAY
    assert people.ws.verify_ledger().ok


@pytest.mark.parametrize(
    "changes",
    [{}, {"retention": 3}, {"retention_days": -1}, {"radius_models": 0}, {"radius_models": 2.5},
     {"radius_models": True}, {"radius_models": NUMBER_MAX + 1}, {"retention_days": "60"}],
)  # fmt: skip
def test_what_cannot_be_is_said(people: People, changes: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        change(people("kim"), changes)
    assert now(people) == Policy()


@given(POLICIES, POLICIES)
def test_of_two_policies_that_differ_one_is_looser_in_each_difference(one: Policy, other: Policy) -> None:
    differ = [name for name in NAMES if getattr(one, name) != getattr(other, name)]
    assert sorted([*one.looser_than(other), *other.looser_than(one)]) == sorted(differ)


@given(st.lists(POLICIES, min_size=2, max_size=4))
def test_no_way_of_free_changes_leads_to_less_protection(steps: list[Policy]) -> None:
    free = all(not after.looser_than(before) for before, after in pairwise(steps))
    assert not (free and steps[-1].looser_than(steps[0]))
