"""`interlock check FILE --against GLOB` on files nobody prepared: a verdict or a clear error, always."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from interlock import errors
from tests.cli.odd_files import ALL, PLAIN, READABLE, UNREADABLE

LIGHT = [name for name in ALL if name != "2,000 columns"]  # one test of them is enough
WITHOUT_ROWS = {"header only", "no rows"}
KNOWN = {
    e.code for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.InterlockError)
}


@pytest.fixture(scope="session")
def plain_history(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("plain")
    for day in range(1, 9):
        (folder / f"2024-01-{day:02}.csv").write_text(PLAIN)
    return str(folder / "*.csv")


@pytest.mark.parametrize("name", ALL)
def test_an_odd_file_gets_a_verdict_or_a_clear_error(name, run, tmp_path, plain_history):
    path = ALL[name](tmp_path)

    said = run("check", path, "--against", plain_history, "--json")

    assert said.err == ""
    document = said.json
    if said.status == 2:
        assert document["error"] in KNOWN - {"IL000", "IL310"}
        assert 0 < len(document["message"]) < 600
        assert "\n" not in document["message"]
    else:
        assert said.status == 0
        assert document["outcome"] in ("pass", "inconclusive")
        assert document["stored"] is False
    if name in READABLE:
        assert said.status == 0, document
    if name in UNREADABLE:
        assert said.status == 2, document


@pytest.mark.parametrize("name", LIGHT)
def test_people_are_told_the_same_in_words(name, run, tmp_path, plain_history):
    path = ALL[name](tmp_path)

    said = run("check", path, "--against", plain_history, columns=60)

    assert "Traceback" not in said.out + said.err
    assert "\x1b" not in said.out + said.err  # no value commands the terminal
    if said.status == 2:
        assert said.out == ""
        assert said.err.startswith("error[IL2")
        assert len(said.err.splitlines()) <= 2
    else:
        assert said.err == ""
        assert "would be published" in " ".join(said.out.split())
        assert max(map(len, said.out.splitlines())) <= 60 or len(path.name) > 50


@pytest.mark.parametrize("name", [name for name in LIGHT if name in READABLE])
def test_an_odd_file_is_no_news_among_files_like_it(name, run, tmp_path):
    for day in range(1, 9):
        folder = tmp_path / f"part={day}"
        folder.mkdir()
        path = READABLE[name](folder)
    new = tmp_path / "new"
    new.mkdir()
    path = READABLE[name](new)
    glob = f"{tmp_path}/part=*/" + ("*" + "".join(path.suffixes[-2:]) if "linked" not in str(path) else "*")

    said = run("check", path, "--against", glob, "--json")

    assert said.err == ""
    assert said.status == 0, said.out
    assert said.json["outcome"] == ("inconclusive" if name in WITHOUT_ROWS else "pass"), said.json["notes"]
    assert said.json["alerts"] == []


@pytest.mark.parametrize("name", LIGHT)
def test_an_odd_history_is_compared_with_or_said_to_be_unreadable(name, run, tmp_path):
    new = tmp_path / "plain_new.csv"
    new.write_text(PLAIN)
    (tmp_path / "history").mkdir()
    path = ALL[name](tmp_path / "history")

    said = run("check", new, "--against", path, "--json")

    assert said.err == ""
    if said.status == 2:
        assert said.json["error"] in KNOWN - {"IL000", "IL310"}
    else:
        assert said.status == 0
        assert said.json["outcome"] == "inconclusive" or said.json["constraints"]


@pytest.fixture
def somebody_else(run, tmp_path):
    """A folder of one's own, and the rights of nobody, whom closed files stay closed to."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "a.csv").write_text(PLAIN)
        run("check", Path(folder) / "a.csv", "--against", Path(folder) / "a.csv")  # imports what it needs
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        yield Path(folder)
        if root:
            os.seteuid(0)


def test_a_file_without_permission_is_said_to_be_unreadable(run, somebody_else):
    secret = closed(somebody_else / "secret.csv")

    said = run("check", secret, "--against", somebody_else / "a.csv", "--json")

    assert (said.status, said.json["error"]) == (2, "IL201")
    assert said.json["message"].endswith("permission denied")


def test_a_file_without_permission_is_left_out_of_the_history(run, somebody_else):
    closed(somebody_else / "b.csv")

    said = run("check", somebody_else / "a.csv", "--against", somebody_else / "[ab].csv", "--json")

    assert (said.status, said.json["error"]) == (2, "IL201")  # it was the only one
    assert "b.csv" in said.json["message"]


def closed(path: Path) -> Path:
    """A file that only root may read."""
    mine = os.geteuid()
    if os.getuid() == 0:
        os.seteuid(0)
    path.write_text(PLAIN)
    path.chmod(0)
    os.seteuid(mine)
    return path


def test_a_broken_file_in_the_history_is_left_out_and_named(run, tmp_path):
    for day in range(1, 10):
        (tmp_path / f"2024-01-{day:02}.csv").write_text(PLAIN)
    (tmp_path / "2024-01-04.csv").write_bytes(b"id,city\n1,\xc3\x28\n")
    (tmp_path / "new.csv").write_text(PLAIN)

    said = run("check", tmp_path / "new.csv", "--against", tmp_path / "2024*.csv", "--json")

    assert said.status == 0
    assert any("2024-01-04.csv" in note and "left out" in note for note in said.json["notes"])
    assert said.json["outcome"] == "pass"


def test_a_history_where_nothing_can_be_read_is_an_error(run, tmp_path):
    for day in range(3):
        (tmp_path / f"{day}.parquet").write_text("no")
    new: Path = tmp_path / "new.csv"
    new.write_text(PLAIN)

    said = run("check", new, "--against", tmp_path / "*.parquet", "--json")

    assert (said.status, said.json["error"]) == (2, "IL201")
