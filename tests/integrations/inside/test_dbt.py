"""dbt: a source or model whose verdict does not let it holds back what is downstream of it in ``dbt build``."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner

import interlock
from interlock.cli import main
from interlock.integrations import dbt

from .conftest import NEGATIVE, ODD, UNKNOWN, UNSURE, Shop

GOOD, BAD, TICKET, UNJUDGED, VAGUE = (f"2026-10-1{n}" for n in range(5))
HOSTILE = 'it\'s 100% "odd"; -- \\ ünïcode'
PROJECT = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nmacro-paths: [macros]\n",
    "profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: shop.duckdb}\n",
    "models/made_here.sql": "select 1 as id",
    "models/after_made_here.sql": "select * from {{ ref('made_here') }}",
}
# By name, the gate of a source: below each there is a model, and a model below that.
GATES: dict[str, dict[str, Any]] = {
    "good": {"partition": "{{ var('good', '2026-10-10') }}"},
    "bad": {"partition": BAD},
    "ticket": {"partition": TICKET},
    "strict_ticket": {"partition": TICKET, "strict": True},
    "unjudged": {"partition": UNJUDGED},
    "vague": {"partition": VAGUE},
    "strict_vague": {"partition": VAGUE, "strict": True},
    "last": {},
    "no_table": {"table": "nobody"},
    "hostile": {"table": "odd", "partition": HOSTILE},
}


def sources() -> str:
    tables = [
        {
            "name": name,
            "meta": {"external_location": "(SELECT 1 AS id)"},
            "data_tests": [
                {"interlock_published": {"name": f"gate_{name}", "arguments": {"table": "orders"} | gate}}
            ],
        }
        for name, gate in GATES.items()
    ]
    made = {"name": "made_here", "data_tests": [{"interlock_published": {"name": "gate_made_here"}}]}
    warned = {
        "interlock_published": {
            "name": "warned",
            "arguments": {"table": "nobody"},
            "config": {"severity": "warn"},
        }
    }
    tables[0]["data_tests"].append(warned)
    return json.dumps({"sources": [{"name": "lake", "tables": tables}], "models": [made]})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: dbt keeps what it parsed of it."""
    folder = tmp_path_factory.mktemp("dbt")
    below = {
        file: f"select * from {of}"
        for name in GATES
        for file, of in (
            (f"models/{name}.sql", f"{{{{ source('lake', '{name}') }}}}"),
            (f"models/after_{name}.sql", f"{{{{ ref('{name}') }}}}"),
        )
    }
    for file, text in {**PROJECT, **below, "models/sources.yml": sources()}.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return folder


@pytest.fixture
def full(shop: Shop) -> Shop:
    """One partition of each kind, the good one judged last."""
    for day, how in ((BAD, NEGATIVE), (TICKET, UNKNOWN), (VAGUE, UNSURE), (GOOD, "fine")):
        shop.write(day, how)
    return shop


def build(project: Path, *arguments: str) -> dict[str, str]:
    """A real ``dbt build``; the status of each node by name."""
    with contextlib.chdir(project):
        done = dbtRunner().invoke(["build", "--quiet", *arguments])
    assert done.result is not None, done.exception
    return {r.node.name: str(r.status.value) for r in done.result}


def told(project: Path, shop: Shop, *arguments: str) -> None:
    """``interlock dbt PROJECT``."""
    with pytest.raises(SystemExit) as ended:
        main(["dbt", str(project), *arguments, "-w", str(shop.folder)])
    assert not ended.value.code


def held(statuses: dict[str, str]) -> set[str]:
    """The gates below which nothing ran; below the others everything did."""
    found = set()
    for name in [*GATES, "made_here"]:
        # a test on a source holds the model below it, one on a model those below that
        below = {statuses[n] for n in ((name, f"after_{name}") if name in GATES else (f"after_{name}",))}
        assert len(below) == 1, (name, below)
        if below == {"skipped"}:
            found.add(name)
        else:
            assert below == {"success"}, (name, below)
    return found


def log(project: Path) -> str:
    return (project / "logs" / "dbt.log").read_text(encoding="utf-8")


ALWAYS = {"bad", "strict_ticket", "unjudged", "strict_vague", "no_table", "hostile", "made_here"}


