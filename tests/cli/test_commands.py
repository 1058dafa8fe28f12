"""Every other command: what it does, in JSON and in words, and its exit status."""

from __future__ import annotations

import json

import pytest

import interlock
from interlock import errors
from interlock.cli.app import app
from tests.cli.conftest import DAYS, people, save

DAY = "2024-01-31"


@pytest.fixture
def good(workspace):
    return save(people(DAYS), workspace / "good.parquet")


@pytest.fixture
def bad(workspace):
    return save(f"SELECT * REPLACE (-age AS age) FROM ({people(DAYS)})", workspace / "bad.parquet")


# --- init -----------------------------------------------------------------------------


def test_init_alone_makes_a_workspace(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    said = run("init", "--json")

    assert said.status == 0
    assert said.json == {"workspace": str(tmp_path / ".interlock"), "table": None, "verdicts": []}
    assert (tmp_path / ".interlock" / "catalog.sqlite").exists()


def test_init_on_data_with_history_shows_what_the_gate_would_have_said(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = [people(day) for day in range(DAYS)]
    days[20] = f"SELECT * REPLACE (-age AS age) FROM ({days[20]})"
    save(" UNION ALL ".join(f"({d})" for d in days), tmp_path / "past.parquet")

    said = run("init", "past.parquet", "-t", "people", "-p", "day", "-k", "id")

    assert said.status == 0
    assert "over your last 30 partitions:" in said.out
    assert "2024-01-21  page   age is negative in 300 rows" in said.out
    assert "interlock enforce people" in said.out


def test_init_says_that_unsplit_data_is_a_single_partition(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(people(0), tmp_path / "past.csv")

    said = run("init", "past.csv", "-t", "people")

    assert "--partition COLUMN splits it" in said.out


@pytest.mark.parametrize("partition", ["dya", "nowhere"])
def test_init_makes_no_table_of_data_it_cannot_split(run, tmp_path, monkeypatch, partition):
    monkeypatch.chdir(tmp_path)
    save(people(0), tmp_path / "past.csv")

    said = run("init", "past.csv", "-t", "people", "-p", partition, "--json")

    assert (said.status, said.json["error"]) == (2, "IL204")
    assert said.json["hint"] == ("did you mean 'day'?" if partition == "dya" else None)
    assert not (tmp_path / ".interlock").exists()


def test_init_asks_what_the_table_is_called(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    said = run("init", "past.csv")

    assert said.status == 2
    assert "--table NAME" in said.err


def test_init_attaches_files_and_judges_them_where_they_are(run, tmp_path, monkeypatch, history):
    monkeypatch.chdir(tmp_path)

    said = run("init", history / "2024-01-0*.csv", "-t", "people", "--attach", "--json")
    again = run("check", "people", "--json")

    assert said.status == 0
    assert len(said.json["verdicts"]) == 9
    assert {v["decision"] for v in said.json["verdicts"]} == {"admitted"}
    assert again.json == {"verdicts": [], "past_the_gate": []}


# --- learn, enforce, accept -----------------------------------------------------------


def test_learn_lists_constraints_with_their_evidence(run, workspace):
    said = run("learn", "people", "--json")

    found = {c["name"]: c for c in said.json}
    assert found["age_never_negative"]["sql"] == '"age" >= 0'
    assert found["age_never_negative"]["evidence"]["partitions"] == DAYS
    assert not any(c["blocks"] for c in found.values())


def test_learn_in_words_is_a_line_a_column_of_the_table(run, workspace):
    run("enforce", "people", "age_never_negative")

    said = run("learn", "people", columns=100)

    head, _, titles, *lines, _, last = said.out.splitlines()
    told = {name: rest.split(maxsplit=1) for name, _, rest in (line.partition("  ") for line in lines)}
    assert list(told) == ["the table", "id", "age", "city", "amount", "moment", "day"]
    learned = run("learn", "people", "--json").json
    assert sum(int(how_many) for how_many, _ in told.values()) == len(learned)
    assert head == f"{len(learned)} constraints learned from 30 partitions, 9,000 rows; 1 blocks"
    assert titles.split() == ["column", "learned", "what", "it", "normally", "holds"]
    assert told["age"][1].startswith("never null · 18 to 89 · mean ")
    assert told["age"][1].rstrip().endswith(" · integer · 1 blocks")
    assert told["city"][1].rstrip() == "never null · 3 to 4 characters · Kiel, Köln, Ulm · text"
    assert "--all" in last
    assert "interlock enforce people" in last


def test_learn_says_when_all_of_it_blocks_and_what_rests_on_less(run, workspace):
    days = " UNION ALL ".join(
        f"SELECT *, 'x' || (id % 7) AS code FROM ({people(day)})" for day in range(DAYS, DAYS + 8)
    )
    run("init", save(days, workspace / "later.parquet"), "-t", "people", "-p", "day")
    run("enforce", "people")

    said = run("learn", "people", columns=140)

    assert "rows; all block\n" in said.out
    (code,) = (line for line in said.out.splitlines() if line.startswith("code "))
    assert "2 characters · x0, x1, x2, x3, x4, x5, x6 · text · from 8 partitions" in code


def test_learn_all_says_what_each_rests_on_and_what_blocks(run, workspace):
    run("enforce", "people", "age_never_negative")

    said = run("learn", "people", "--all", columns=80)

    assert "age_never_negative  blocks  held in every row: 30 partitions, 9,000 rows" in said.out
    assert '    "age" >= 0' in said.out
    assert "interlock enforce people" in said.out


def test_learn_write_adds_to_the_contract_once(run, workspace):
    first = run("learn", "people", "--write")
    second = run("learn", "people", "--write")

    assert "interlock.yaml" in first.out
    assert "\n0 added" in second.out
    assert "age" in (workspace / "interlock.yaml").read_text()
    assert run("check", "people", "past.parquet", "-p", "2024-01-01", "--json").status in (0, 1, 2)


def test_learn_says_when_there_is_too_little_to_learn_from(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("init", save(people(0), tmp_path / "one.csv"), "-t", "people", "-p", "day")

    said = run("learn", "people")

    assert said.out == "nothing yet: people has 1 partition; learning begins at 7\n"


def test_enforce_makes_what_was_learned_block(run, workspace, bad):
    before = run("check", "people", bad, "--json")
    enforced = run("enforce", "people", "--json")
    after = run("check", "people", bad, "--json")
    run("enforce", "people", "--off")
    off = run("check", "people", bad, "--json")

    assert enforced.json == {"table": "people", "enforced": ["*"]}
    assert [(s.status, s.json["outcome"]) for s in (before, after, off)] == [
        (0, "pass"),
        (1, "fail"),
        (0, "pass"),
    ]


def test_enforce_suggests_the_nearest_constraint(run, workspace):
    said = run("enforce", "people", "age_nevr_negative", "--json")

    assert said.status == 2
    assert said.json["hint"] == "did you mean 'age_never_negative'?"


def test_accept_makes_a_new_normal(run, workspace, bad):
    assert run("write", "people", bad, "--strict", "--json").status == 1

    accepted = run("accept", "people", "--since", DAY, "--reason", "signed from now on", "--json")
    tomorrow = save(
        f"SELECT * REPLACE (-age AS age) FROM ({people(DAYS + 1)})", workspace / "tomorrow.parquet"
    )
    said = run("check", "people", tomorrow, "--json")

    assert accepted.json["partitions"] == [DAY]
    assert [v for v in said.json["violations"] if v["statistic"] == "negatives"] == []


def test_accept_needs_a_reason(run, workspace):
    assert run("accept", "people", "--since", DAY, "--json").json["error"] == "IL100"
    assert run("accept", "people", "--since", DAY, "--reason", " ", "--json").json["error"] == "IL100"


# --- write, check, alerts -------------------------------------------------------------


def test_write_publishes_and_says_so(run, workspace, good):
    said = run("write", "people", good, "--json")

    assert said.status == 0
    assert (said.json["decision"], said.json["partition"], said.json["stored"]) == ("published", DAY, True)
    assert run("sql", f"SELECT count(*) AS n FROM people WHERE day = '{DAY}'", "--json").json == [{"n": 300}]


def test_write_quarantines_what_breaks_an_enforced_constraint(run, workspace, bad):
    run("enforce", "people")

    said = run("write", "people", bad)

    assert said.status == 1
    assert said.out.startswith(f"people@{DAY}  quarantined, ")
    assert "blocks" in said.out
    assert f"next: interlock quarantine show people@{DAY}" in said.out
    assert run("sql", f"SELECT count(*) AS n FROM people WHERE day = '{DAY}'", "--json").json == [{"n": 0}]


def test_check_of_a_table_stores_nothing(run, workspace, bad):
    said = run("check", "people", bad, "--json")

    assert said.json["stored"] is False
    listed = run("alerts", "list", "people", "--json").json
    assert listed == run("alerts", "list", "--json").json
    assert not [a for a in listed["alerts"] if a["last"] == DAY]


def test_strict_turns_an_alert_into_status_1(run, workspace, bad, good):
    assert run("check", "people", bad, "--strict", "--json").status == 1
    assert run("check", "people", good, "--strict", "--json").status == 0


def test_backfill_splits_and_sums_up(run, workspace):
    two = save(f"{people(DAYS)} UNION ALL {people(DAYS + 1)}", workspace / "two.parquet")

    said = run("write", "people", two, "--backfill")
    document = run("write", "people", two, "--backfill", "--json").json

    assert said.status == 0
    assert said.out.splitlines()[-1] == "2 partitions, 600 rows: 2 published, 0 with an alert"
    assert [v["partition"] for v in document["verdicts"]] == [DAY, "2024-02-01"]


def test_rows_of_two_partitions_are_refused_without_backfill(run, workspace):
    two = save(f"{people(DAYS)} UNION ALL {people(DAYS + 1)}", workspace / "two.parquet")

    said = run("write", "people", two, "--json")

    assert (said.status, said.json["error"]) == (2, "IL205")


# --- profile, sql ---------------------------------------------------------------------


def test_profile_of_a_file_and_of_a_partition(run, workspace, good):
    of_file = run("profile", good, "--json").json
    of_partition = run("profile", "people@2024-01-30", "--json").json
    said = run("profile", good)

    assert of_file["rows"] == of_partition["rows"] == 300
    assert said.out.startswith("300 rows, 6 columns")
    assert "age" in said.out


def test_a_partition_that_is_not_there_suggests_the_nearest(run, workspace):
    said = run("profile", "people@2024-01-3", "--json")

    assert (said.status, said.json["error"]) == (2, "IL406")
    assert "did you mean '2024-01-3" in said.json["hint"]


def test_sql_shows_rows_and_says_how_many_more(run, workspace):
    said = run("sql", "SELECT id FROM people ORDER BY id")

    assert len(said.out.splitlines()) == 1 + 200 + 1
    assert said.out.splitlines()[-1] == "… 8,800 more rows; --json prints all"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT 1; SELECT 2", "not one query"),
        ("DROP TABLE people", "not one query"),
        ("SELECT * FROM peple", "no table 'peple'"),
        ("SELECT nothing FROM people", "nothing"),
        ("", "not one query"),
    ],
)
def test_sql_refuses_in_one_line(run, workspace, query, message):
    said = run("sql", query, "--json")

    assert (said.status, said.json["error"]) == (2, "IL310")
    assert message in said.json["message"]
    assert "\n" not in said.json["message"]


def test_sql_spells_what_json_lacks(run, workspace):
    said = run(
        "sql",
        "SELECT 'nan'::DOUBLE AS n, '-inf'::DOUBLE AS i, 'ab'::BLOB AS b, DATE '2024-01-01' AS d",
        "--json",
    )

    assert said.json == [{"n": "NaN", "i": "-Infinity", "b": "6162", "d": "2024-01-01"}]
    assert "NaN," not in said.out.replace('"NaN",', "")


# --- quarantine -----------------------------------------------------------------------


@pytest.fixture
def held(run, workspace, bad):
    run("enforce", "people", "age_never_negative")
    assert run("write", "people", bad).status == 1
    return f"people@{DAY}"


def test_quarantine_lists_what_is_held_and_why(run, held):
    (one,) = run("quarantine", "list", "--json").json
    said = run("quarantine", "list", "people")

    assert f"{one['table']}@{one['partition']}" == held
    assert held in said.out


def test_quarantine_shows_the_verdict_and_both_ways_out(run, held):
    document = run("quarantine", "show", held, "--json").json
    said = run("quarantine", "show", held)

    assert document["decision"] == "quarantined"
    assert "quarantined" in said.out.splitlines()[0]
    assert f"interlock quarantine release {held}" in said.out
    assert f"interlock quarantine drop {held}" in said.out


def test_a_released_partition_is_published(run, held):
    released = run("quarantine", "release", held, "--reason", "looked at it", "--json")

    assert released.status == 0
    assert run("quarantine", "list", "--json").json == []
    assert run("sql", f"SELECT count(*) AS n FROM people WHERE day = '{DAY}'", "--json").json == [{"n": 300}]


def test_a_dropped_partition_is_gone(run, held):
    assert run("quarantine", "drop", held, "--reason", "rubbish").status == 0
    assert run("quarantine", "list").out == "the quarantine is empty\n"
    assert run("quarantine", "show", held, "--json").json["error"] == "IL406"


def test_quarantine_names_a_partition_as_table_at_label(run, workspace):
    said = run("quarantine", "show", "people")

    assert said.status == 2
    assert "TABLE@PARTITION" in said.err


# --- ledger, doctor -------------------------------------------------------------------


def test_the_ledger_lists_what_happened_and_verifies(run, workspace):
    run("enforce", "people")

    entries = run("ledger", "log", "-n", "1", "--json").json
    verified = run("ledger", "verify", "--json")

    assert entries[0]["kind"] == "enforce"
    assert verified.status == 0
    assert run("ledger", "verify").out.startswith("ledger verified: ")


def test_an_edited_ledger_fails_and_names_the_place(run, workspace):
    checkpoint = next((workspace / ".interlock").rglob("checkpoint"))
    checkpoint.write_bytes(checkpoint.read_bytes().replace(b"\n", b"\r\n", 1))

    said = run("ledger", "verify")

    assert said.status == 1
    assert "checkpoint" in said.out


def test_doctor_finds_nothing_in_a_healthy_workspace(run, workspace):
    said = run("doctor")

    assert said.status == 0
    assert "✗" not in said.out
    assert all(f["ok"] for f in run("doctor", "--json").json)


def test_doctor_reads_the_data_for_the_asking(run, workspace):
    path = next((workspace / ".interlock" / "data").rglob("*.parquet"))
    held = path.read_bytes()
    path.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))

    unread, read = run("doctor"), run("doctor", "--data", "--json")

    assert unread.status == 0
    assert read.status == 1
    (finding,) = [f for f in read.json if not f["ok"]]
    assert str(path) in finding["detail"]


def test_doctor_finds_a_file_that_is_gone(run, workspace):
    next((workspace / ".interlock" / "data").rglob("*.parquet")).unlink()

    said = run("doctor")

    assert said.status == 1
    assert "✗" in said.out


# --- mistakes -------------------------------------------------------------------------

ON_A_TABLE = [
    ("learn", "peple"),
    ("enforce", "peple"),
    ("accept", "peple", "--since", DAY, "--reason", "x"),
    ("profile", f"peple@{DAY}"),
    ("check", "peple", "past.parquet"),
    ("check", "peple"),
    ("write", "peple", "past.parquet"),
    ("quarantine", "show", f"peple@{DAY}"),
    ("quarantine", "release", f"peple@{DAY}", "--reason", "x"),
    ("quarantine", "drop", f"peple@{DAY}", "--reason", "x"),
    ("quarantine", "list", "peple"),
    ("alerts", "list", "peple"),
]


@pytest.mark.parametrize("command", ON_A_TABLE, ids=" ".join)
def test_a_wrong_table_suggests_the_nearest_and_makes_none(run, workspace, command):
    said = run(*command, "--json")

    assert (said.status, said.json["error"]) == (2, "IL405")
    assert said.json["hint"] == "did you mean 'people'?"
    assert "peple" not in json.dumps(run("ledger", "log", "-n", "100", "--json").json)


IN_A_WORKSPACE = [c for c in ON_A_TABLE if c[0] != "profile"] + [
    ("doctor",),
    ("ledger", "log"),
    ("ledger", "verify"),
    ("sql", "SELECT 1"),
]


@pytest.mark.parametrize("command", IN_A_WORKSPACE, ids=" ".join)
def test_without_a_workspace_nothing_is_made(run, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)

    said = run(*command, "--json")

    assert (said.status, said.json["error"]) == (2, "IL401")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("chek",), "did you mean 'check'?"),
        (("check", "--aginst", "x"), "did you mean '--against'?"),
        (("ledger", "verfy"), "did you mean 'verify'?"),
        (("learn",), "interlock learn --help"),
        (("alerts", "list", "-n", "many"), "interlock alerts list --help"),
    ],
    ids=str,
)
def test_a_mistyped_command_is_answered_like_every_error(run, arguments, hint):
    as_json, said = run(*arguments, "--json"), run(*arguments)

    assert (as_json.status, as_json.json["error"], as_json.json["hint"]) == (2, "IL100", hint)
    assert as_json.err == ""
    assert said.err.startswith("error[IL100]: ")
    assert said.out == ""


