"""Deleting is a tombstone, restoring takes it back; what is in use or too much waits for a second person."""

from __future__ import annotations

from interlock.gates.delete.delete import delete
from interlock.gates.delete.restore import restore
from tests.gates.delete.conftest import People


def test_smoke(people: People) -> None:
    people.put("team/ranker")
    people.put("team/ranker")
    done = delete(people("kim"), ["team/ranker@v1"])
    assert done.versions == 1
    assert people.live() == ["team/ranker@v2"]
    restore(people("kim"), [done.request.ref])
    assert people.live() == ["team/ranker@v1", "team/ranker@v2"]
    print(people.said())