def test_what_is_downstream_waits_for_each_verdict(project: Path, full: Shop) -> None:
    told(project, full)
    ran = build(project)
    assert held(ran) == ALWAYS
    assert {name for name, status in ran.items() if name.startswith("gate_") and status == "fail"} == {
        f"gate_{name}" for name in ALWAYS
    }
    assert ran["warned"] == "warn", "a test may be told only to warn"
    assert f"interlock: orders@{BAD} is quarantined: " in log(project)
    assert f"orders@{UNJUDGED} has not been judged" in log(project)

    full.release(BAD)
    full.write(GOOD, NEGATIVE)
    told(project, full)
    assert held(build(project)) == (ALWAYS - {"bad"}) | {"good", "last"}


def test_a_partition_is_a_variable_of_the_run(project: Path, full: Shop) -> None:
    told(project, full)
    assert held(build(project, "--vars", json.dumps({"good": BAD}))) == ALWAYS | {"good"}


def test_without_verdicts_nothing_passes(project: Path, full: Shop) -> None:
    told(project, full)
    (project / "macros" / dbt.VERDICTS).unlink()
    assert held(build(project)) == {*GATES, "made_here"}
    assert "no verdicts are here: run `interlock dbt`" in log(project)


def test_verdicts_of_yesterday_do_not_count_unless_the_project_says_so(project: Path, full: Shop) -> None:
    with full.open() as ws:
        verdicts = {"orders": ws.table("orders").verdicts()}
    dbt.write(project, verdicts, int(time.time()) - 62 * 60)
    assert held(build(project)) == {*GATES, "made_here"}
    assert "minutes old: run `interlock dbt` again" in log(project)
    assert held(build(project, "--vars", "interlock_max_age_minutes: 90")) == ALWAYS


def test_what_is_written_means_itself_whatever_it_is_called(project: Path, full: Shop) -> None:
    with full.open() as ws:
        verdicts = {"orders": ws.table("orders").verdicts()}
    odd = {
        **verdicts["orders"][0],
        "table": "odd",
        "partition": HOSTILE,
        "notes": [ODD + "'); drop table x; --"],
    }
    others = {ODD: [{**odd, "table": ODD, "partition": ODD}], "x" * 63: [odd]}
    now = int(time.time())
    dbt.write(project, {**others, **verdicts, "odd": [odd]}, now)
    assert held(build(project)) == ALWAYS - {"hostile"}

    refused = {**odd, "decision": "quarantined", "alerts": []}
    dbt.write(project, {**others, **verdicts, "odd": [refused]}, now)
    ran = build(project)
    assert (held(ran), ran["gate_hostile"]) == (ALWAYS, "fail"), "it failed, and was no error of SQL or Jinja"
    assert ODD in log(project)
    (compiled,) = (project / "target" / "compiled").rglob("gate_hostile.sql")
    ((why,),) = duckdb.sql(compiled.read_text(encoding="utf-8")).fetchall()
    assert why == f"odd@{HOSTILE} is quarantined: {ODD}'); drop table x; --".replace("\\", "/")


# --- what is written --------------------------------------------------------------------


def test_an_unchanged_test_is_not_touched_and_verdicts_are_replaced(project: Path, shop: Shop) -> None:
    told(project, shop)
    test = project / "macros" / dbt.TEST
    before = test.stat().st_mtime_ns
    shop.write(GOOD)
    told(project, shop)
    assert test.stat().st_mtime_ns == before
    assert GOOD in (project / "macros" / dbt.VERDICTS).read_text()


def test_only_the_tables_named_and_the_partitions_judged_last_are_told(project: Path, shop: Shop) -> None:
    for day in (GOOD, BAD):
        shop.write(day)
    shop.scan("2026-03-01")
    with shop.open() as ws:
        ws.existing_table("scans").judge_new()
    told(project, shop, "orders", "--partitions", "1")
    text = (project / "macros" / dbt.VERDICTS).read_text()
    assert (BAD in text, GOOD in text, "scans" in text) == (True, False, False)


@pytest.mark.parametrize(
    ("said", "folder"),
    [
        ("name: shop", "macros"),
        ("macro-paths: [own, macros]", "own"),
        ("macro-paths: own", "own"),
        ("[]", "macros"),
    ],
)
def test_macros_go_where_the_project_has_them(said: str, folder: str, tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text(said)
    written = dbt.write(tmp_path, {}, 0)
    assert written == [tmp_path / folder / dbt.TEST, tmp_path / folder / dbt.VERDICTS]
    assert all(file.is_file() for file in written)


@pytest.mark.parametrize("text", [None, "a: [", b"\xff\xfe\x00"])
def test_what_is_no_dbt_project_is_refused(text: str | bytes | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "dbt_project.yml").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(interlock.InterlockError, match=r"no dbt project|is not YAML") as refused:
        dbt.write(tmp_path, {}, 0)
    assert refused.value.code == "IL100"
    assert not (tmp_path / "macros").exists()