def test_a_bug_is_one_line_too(run, workspace, monkeypatch):
    monkeypatch.setattr("interlock.workspace.workspace.Workspace.doctor", lambda self, **_: 1 / 0)

    said = run("doctor", "--json")

    assert said.status == 2
    assert said.json["error"] == errors.InterlockError.code
    assert "ZeroDivisionError" in said.json["message"]
    assert "INTERLOCK_TRACE" in said.json["hint"]


def commands():
    for command in app.registered_commands:
        yield (command.name,)
    for group in app.registered_groups:
        yield from (
            (group.name, c.name or c.callback.__name__) for c in group.typer_instance.registered_commands
        )


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_every_command_explains_itself_and_speaks_json(run, command):
    said = run(*command, "--help", columns=80)

    assert said.status == 0
    assert "--json" in said.out
    assert len(said.out.splitlines()) < 40
    assert max(map(len, said.out.splitlines())) <= 80


# --- slo ------------------------------------------------------------------------------


def test_slo_shows_the_budget_and_exits_1_where_it_is_overdrawn(run, workspace):
    with interlock.open(workspace / "w") as ws:
        t = ws.table("people", partition="day").require("age >= 0", block=False).objective(0.5, "10d")
        t.write(save(people(0), workspace / "a.parquet"))
    met = run("slo", "-w", str(workspace / "w"))
    assert (met.status, "1 of 1" in met.out, "100%" in met.out) == (0, True, True)

    with interlock.open(workspace / "w") as ws:
        negative = f"SELECT * REPLACE (-age AS age) FROM ({people(1)})"
        ws.table("people").write(save(negative, workspace / "b.parquet"))
        ws.table("people").objective(0.9, "10d")
    missed = run("slo", "people", "-w", str(workspace / "w"))
    assert missed.status == 1
    assert "overdrawn" in missed.out and "300 of 300 rows (100%)" in missed.out
    (said,) = run("slo", "--json", "-w", str(workspace / "w")).json
    assert (said["partitions"], said["healthy"], said["outcome"]) == (2, 1, "fail")


