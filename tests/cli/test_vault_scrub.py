"""``interlock vault scrub``, ``replica``, ``replicate``, ``status``, ``renew``, and ``interlock verify``."""

from __future__ import annotations

from pathlib import Path

import pytest

import interlock
from tests.cli.conftest import Run
from tests.vault import harm, stories


@pytest.fixture
def ws(run: Run, tmp_path: Path) -> Path:
    """A workspace with a vault, and a replica that nothing is in yet."""
    with interlock.open(tmp_path / "ws") as made:
        stories.fill(made.vault, tmp_path)
    return tmp_path / "ws"


def test_a_replica_from_the_first_word_to_the_last(run: Run, ws: Path, tmp_path: Path) -> None:
    assert "there is no replica" in run("vault", "status", "-w", ws).out
    said = run("vault", "replica", "set", tmp_path / "replica", "-w", ws)
    assert said.status == 0
    assert "5 versions, 1.9 MiB, are not in it: interlock vault replicate" in said.out
    assert "5 versions, 1.9 MiB, behind" in run("vault", "status", "-w", ws).out
    findings = run("doctor", "--json", "-w", ws)
    assert findings.status == 1
    assert [f["advice"] for f in findings.json if not f["ok"]] == ["interlock vault replicate"]
    done = run("vault", "replicate", "-w", ws)
    assert (done.status, done.out.strip()) == (0, "5 versions, 9 objects, 1.0 MiB copied")
    standing = run("vault", "status", "--json", "-w", ws).json
    assert standing["lag"] == {"versions": 0, "size_bytes": 0}
    assert [s["objects"] for s in standing["stores"]] == [14, 14]
    refused = run("vault", "replica", "remove", "-w", ws)
    assert refused.status == 1
    assert "a second person lets it pass" in refused.err
    assert run("vault", "renew", "-w", ws).out.strip() == "0 locks renewed"


def test_what_cannot_be_copied_is_said(run: Run, ws: Path, tmp_path: Path) -> None:
    run("vault", "replica", "set", tmp_path / "replica", "-w", ws)
    harm.flip(ws / "vault" / stories.key_of(b"x" * 10))
    done = run("vault", "replicate", "-w", ws)
    assert done.status == 1
    assert "✗ runs/log@v1: objects/" in done.out
    listed = run("vault", "replicate", "--json", "-w", ws)
    assert (listed.status, list(listed.json["failed"])) == (1, ["runs/log@v1"])


def test_damage_is_listed_and_mended(run: Run, ws: Path, tmp_path: Path) -> None:
    run("vault", "replica", "set", tmp_path / "replica", "-w", ws)
    run("vault", "replicate", "-w", ws)
    key = stories.key_of(stories.WEIGHTS)
    harm.cut(ws / "vault" / key)
    (ws / "vault" / "notes").write_text("mine")
    found = run("vault", "scrub", "-w", ws, columns=300)
    assert found.status == 1
    assert (
        f"✗ main: {key} corrupt: it was cut off: 128,000 of 256,000 bytes; needed by ranker@v1, ranker@v2"
        in found.out
    )
    assert "· main: notes stray" in found.out
    assert "1 damaged" in found.out
    assert [f["what"] for f in run("vault", "scrub", "--json", "-w", ws).json["findings"]] == [
        "corrupt",
        "stray",
    ]
    mended = run("vault", "scrub", "--repair", "-w", ws, columns=300)
    assert mended.status == 0
    assert "; repaired from replica" in mended.out
    assert run("vault", "scrub", "--since", "1h", "-w", ws).status == 0
    assert run("vault", "scrub", "--store", "replica", "--rate", "500", "-w", ws).status == 0


def test_what_cannot_be_mended_is_said_with_why(run: Run, ws: Path) -> None:
    harm.remove(ws / "vault" / stories.key_of(b"x" * 10))
    mended = run("vault", "scrub", "--repair", "-w", ws, columns=300)
    assert mended.status == 1
    assert "not repaired: no store holds objects/" in mended.out
    findings = run("doctor", "--json", "-w", ws).json
    assert any(f["detail"] == "the last scrub left 1 damaged" for f in findings)


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--rate", "0", "above 0"),
        ("--rate", "-3", "above 0"),
        ("--since", "yesterday", "is no time"),
        ("--store", "spare", "no store 'spare'"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    run: Run, ws: Path, option: str, value: str, problem: str
) -> None:
    refused = run("vault", "scrub", option, value, "-w", ws)
    assert refused.status == 2
    assert problem in refused.err


def test_verify_says_what_and_where(run: Run, ws: Path) -> None:
    whole = run("verify", "--data", "-w", ws)
    assert whole.status == 0
    assert whole.out.startswith("verified: ")
    assert "5 versions with 8 files" in whole.out
    (ws / "vault/versions/ranker/v1.json").unlink()
    broken = run("verify", "-w", ws)
    assert broken.status == 1
    assert "✗ versions/ranker/v1.json: ranker@v1: is missing" in broken.out
    listed = run("verify", "--json", "-w", ws)
    problem = {"place": "versions/ranker/v1.json", "version": "ranker@v1", "what": "is missing"}
    assert (listed.status, listed.json["problems"]) == (1, [problem])
    assert run("verify", "-w", ws / "nowhere").status == 2
