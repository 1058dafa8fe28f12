"""The delete gate from the command line: what it says, how it ends, and its JSON."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def vault(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands on a vault with ``team/a``, ``team/b`` and the champion ``team/b@v1``; one model is the most."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.bin").write_bytes(b"weights")
    for name in ("team/a", "team/b"):
        run("vault", "put", name, "w.bin", "-w", "ws")
    run("vault", "policy", "radius_models=1", "-w", "ws")
    run("vault", "alias", "team/b@v1", "champion", "-w", "ws")

    def on(*arguments: object) -> object:
        return run("vault", *arguments, "-w", "ws")

    return on  # type: ignore[return-value]


def test_deleting_and_restoring_say_the_way_back(vault: Run) -> None:
    gone = vault("rm", "team/a", "--reason", "old")
    assert gone.status == 0
    assert "1 version deleted; `interlock vault restore D3` brings them back" in gone.out
    assert vault("restore", "D3").out.strip() == "1 version restored"
    assert vault("rm", "team/a", "--json").json["request"]["state"] == "done"
    assert vault("restore", "--since", "1h", "--json").json == {"versions": 1, "left_out": []}


def test_what_is_refused_ends_with_one_and_says_who_may(vault: Run) -> None:
    refused = vault("rm", "team/")
    assert refused.status == 1
    for said in ("error[IL540]", "team/b@v1 is in use (alias champion)", "1 is the most",
                 "`interlock vault approve D3`"):  # fmt: skip
        assert said in refused.err
    asked = vault("rm", "team/", "--json")
    assert (asked.status, asked.json["error"], asked.json["request"]) == (1, "IL540", "D3")
    own = vault("approve", "D3")
    assert (own.status, own.err.splitlines()[0].partition(":")[0]) == (1, "error[IL541]")


def test_requests_are_listed_and_shown(vault: Run) -> None:
    assert "nothing waits" in vault("requests").out
    vault("rm", "team/", "-r", "cleaning up")
    listed = vault("requests").out
    assert "D3" in listed
    assert "delete of team/" in listed
    shown = vault("requests", "D3").out
    for said in ("reason: cleaning up", "waits because: team/b@v1 is in use", "models: 2", "team/a@v1"):
        assert said in shown
    (asked,) = vault("requests", "--json").json
    assert (asked["id"], asked["models"], len(asked["document"]["versions"])) == ("D3", 2, 2)
    assert "D3 refused" in vault("refuse", "D3", "-r", "needed").out
    assert "nothing waits" in vault("requests").out
    assert [r["id"] for r in vault("requests", "--all", "--json").json] == ["D3", "D2", "D1"]
    assert vault("requests", "D10").status == 2


def test_a_second_key_is_shown_once_and_approves_from_standard_input(
    vault: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = vault("key", "add", "boss")
    secret = added.out.strip()
    assert "shown once" in added.err
    vault("rm", "team/")
    for typed, status in (("", 2), ("boss:wrong\n", 1), (f"{secret}\n", 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        approved = vault("approve", "D4", "--key")
        assert approved.status == status
    assert "D4 approved by key boss: delete of team/, 2 versions" in approved.out
    assert secret not in vault("key", "list").out
    assert "boss" in vault("key", "list").out
    vault("key", "retire", "boss")
    assert "retired" in vault("key", "list").out
    assert "digest" not in vault("requests", "--all", "--json").out


def test_purging_says_every_reason(vault: Run) -> None:
    vault("rm", "team/a")
    vault("hold", "team/a", "-r", "case 12")
    refused = vault("purge", "team/a")
    assert refused.status == 1
    assert "can be restored until" in refused.err
    assert "legal hold H1" in refused.err


def test_holds_are_listed_and_released(vault: Run) -> None:
    assert "nothing is held" in vault("holds").out
    assert "H1: service hold on team/a" in vault("hold", "team/a", "-r", "ranking", "--service").out
    assert "ranking" in vault("holds").out
    assert vault("release", "H1").out.strip() == "H1 released"
    assert vault("holds", "--json").json == []
    assert len(vault("holds", "--all", "--json").json) == 1
    vault("hold", "team/a", "-r", "case 12")
    assert vault("release", "H2").status == 1


def test_names_and_aliases_are_moved(vault: Run) -> None:
    moved = vault("mv", "team/a", "crew/a")
    assert "crew/a has 1 version now; `interlock vault restore D3` takes it back" in moved.out
    assert vault("show", "crew/a@v1").status == 0
    assert "crew/a@best stands for v1 now" in vault("alias", "crew/a@v1", "best").out
    assert "crew/a@best stands for nothing now" in vault("alias", "crew/a", "best", "--remove").out
    assert vault("mv", "crew/a", "team/b").status == 2


def test_the_policy_says_why_and_what_cannot_be(vault: Run) -> None:
    shown = vault("policy").out
    assert "retention_days" in shown
    assert "longer than a" in shown
    assert vault("policy", "retention_days=60", "--json").json["retention_days"] == 60
    assert vault("policy", "retention_days=6").status == 1
    for wrong in ("retention_days", "retention_days=many", "retention=60", "retention_days=-1"):
        assert vault("policy", wrong).status == 2


def test_collecting_says_what_it_did(vault: Run) -> None:
    assert "0 objects would be removed" in vault("collect", "--dry-run").out
    done = vault("collect", "--json").json
    assert (done["removed"], done["dry_run"]) == (0, False)


@pytest.mark.parametrize(
    "arguments",
    [("rm",), ("rm", "nothing"), ("restore",), ("restore", "--since", "noon"), ("restore", "team")],
)
def test_mistakes_end_with_two_and_a_hint(vault: Run, arguments: tuple[str, ...]) -> None:
    wrong = vault(*arguments)
    assert wrong.status == 2
    assert wrong.err.startswith("error[IL")
