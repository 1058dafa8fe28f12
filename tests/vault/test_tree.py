"""The vault's names as folders."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from interlock import Workspace
from interlock.catalog.vault import versions
from interlock.catalog.vault.records import Kind
from interlock.vault import tree
from tests import places

KINDS = pytest.mark.parametrize("place", places.KINDS, indirect=True)


def filled(ws: Workspace, *names: str) -> None:
    """Names with one live version each, without files."""
    with ws.site.catalog.write() as tx:
        for name in names:
            staged = versions.reserve(tx, name, Kind.FILE, "me")
            versions.commit(tx, staged, manifest="0" * 64, size_bytes=0, files=0, keys=[])


def listed(ws: Workspace, folder: str = "", **how: object) -> list[str]:
    with ws.site.catalog.read() as rx:
        found = tree.children(rx, folder, **how)  # type: ignore[arg-type]
    return [entry.name + "/" * entry.is_folder for entry in found]


@KINDS
def test_a_folder_lists_what_lies_directly_in_it(ws: Workspace) -> None:
    filled(ws, "a/b/c", "a/b/d", "a/b.x", "a/b!", "a/e", "f", "a0", "ü/ö")
    assert listed(ws) == ["a/", "a0", "f", "ü/"]
    assert listed(ws, "a") == ["a/b!", "a/b.x", "a/b/", "a/e"]
    assert listed(ws, "a/b") == ["a/b/c", "a/b/d"]
    assert listed(ws, "none") == []


@KINDS
def test_some_names_are_listed_from_a_place_on(ws: Workspace) -> None:
    names = [f"{folder}/{n}" for folder in "abc" for n in range(7)] + [f"z{n}" for n in range(7)]
    filled(ws, *names)
    assert listed(ws) == ["a/", "b/", "c/", *(f"z{n}" for n in range(7))]
    assert listed(ws, "b") == [f"b/{n}" for n in range(7)]
    assert listed(ws, limit=4) == ["a/", "b/", "c/", "z0"]
    assert listed(ws, after="z3") == ["z4", "z5", "z6"]


def test_tombstones_are_listed_only_when_asked_for(ws: Workspace) -> None:
    filled(ws, "a/x", "b")
    with ws.site.catalog.write() as tx:
        one = versions.one(tx, "a/x", 1)
        assert one is not None
        versions.tombstone(tx, [one.id], who="me", purge_after=tx.now)
    assert listed(ws) == ["b"]
    assert listed(ws, deleted=True) == ["a/", "b"]
    with ws.site.catalog.read() as rx:
        assert not tree.is_folder(rx, "a")
        assert tree.is_folder(rx, "a", deleted=True)


def test_the_newest_version_stands_for_a_name(ws: Workspace) -> None:
    filled(ws, "a", "a", "a")
    with ws.site.catalog.read() as rx:
        (entry,) = tree.children(rx)
    assert entry.record is not None
    assert entry.record.ref == "a@v3"


def test_a_listing_is_one_statement_and_one_for_its_records(ws: Workspace) -> None:
    filled(ws, *(f"{folder}/{n}" for folder in "abcdefgh" for n in range(3)), "z", "z", "z")
    ran: list[str] = []
    engine = ws.site.catalog.database.engine

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        ran.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert len(listed(ws)) == 9
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len([statement for statement in ran if "interlock_vault" in statement]) == 2