def test_slo_without_an_objective_says_how_to_give_one(run, workspace):
    with interlock.open(workspace / "w") as ws:
        ws.table("people")
    said = run("slo", "-w", str(workspace / "w"))
    assert said.status == 0 and "no table has an objective" in said.out


def test_slo_of_no_data_is_inconclusive(run, workspace):
    with interlock.open(workspace / "w") as ws:
        ws.table("people").objective()
    assert run("slo", "-w", str(workspace / "w")).status == 0
    assert run("slo", "--strict", "-w", str(workspace / "w")).status == 3


def test_a_query_says_on_standard_error_what_of_it_is_broken(run, workspace, good):
    with interlock.open() as ws:
        ws.table("people").require("age < 80", block=False)
    assert run("write", "people", good).status == 0

    said = run("sql", "SELECT max(age) FROM people")

    assert said.status == 0
    assert said.err.startswith(f"warning: people.age is broken since {DAY}, in 1 of 31 partitions")
    assert "warning" not in said.out
    assert run("sql", "SELECT max(amount) FROM people").err == ""
    refused = run("sql", "SELECT max(age) FROM people", "--on-broken", "fail")
    assert (refused.status, "error[IL530]" in refused.err) == (1, True)
    left_out = run("sql", "SELECT count(age) AS n FROM people", "--on-broken", "exclude", "--json")
    assert left_out.json == [{"n": 300 * DAYS}]
