"""A few commands as somebody types them: nothing but the message on standard error, quick, deaf to locales."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

import interlock
from tests.cli.conftest import DAYS, SOURCE, people, save
from tests.cli.odd_files import ALL, PLAIN

SECONDS_MAX = 2.0  # for 1,000 rows, the whole process, on a machine that does nothing else


@pytest.mark.parametrize(
    "name",
    [
        "plain csv",
        "truncated parquet",
        "flipped parquet",
        "latin-1",
        "binary rubbish",
        "missing",
        "odd types",
        "nul bytes",
    ],
)
@pytest.mark.parametrize("json", [True, False], ids=["json", "words"])
def test_nothing_but_the_message_is_on_standard_error(process, tmp_path, name, json):
    for day in range(1, 9):
        (tmp_path / f"2024-01-{day:02}.csv").write_text(PLAIN)

    said = process("check", ALL[name](tmp_path), "--against", "2024*.csv", *(["--json"] if json else []))

    assert said.status in (0, 2)
    if json:
        assert said.err == ""
        assert said.json
    else:
        assert len(said.err.splitlines()) <= 2
        assert said.err == "" or said.err.startswith("error[IL")


def test_a_workspace_command_that_fails_leaves_nothing_on_standard_error(process, tmp_path):
    save(people(0), tmp_path / "one.csv")
    process("init", "one.csv", "-t", "people", "-p", "day")

    said = process("sql", "SELECT 1 // 0 + 'x'", "--json")

    assert said.status == 2
    assert said.err == ""
    assert said.json["error"] == "IL310"


def test_names_no_locale_can_spell_still_make_json(process, tmp_path):
    (tmp_path / "größe.csv").write_text("größe,年\n1,ä\n")

    said = process("check", "größe.csv", "--against", "größe.csv", "--json", PYTHONIOENCODING="ascii")
    words = process("check", "größe.csv", "--against", "größe.csv", PYTHONIOENCODING="ascii")

    assert said.json["partition"] == "größe"
    assert words.status == 0
    assert words.err == ""


def test_no_colour_where_nobody_looks(process, tmp_path):
    (tmp_path / "a.csv").write_text(PLAIN)

    assert "\x1b" not in process("check", "a.csv", "--against", "a.csv").out
    assert "\x1b" not in process("check", "a.csv", "--against", "a.csv", NO_COLOR="1", FORCE_COLOR="").out


def test_a_reader_that_leaves_early_is_no_error(process, tmp_path):
    save(" UNION ALL ".join(people(day) for day in range(10)), tmp_path / "past.csv")
    process("init", "past.csv", "-t", "people", "-p", "day")
    interlock = f'{sys.executable} -c "from interlock.cli import main; main()"'
    line = f'{interlock} sql "SELECT * FROM people" --json | head -c 10'

    ended = subprocess.run(
        line,
        shell=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )

    assert ended.stderr == b""


def test_a_check_of_a_thousand_rows_is_quick(process, tmp_path):
    for day in range(10):
        save(people(day, 1000), tmp_path / f"2024-01-{day + 1:02}.parquet")
    save(people(DAYS, 1000), tmp_path / "2024-01-31.parquet")
    process("check", "2024-01-31.parquet", "--against", "2024-01-0*.parquet")  # compiles

    quickest = min(timed(process) for _ in range(3))

    assert quickest < SECONDS_MAX * 3, f"{quickest:.1f} s"  # others may be at work here too


def timed(process) -> float:
    since = time.monotonic()
    assert process("check", "2024-01-31.parquet", "--against", "2024-01-0*.parquet").status == 0
    return time.monotonic() - since


DATA = {"duckdb", "numpy", "sqlglot", "interlock.detect", "interlock.profiles", "interlock.constraints"}


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        (["--help"], {"sqlalchemy", "interlock.catalog", "interlock.workspace", *DATA}),
        (["vault", "put", "ranker", "a.csv"], DATA),
        (["vault", "get", "ranker", "out"], DATA),
        (["vault", "ls"], DATA),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_what_every_command_pays_is_not_the_imports_of_others(tmp_path, command, heavy):
    """Half a second is felt."""
    with interlock.open(tmp_path) as ws:
        ws.vault.put("ranker", {"a": b"a"})
    (tmp_path / "a.csv").write_text(PLAIN)
    script = (
        "import sys\nfrom interlock.cli import main\n"
        f"try: main({command!r})\nexcept SystemExit as end: assert not end.code\n"
        f"print({heavy!r} & set(sys.modules), file=sys.stderr)"
    )
    python = [sys.executable, "-c", script]
    ended = subprocess.run(
        python, cwd=tmp_path, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, check=True
    )
    assert ended.stderr.decode().strip() == "set()"


def test_a_check_needs_no_library_of_the_workspace(tmp_path):
    (tmp_path / "a.csv").write_text(PLAIN)
    heavy = {
        "sqlalchemy",
        "alembic",
        "interlock.catalog",
        "interlock.constraints.contract",
        "ruamel",
        "pandas",
        "pyarrow",
        "polars",
    }
    script = (
        "import sys\nfrom interlock.cli import main\n"
        "try: main(['check', 'a.csv', '--against', 'a.csv', '--json'])\nexcept SystemExit: pass\n"
        f"print({heavy!r} & set(sys.modules), file=sys.stderr)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        check=True,
    )

    assert ended.stderr.decode().strip() == "set()"
