"""Every entry of the ledger in one line that a tired person understands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock
from interlock import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with interlock.open(tmp_path / "workspace") as opened:
        yield opened


def test_a_line_names_the_versions_and_what_protects_them(ws: Workspace) -> None:
    for n in range(5):
        ws.vault.put(f"team/{n}", {"a": b"a"})
    ws.vault.alias("team/1@v1", "champion")
    ws.vault.hold("team/2", reason="case 12")
    ws.vault.set_policy(retention_days=60)
    ws.vault.delete("team/0", "team/3", "team/4")
    ws.vault.restore("team/")
    lines = [(e["kind"], e["what"]) for e in ws.ledger_entries(100)]
    assert ("versions", "team/0@v1 live") in lines
    assert ("guards", "alias team/1@champion") in lines
    assert ("guards", "hold 1") in lines
    assert ("guards", "policy vault_policy") in lines
    assert ("versions", "team/0@v1 deleted, team/3@v1 deleted, team/4@v1 deleted") in lines
    ws.vault.delete("team/0", "team/3", "team/4")
    ws.vault.put("team/5", {"a": b"a"})
    ws.vault.delete("team/5")
    ws.vault.restore("team/")
    (line,) = [e["what"] for e in ws.ledger_entries(1) if e["kind"] == "versions"]
    assert line == "team/0@v1 live, team/3@v1 live, team/4@v1 live and 1 more"
