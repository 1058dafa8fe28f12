"""`interlock contract`, as somebody types it."""

from __future__ import annotations

from pathlib import Path

import pytest

import interlock
from interlock.constraints import odcs
from interlock.constraints.contract import Contract
from tests.cli.conftest import Run
from tests.gates.conftest import a_day

TEXT = """apiVersion: v3.0.2
kind: DataContract
id: one
version: 1.0.0
schema:
  - name: flights
    tags: [nyc]
    properties:
      - {name: id, required: true}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "odcs.yaml").write_text(TEXT)
    return tmp_path / "odcs.yaml"


def test_what_is_imported_is_printed_and_what_is_not_is_told_beside_it(run: Run, file: Path) -> None:
    ran = run("contract", "import", file)
    assert ran.status == 0
    assert Contract.loads(ran.out).tables["flights"].constraints[0].sql == "id IS NOT NULL"
    assert "odcs.yaml:7: schema[0].tags" in ran.err
    assert run("contract", "import", file, "--strict").status == 1
    told = run("contract", "import", file, "--json").json
    assert told["unmapped"] == [{"path": "schema[0].tags", "line": 7, "why": "Interlock has no place for it"}]


def test_a_contract_that_is_there_is_not_replaced_unasked(run: Run, file: Path) -> None:
    target = file.with_name("interlock.yaml")
    assert run("contract", "import", file, "-o", target).status == 0
    written = target.read_text()
    refused = run("contract", "import", file, "-o", target)
    assert refused.status == 2 and "--force" in refused.err and target.read_text() == written
    assert run("contract", "import", file, "-o", target, "--force").status == 0


def test_a_mistake_names_file_line_and_column(run: Run, file: Path) -> None:
    file.write_text(TEXT.replace("required", "requird"))
    ran = run("contract", "import", file)
    assert ran.status == 2
    assert "odcs.yaml:9:20" in ran.err and "did you mean 'required'" in ran.err
    assert run("contract", "import", file.with_name("none.yaml")).status == 2


def test_a_table_is_exported_with_what_is_declared_of_it_and_its_types(run: Run, tmp_path: Path) -> None:
    with interlock.open(tmp_path / "ws") as ws:
        t = ws.table("flights", partition="day", key=["id"]).require("delay >= 0", interlock.not_null("id"))
        t.objective(0.9, "7d", "06:00").sensitivity("low").segments("carrier")
        t.write(a_day(0))
    exported = run("contract", "export", "flights", "-w", tmp_path / "ws")
    assert exported.status == 0
    assert "physicalType: DOUBLE" in exported.out and "logicalType: date" in exported.out
    table = odcs.loads(exported.out, "out.yaml").contract.tables["flights"]
    assert (table.partition, table.key, table.segments, table.sensitivity) == (
        "day",
        ("id",),
        ("carrier",),
        "low",
    )
    assert [c.sql for c in table.constraints] == ["delay >= 0", "id IS NOT NULL"]
    assert table.slo is not None and (table.slo.healthy, str(table.slo.fresh)) == (0.9, "06:00:00")
    assert run("contract", "export", "flights", "-w", tmp_path / "ws").out == exported.out


def test_an_exported_contract_as_json_holds_the_same_text(run: Run, tmp_path: Path) -> None:
    with interlock.open(tmp_path / "ws") as ws:
        ws.table("flights", partition="day").write(a_day(0))
    printed = run("contract", "export", "flights", "-w", tmp_path / "ws").out
    assert "flights" in printed
    assert run("contract", "export", "flights", "-w", tmp_path / "ws", "--json").json == {"contract": printed}
