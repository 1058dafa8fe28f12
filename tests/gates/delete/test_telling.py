"""Owners are told of what waits for a second person, once a request, by the triggers that tell of alerts."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

import interlock
from interlock.catalog import TriggerState, triggers
from interlock.errors import DeleteRefused
from interlock.workspace import Workspace
from tests.gates.test_trigger import Server, server

__all__ = ["server"]


def project(folder: Path, address: str) -> Workspace:
    (folder / "interlock.yaml").write_text(f"version: 1\nnotify: ['json://{address}/']\ntables: {{}}\n")
    return interlock.open(folder)


def ask(ws: Workspace, reason: str | None = None) -> None:
    with contextlib.suppress(DeleteRefused):
        ws.vault.delete("team", reason=reason)


def models(ws: Workspace, count: int = 11) -> None:
    for n in range(count):
        ws.vault.put(f"team/m{n:02}", {"a.bin": b"weights"})


def test_owners_are_told_what_waits_who_asked_and_what_to_do(tmp_path: Path, server: Server) -> None:
    with project(tmp_path, server.address) as ws:
        models(ws)
        ask(ws, "cleaning up")
        ask(ws, "cleaning up")
        me = ws.identity
    ((_, document),) = server.seen
    assert document["title"] == "D1: delete of team waits for a second person"
    said = document["message"]
    for part in (f"{me} asked for it; nothing was done: it affects 11 models", "reason given: cleaning up",
                 f"of: {me}", "team/m00", "next: interlock vault requests D1"):  # fmt: skip
        assert part in said


def test_what_is_done_at_once_is_told_nobody(tmp_path: Path, server: Server) -> None:
    with project(tmp_path, server.address) as ws:
        models(ws, 1)
        ws.vault.delete("team")
        ws.vault.restore("team")
    assert server.seen == []


def test_nobody_listening_changes_nothing_and_is_on_record(tmp_path: Path) -> None:
    with interlock.settings.override(trigger_attempts=1), project(tmp_path, "127.0.0.1:9") as ws:
        models(ws)
        with pytest.raises(DeleteRefused, match="it affects 11 models"):
            ws.vault.delete("team")
        with ws.site.catalog.read() as rx:
            (run,) = triggers.list_(rx)
        assert run.state is TriggerState.GIVEN_UP
        said = [f.detail for f in ws.doctor() if f.what == "vault"]
        assert any("a second person is waited for: D1 (delete of team" in detail for detail in said)
