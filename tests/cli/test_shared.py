"""Commands on a workspace in PostgreSQL, by its address alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import places
from tests import s3 as stores
from tests.cli.conftest import DAYS, Run, people, save
from tests.postgres import Server

SECRET = "s3cr3t"


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return places.of("postgres", tmp_path / "share", request)


def test_a_table_lives_its_life_there(
    run: Run, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = save(" UNION ALL ".join(people(day) for day in range(DAYS)), tmp_path / "past.parquet")
    made = run("init", past, "-t", "people", "-p", "day", "-w", place, "--json")
    assert (made.status, len(made.json["verdicts"])) == (0, DAYS), made.err
    assert "schema Tom's" in made.json["workspace"]
    monkeypatch.setenv("INTERLOCK_WORKSPACE", place)
    good = save(people(DAYS), tmp_path / "good.parquet")
    bad = save(f"SELECT * REPLACE (-age AS age) FROM ({people(DAYS + 1)})", tmp_path / "bad.parquet")
    assert run("check", "people", good).status == 0
    assert run("write", "people", good).status == 0
    assert run("enforce", "people").status == 0
    assert run("write", "people", bad).status == 1
    (held,) = run("quarantine", "list", "--json").json
    assert held["partition"] == "2024-02-01"
    alert = run("alerts", "list", "--json").json["alerts"][0]
    assert run("alerts", "useful", alert["id"]).status == 0
    assert run("quarantine", "release", "people@2024-02-01", "--reason", "checked").status == 0
    assert run("accept", "people", "--since", "2024-02-01", "--reason", "new scale").status == 0
    assert "age" in run("learn", "people").out
    assert "age" in run("profile", "people@2024-01-03").out
    assert run("sql", "SELECT count(*) AS n FROM people", "--json").json == [{"n": 300 * (DAYS + 2)}]
    assert f'table="people"}} {300 * (DAYS + 2)}\n' in run("metrics").out
    assert run("report", "people", "-o", tmp_path / "people.html").status == 0
    assert "2024-02-01" in (tmp_path / "people.html").read_text()
    examined = run("doctor", "--data", "--json")
    assert [f for f in examined.json if not f["ok"]] == []
    log = run("ledger", "log", "--json").json
    assert {"verdict", "accept", "alert"} <= {entry["kind"] for entry in log}
    verified = run("ledger", "verify", "--json")
    assert (verified.status, verified.json["problems"]) == (0, [])


def test_a_file_that_was_changed_is_found(run: Run, place: str, tmp_path: Path) -> None:
    day = save(people(0), tmp_path / "day.parquet")
    assert run("init", day, "-t", "people", "-p", "day", "-w", place).status == 0
    (file,) = (tmp_path / "share" / "data").rglob("*.parquet")
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    examined = run("doctor", "--data", "--json", "-w", place)
    assert examined.status == 1
    assert [f["what"] for f in examined.json if not f["ok"]] == ["files"]


@pytest.mark.parametrize(
    "command", [("doctor",), ("sql", "SELECT 1"), ("ledger", "verify"), ("alerts", "list"), ("init",)]
)
def test_what_is_wrong_is_one_line_and_no_secret(
    run: Run, place: str, postgres: Server, command: tuple[str, ...], tmp_path: Path
) -> None:
    wrong = {
        f"postgresql://ann:{SECRET}@127.0.0.1:1/shop": "IL901",
        f"postgresql://ann:{SECRET}@127.0.0.1:{postgres.port}/shop": "IL901",
        f"postgresql://ann:{SECRET}@x@127.0.0.1/shop": "IL100",
        f"postgresql://ann:{SECRET}@127.0.0.1/shop?schema=interlock": "IL100",
        place: "IL401",
    }
    if command == ("init",):
        wrong[place.partition("&data=")[0]] = "IL100"
        del wrong[place]
    for address, code in wrong.items():
        ended = run(*command, "-w", address)
        assert ended.status == 2, (address, ended.out)
        assert f"error[{code}]" in ended.err, (address, ended.err)
        assert SECRET not in ended.err + ended.out
        assert "Traceback" not in ended.err
    assert run("init", "-w", place).status == 0
    (tmp_path / "share").rename(tmp_path / "elsewhere")
    ended = run(*command, "-w", place)
    assert (ended.status, "error[IL410]" in ended.err) == (2, True), ended.err
    moved = run(*command, "-w", f"{place}&data={tmp_path / 'elsewhere'}")
    assert moved.status == 0, moved.err


def test_the_folder_may_be_given_as_an_option(run: Run, place: str, tmp_path: Path) -> None:
    address = place.partition("&data=")[0]
    made = run("init", "-w", address, "--data-folder", "lake", "--json")
    assert made.json["workspace"].endswith(f"files in {tmp_path / 'lake'}")
    assert run("doctor", "-w", address).status == 0
    assert run("init", "-w", tmp_path / "local", "--data-folder", "lake").status == 2


def test_base_and_sqlite_need_no_psycopg(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = f"""
        import sys, interlock
        interlock.open({str(tmp_path / "ws")!r}).close()
        print([m for m in sys.modules if m.startswith("psycopg")])
    """
    lines = "\n".join(map(str.strip, code.splitlines()))
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_files_on_s3_are_named_by_their_address(
    run: Run, place: str, s3: stores.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    address, url = place.partition("&data=")[0], f"s3://{s3.bucket()}/people"
    past = save(people(0), tmp_path / "past.parquet")
    made = run("init", past, "-t", "people", "-p", "day", "-w", address, "--data-folder", url, "--json")
    assert made.json["workspace"].endswith(f"files in {url}"), made.err
    assert run("sql", "SELECT count(*) AS n FROM people", "--json", "-w", address).json == [{"n": 300}]
    assert run("doctor", "--data", "-w", address).status == 0
    assert [p.name for p in (tmp_path / "home").iterdir()] == ["interlock"]
    secret = f"s3://key:{SECRET}@lake/x"
    for command in (
        ("init", "--data-folder", secret, "-w", address),
        ("sql", "SELECT 1", "-w", f"{address}&data={secret}"),
    ):
        ended = run(*command)
        assert (ended.status, "error[IL100]" in ended.err) == (2, True), ended.err
        assert SECRET not in ended.err + ended.out
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    ended = run("sql", "SELECT 1", "-w", address)
    assert (ended.status, "error[IL412]" in ended.err) == (2, True), ended.err
    assert "Traceback" not in ended.err
