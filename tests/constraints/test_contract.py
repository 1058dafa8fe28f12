"""``interlock.yaml``: the same values as Python, and every mistake named by its place."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.constraints import in_set, not_null, parse, unique
from interlock.constraints.contract import (
    AlertPolicy,
    Contract,
    Quiet,
    Repair,
    TableContract,
    Trigger,
    json_schema,
    write_learned,
)
from interlock.constraints.table_contract import MassChange
from interlock.errors import ContractError
from interlock.names import Origin, Severity

FULL = """\
version: 1
# who hears of it
notify: mailto://team@example.com
tables:
  flights:   # one row a departure
    partition: day
    key: [day, flight]
    owner: ops
    sensitive: tailnum
    segments: [carrier]
    postgres: analytics."Flights"
    allow_samples: true
    enforce: true
    constraints:
      - distance BETWEEN 10 AND 6000   # miles
      - sql: air_time > 0
        name: flew
        tolerance: 0.01
        severity: ticket
        block: false
      - not_null: carrier
      - unique: [day, flight]
      - in_set: {column: origin, values: [JFK, LGA, EWR]}
      - references: {column: carrier, table: carriers, other: code}
      - matches: {column: tailnum, pattern: 'N.*'}
      - fresh: {column: time_hour, within: 2 days}
    triggers:
      - on: fail
        run: [sh, -c, 'echo "$0"']
        attempts: 2
        timeout_s: 5
      - on: published
        webhook: http://localhost:1/x
      - on: fail
        repair: {constraint: flew, action: 'null'}
    alerts: {budget: 3, quiet: 22:00-07:00, cooldown: 1d}
  raw:
    attach: raw/*.parquet
  empty:
"""


def one(constraints: str, more: str = "") -> str:
    return f"version: 1\ntables:\n  t:\n    constraints:\n{constraints}{more}"


def test_yaml_and_python_are_two_spellings_of_the_same_values() -> None:
    contract = Contract.loads(FULL)
    flights = contract.tables["flights"]
    assert flights.partition == "day" and flights.key == ("day", "flight") and flights.owner == "ops"
    assert flights.sensitive == ("tailnum",) and flights.segments == ("carrier",)
    assert flights.allow_samples is True and flights.enforce is True
    assert flights.postgres == 'analytics."Flights"'
    assert flights.constraints[:5] == (
        parse("distance BETWEEN 10 AND 6000"),
        parse("air_time > 0", name="flew", tolerance=0.01, severity=Severity.TICKET, block=False),
        not_null("carrier"),
        unique("day", "flight"),
        in_set("origin", ["JFK", "LGA", "EWR"]),
    )
    assert [c.kind for c in flights.constraints[5:]] == ["references", "matches", "fresh"]
    assert flights.triggers == (
        Trigger("fail", "run", ("sh", "-c", 'echo "$0"'), 2, 5.0),
        Trigger("published", "webhook", "http://localhost:1/x"),
        Trigger("fail", "repair", Repair("flew", "null")),
        Trigger("alert", "notify", "mailto://team@example.com"),
    )
    assert flights.alerts == AlertPolicy(3, Quiet(dt.time(22), dt.time(7)), dt.timedelta(days=1))
    assert contract.tables["raw"].attach == "raw/*.parquet"
    assert (
        contract.table("not mentioned")
        == contract.tables["empty"]
        == TableContract(triggers=(Trigger("alert", "notify", "mailto://team@example.com"),))
    )


def test_a_contract_written_and_read_again_is_the_same() -> None:
    contract = Contract.loads(FULL)
    assert [c.sql for c in Contract.loads(contract.to_yaml()).tables["flights"].constraints] == [
        c.sql for c in contract.tables["flights"].constraints
    ]
    assert Contract.loads(contract.to_yaml()) == contract


MISTAKES = [
    ("version: 1\ntable: {}\n", "2:1: unknown key 'table'; did you mean 'tables'?"),
    ("tables: {}\n", "1:1: 'version' is missing"),
    ("", "1:1: 'version' is missing"),
    ("version: 2\n", "1:10: 'version': must be 1, not 2"),
    ("- a\n", "1:1: a contract is a mapping with 'version' and 'tables'"),
    ("version: 1\ntables: [a]\n", "2:9: 'tables': must be a mapping, not a list"),
    ("version: 1\ntables:\n  f: 3\n", "3:6: 'f': must be a mapping, not 3"),
    ("version: 1\ntables:\n  1: {}\n", "3:6: 'tables': must be a string, not 1"),
    ("version: 1\ntables:\n  a/b: {}\n", "3:8: 'a/b' cannot name a table"),
    (
        "version: 1\ntables:\n  t:\n    constrains: [a]\n",
        "4:5: unknown key 'constrains'; did you mean 'constraints'?",
    ),
    ("version: 1\ntables:\n  t:\n    key: 3\n", "4:10: 'key': must be a list, not 3"),
    (
        one("      - sql: a > 1\n        tolerence: 0.1\n"),
        "6:9: unknown key 'tolerence'; did you mean 'tolerance'?",
    ),
    (one("      - sql: a > 1\n        tolerance: 2\n"), "6:20: 'tolerance': must be less than 1, not 2"),
    (one("      - sql: a > 1\n        tolerance: lots\n"), "6:20: 'tolerance': must be a number"),
    (one("      - sql: count(*) > 1\n        tolerance: 0.1\n"), "5:9: tolerance is a share of rows"),
    (
        one("      - sql: a > 1\n        severity: pge\n"),
        "6:19: 'severity': 'pge' is not one of page, ticket or info; did you mean",
    ),
    (one("      - a > 1\n      - b >\n"), "6:9: not readable as SQL: something is missing"),
    (one("      - random() > 1\n"), "5:9: random() is refused"),
    (one("      - 5\n"), "5:9: 'constraints': must be a mapping, not 5"),
    (one("      - {sql: a > 1, not_null: b}\n"), "5:9: a constraint has one of sql, not_null"),
    (one("      - {name: x}\n"), "5:9: a constraint has one of sql, not_null"),
    (one("      - a > 1\n      - a > 1\n"), "6:9: a second constraint named 'a_gt_1'"),
    (one("      - in_set: {colum: a, values: [1]}\n"), "5:18: unknown key 'colum'; did you mean 'column'?"),
    (one("      - in_set: {column: a, values: []}\n"), "5:37: 'values': must not be empty"),
    (one("      - fresh: {column: a, within: soon}\n"), "5:9: 'soon' is not a time span"),
    (
        one("      - a > 1\n", "    triggers:\n      - {on: fial, notify: x}\n"),
        "7:14: 'on': 'fial' is not one of",
    ),
    (
        one("      - a > 1\n", "    alerts: {bugdet: 3}\n"),
        "6:14: unknown key 'bugdet'; did you mean 'budget'?",
    ),
    (one("      - a > 1\n", "    alerts: {quiet: at night}\n"), "6:13: 'quiet': 'at night' is not a span"),
    (one("      - a > 1\n", "    alerts: {quiet: 22:00-22:00}\n"), "6:13: 'quiet': '22:00-22:00' is not"),
    (one("      - a > 1\n", "    alerts: {cooldown: soon}\n"), "6:13: 'cooldown': 'soon' is not a time"),
    (
        one("      - a > 1\n", "    triggers:\n      - {on: fail}\n"),
        "7:9: a trigger needs notify, webhook, run or repair",
    ),
    (
        one(
            "      - a > 1\n",
            "    triggers:\n      - {on: fail, repair: {constraint: a_gt_2, action: drop}}\n",
        ),
        "7:9: no constraint named 'a_gt_2' to repair (did you mean 'a_gt_1'?)",
    ),
    ("version: 1\nversion: 1\n", '2:1: found duplicate key "version"'),
    (
        "version: 1\n\ttables:\n",
        "2:1: found character '\\t' that cannot start any token (indent with spaces, not tabs)",
    ),
    ("version: 1\na: [1\n", "3:1: expected ',' or ']'"),
    ("version: 1\n---\nversion: 1\n", "2:1: but found another document"),
    ("version: 1\na: &x 1\n", "2:4: anchors and aliases"),
    ("version: 1\nb: *x\n", "2:4: anchors and aliases"),
    ("version: 1\ntables: !!python/object:os.system {}\n", "2:9: tags ("),
    ("version: !!int '1'\n", "1:10: tags ("),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_a_mistake_names_file_line_column_and_the_nearest_word(text: str, expected: str) -> None:
    with pytest.raises(ContractError) as refused:
        Contract.loads(text, "interlock.yaml")
    assert str(refused.value).startswith("interlock.yaml:" + expected)


def test_several_mistakes_are_told_at_once() -> None:
    with pytest.raises(ContractError) as refused:
        Contract.loads("version: 2\ntable: {}\n")
    assert str(refused.value).count("interlock.yaml:") == 2


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "[" * 100_000,
        "{a: " * 50_000,
        "- " * 50_000,
        "version: 1\nx: " + "y" * 2_000_000,
        "version: 1\nx: \x00",
        "\x07",
        "version: 1\n<<: {a: 1}\n",
        "%YAML 9.9\n---\nversion: 1\n",
        "version: .nan\n",
        "version: 1e999\n",
        "? {a: b}\n: 1\n",
        "version: 1\ntables: 2001-99-99\n",
        "\ufeff\ufeffversion: 1",
        "@",
        "`",
        "%",
    ],
    ids=lambda t: t[:12],
)
def test_hostile_files_are_refused_in_bounded_time(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ContractError):
        Contract.loads(text)
    assert time.process_time() - started < 5


@given(st.text(max_size=60) | st.text(alphabet="version: 1\n-[]{}&*!|>'\"#%@`,?tables", max_size=80))
def test_any_text_is_a_contract_or_a_contract_error(text: str) -> None:
    said = "interlock.yaml: fine"
    try:
        Contract.loads("version: 1\n" + text)
    except ContractError as refused:
        said = str(refused)
    assert said.startswith("interlock.yaml")


def test_bytes_that_are_not_text_and_missing_files_are_contract_errors(tmp_path: Path) -> None:
    path = tmp_path / "interlock.yaml"
    with pytest.raises(ContractError, match="No such file"):
        Contract.load(path)
    path.write_bytes(b"version: 1\nowner: \xff\n")
    with pytest.raises(ContractError, match="not UTF-8 at byte 18"):
        Contract.load(path)


def test_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "interlock.yaml"
    path.write_bytes(b"\xef\xbb\xbfversion: 1\n")
    assert Contract.load(path) == Contract()


LEARNED = not_null("dep_time").with_(
    origin=Origin.LEARNED, block=False, evidence={"why": "held in every row", "partitions": 60}
)


def test_writing_learned_constraints_keeps_everything_else(tmp_path: Path) -> None:
    path = tmp_path / "interlock.yaml"
    path.write_text(FULL)
    assert write_learned(path, "flights", [LEARNED, not_null("carrier")]) == (LEARNED,)
    added = [line for line in path.read_text().splitlines() if line not in FULL.splitlines()]
    assert added == [
        "      # learned in 60 partitions: held in every row",
        "      - sql: dep_time IS NOT NULL",
        "        name: not_null_dep_time",
    ]
    kept = [line for line in path.read_text().splitlines() if line not in added]
    assert kept == [*FULL.splitlines()[:37], "        block: false", *FULL.splitlines()[37:]] or set(
        kept
    ) >= set(FULL.splitlines())
    written = Contract.load(path).tables["flights"].constraints[-1]
    assert (written.sql, written.name, written.block) == (LEARNED.sql, LEARNED.name, False)


def test_writing_learned_constraints_twice_adds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "interlock.yaml"
    path.write_text(FULL)
    write_learned(path, "flights", [LEARNED])
    before = path.read_bytes()
    assert write_learned(path, "flights", [LEARNED]) == ()
    assert path.read_bytes() == before


def test_writing_learned_constraints_makes_the_file_and_the_table(tmp_path: Path) -> None:
    path = tmp_path / "interlock.yaml"
    write_learned(path, "new", [LEARNED])
    write_learned(path, "größe", [LEARNED])
    assert set(Contract.load(path).tables) == {"new", "größe"}


@pytest.mark.parametrize(
    "start",
    [
        "version: 1\n",
        "version: 1\ntables:\n",
        "version: 1\ntables: {}\n",
        "version: 1\ntables: {t: {constraints: []}}\n",
        "version: 1\ntables:\n  t:\n",
        "version: 1\ntables:\n  t:\n    constraints:\n",
    ],
)
def test_writing_learned_constraints_fits_whatever_is_there(tmp_path: Path, start: str) -> None:
    path = tmp_path / "interlock.yaml"
    path.write_text(start)
    write_learned(path, "t", [LEARNED])
    assert [c.name for c in Contract.load(path).tables["t"].constraints] == ["not_null_dep_time"]


def test_a_file_with_a_mistake_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "interlock.yaml"
    path.write_text("version: 1\ntable: {}\n")
    with pytest.raises(ContractError):
        write_learned(path, "t", [LEARNED])
    assert path.read_text() == "version: 1\ntable: {}\n"


def test_the_json_schema_knows_every_key_of_the_file() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == {"version", "models", "tables", "notify", "mass_change"}
    assert {"partition", "constraints", "triggers"} <= set(schema["$defs"]["TableEntry"]["properties"])
    assert schema["$defs"]["TableEntry"]["properties"]["constraints"]["items"]["anyOf"][0] == {
        "type": "string"
    }


def test_sources_and_models_are_written_as_they_were_read() -> None:
    text = (
        "version: 1\nmodels:\n  delay: {reads: [t.a, t.b], importance: {t.a: 0.4}, writes: p}\n"
        "tables:\n  t: {partition: day, source: crm}\n"
    )
    contract = Contract.loads(text)
    assert contract.tables["t"].source == "crm"
    assert contract.models[0].importance == {"t.a": 0.4}
    assert Contract.loads(contract.to_yaml()) == contract


# --- how much may go at once ------------------------------------------------------------


def guard_of(text: str, table: str = "a") -> MassChange | None:
    contract = Contract.loads(f"version: 1\n{text}")
    assert Contract.loads(contract.to_yaml()) == contract
    return contract.table(table).mass_change


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("true", MassChange()),
        ("20%", MassChange()),
        ("12.5 %", MassChange(share=0.125)),
        ("0.05", MassChange(share=0.05)),
        ("{keep: 30d}", MassChange(keep=dt.timedelta(days=30))),
        (
            "{share: 5%, window: 90 minutes, rows: 0, updates: false}",
            MassChange(0.05, dt.timedelta(minutes=90), 0, updates=False),
        ),
        ("false", None),
    ],
)
def test_a_share_that_may_go_is_written_shortly_or_whole(said: str, meant: MassChange | None) -> None:
    assert guard_of(f"tables:\n  a: {{mass_change: {said}}}\n") == meant
    assert guard_of(f"mass_change: {said}\ntables:\n  a: {{}}\n") == meant


def test_what_is_said_for_all_holds_where_a_table_says_nothing() -> None:
    text = "mass_change: 10%\ntables:\n  a: {mass_change: 30%}\n  b: {}\n  c: {mass_change: false}\n"
    assert [guard_of(text, table) for table in "abcd"] == [
        MassChange(0.3),
        MassChange(0.1),
        None,
        MassChange(0.1),
    ]
    assert guard_of("tables:\n  a: {}\n") is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("100%", "'100%' is no share of the rows"),
        ("0", "0 is no share"),
        ("1.5", "1.5 is no share"),
        ("many", "'many' is no share"),
        ("{share: true}", "True is no share"),
        ("{window: soon}", "'soon' is not a time span"),
        ("{keep: 0d}", "'0d' is not a time span"),
        ("{rows: -1}", "greater than or equal to 0"),
        ("{kept: 3d}", "unknown key 'kept'"),
        ("[20%]", "must be a mapping"),
    ],
)
def test_a_share_that_means_nothing_is_refused_at_its_place(said: str, words: str) -> None:
    with pytest.raises(ContractError, match=r"interlock.yaml:3:\d+") as caught:
        Contract.loads(f"version: 1\ntables:\n  a: {{mass_change: {said}}}\n")
    assert words in str(caught.value)
