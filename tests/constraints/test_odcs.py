"""Contracts of the Open Data Contract Standard: read, written, and what has no counterpart."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft201909Validator
from open_data_contract_standard.model import OpenDataContractStandard
from ruamel.yaml import YAML

from interlock.constraints import odcs
from interlock.constraints.contract import Contract
from interlock.constraints.odcs import Imported
from interlock.engines.schema import Column, Kind
from interlock.errors import ContractError

HEAD = "apiVersion: v3.1.0\nkind: DataContract\nid: one\nversion: 1.0.0\nstatus: active\n"


def read(body: str, head: str = HEAD) -> Imported:
    return odcs.loads(head + body, "odcs.yaml")


def column(said: str, name: str = "x") -> Imported:
    return read(f"schema:\n  - name: t\n    properties:\n      - {{name: {name}, {said}}}\n")


def sql(found: Imported) -> list[tuple[str, float, str]]:
    return [(c.sql, c.tolerance, c.severity.value) for c in found.contract.tables["t"].constraints]


# --- columns --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("required: true", "x IS NOT NULL"),
        ("unique: true", "unique(x)"),
        ("logicalTypeOptions: {minLength: 3}", "length(x) >= 3"),
        ("logicalTypeOptions: {pattern: '^[A-Z]+$'}", "regexp_matches(x, '^[A-Z]+$')"),
        ("logicalTypeOptions: {exclusiveMaximum: 1.5}", "x < 1.5e0"),
        ("enum: [{value: a, label: A}, {value: b}]", "x IN ('a', 'b')"),
        ("relationships: [{to: other.id, type: foreignKey}]", "references(x, other.id)"),
    ],
)
def test_what_a_column_says_is_a_constraint(said: str, meant: str) -> None:
    assert sql(column(said)) == [(meant, 0.0, "page")]


def test_keys_partition_and_sensitive_columns_go_by_the_names_of_the_data() -> None:
    found = read(
        "schema:\n  - name: logical\n    physicalName: t\n    properties:\n"
        "      - {name: second, primaryKey: true, primaryKeyPosition: 2, classification: restricted}\n"
        "      - {name: first, physicalName: one, primaryKey: true, primaryKeyPosition: 1, required: true}\n"
        "      - {name: day, partitioned: true, partitionKeyPosition: 1, classification: public}\n"
    )
    table = found.contract.tables["t"]
    assert (table.key, table.partition, table.sensitive) == (("one", "second"), "day", ("second",))
    assert [c.sql for c in table.constraints] == ["one IS NOT NULL"]
    assert found.unmapped == ()


# --- rules ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "meant"),
    [
        ("metric: nullValues, mustBe: 0", ("x IS NOT NULL", 0.0, "page")),
        ("metric: nullValues, mustBeLessThan: 1, severity: warning", ("x IS NOT NULL", 0.0, "ticket")),
        ("rule: nullCheck, mustBe: 0, severity: error", ("x IS NOT NULL", 0.0, "page")),
        ("metric: nullValues, mustBeLessOrEqualTo: 5, unit: percent", ("x IS NOT NULL", 0.05, "page")),
        ("metric: nullValues, mustBeLessThan: 10", ("count_if(x IS NULL) < 10", 0.0, "page")),
        (
            "metric: nullValues, mustBeBetween: [1, 5], unit: percent",
            ("100.0 * count_if(x IS NULL) / nullif(count(*), 0) BETWEEN 1 AND 5", 0.0, "page"),
        ),
        (
            "metric: missingValues, mustBe: 0, arguments: {missingValues: [null, '', n/a]}",
            ("NOT (x IS NULL OR x IN ('', 'n/a'))", 0.0, "page"),
        ),
        (
            "metric: invalidValues, mustBe: 0, arguments: {validValues: [a, b]}, severity: info",
            ("x IN ('a', 'b')", 0.0, "info"),
        ),
        (
            "metric: invalidValues, mustBe: 0, arguments: {pattern: '^a'}",
            ("regexp_matches(x, '^a')", 0.0, "page"),
        ),
        ("metric: duplicateValues, mustBe: 0", ("unique(x)", 0.0, "page")),
        ("metric: duplicateValues, mustBeLessThan: 9", ("count(x) - count(DISTINCT x) < 9", 0.0, "page")),
        (
            "type: sql, query: 'SELECT COUNT(*) FROM ${object} WHERE ${property} < 0', mustBe: 0",
            ("NOT (x < 0)", 0.0, "page"),
        ),
        ("type: sql, query: 'SELECT max(x) FROM {object}', mustBeLessThan: 7", ("max(x) < 7", 0.0, "page")),
    ],
)
def test_a_rule_is_the_constraint_that_says_the_same(rule: str, meant: tuple[str, float, str]) -> None:
    found = column(f"quality: [{{{rule}}}]")
    assert [_spaced(sql_) for sql_, *_ in sql(found)] == [_spaced(meant[0])]
    assert [tuple(rest) for _, *rest in sql(found)] == [meant[1:]]
    assert found.unmapped == ()


def _spaced(text: str) -> str:
    return re.sub(r"\s+", "", text).lower()


def test_rules_of_the_table_count_rows_and_duplicates_of_several_columns() -> None:
    found = read(
        "schema:\n  - name: t\n    quality:\n"
        "      - {metric: rowCount, mustBeGreaterThan: 1000, name: enough}\n"
        "      - {metric: duplicateValues, mustBe: 0, arguments: {properties: [a, b]}}\n"
    )
    assert [s for s, *_ in sql(found)] == ["count(*) > 1000", "unique(a, b)"]
    assert found.contract.tables["t"].constraints[0].name == "enough"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("type: text, description: be good", "for people"),
        ("type: custom, engine: soda, implementation: 'x'", "soda"),
        ("metric: nullValues", "no limit"),
        ("metric: nullValues, mustBe: 0, mustBeLessThan: 2", "2 limits"),
        ("metric: nullValues, mustBe: many", "no number"),
        ("metric: sparkle, mustBe: 0", "no metric called 'sparkle'"),
        ("type: sql, query: 'SELECT count(*) FROM a JOIN b', mustBe: 0", "one table"),
        ("type: sql, query: 'SELECT FROM WHERE', mustBe: 0", "cannot be read"),
        ("type: sql, query: 'SELECT max(x) FROM t; DROP TABLE t', mustBe: 0", "selects one aggregate"),
        (
            "type: sql, query: \"SELECT count(*) FROM t WHERE read_text('/etc/passwd') = ''\", mustBe: 0",
            "read_text",
        ),
    ],
)
def test_a_rule_that_cannot_be_said_is_reported_with_its_place_and_why(rule: str, why: str) -> None:
    found = column(f"quality: [{{{rule}}}]")
    assert sql(found) == []
    assert found.unmapped and all(
        u.path.startswith("schema[0].properties[0].quality[0]") for u in found.unmapped
    )
    assert why in found.unmapped[0].why
    assert found.unmapped[0].line == 9
    assert found.unmapped[0].path in found.to_yaml() and why in found.to_yaml()


def test_nothing_is_dropped_in_silence() -> None:
    found = read(
        "domain: seller\ntags: [a]\nprice: {priceAmount: 9.95}\nschema:\n  - name: t\n    description: of it\n"
        "    properties:\n      - {name: x, businessName: X, physicalType: int, classification: '4', examples: [1]}\n"
    )
    assert {u.path: u.line for u in found.unmapped} == {
        "domain": 6,
        "tags": 7,
        "price": 8,
        "schema[0].description": 11,
        "schema[0].properties[0].businessName": 13,
        "schema[0].properties[0].physicalType": 13,
        "schema[0].properties[0].classification": 13,
        "schema[0].properties[0].examples": 13,
    }


# --- promises and owner ---------------------------------------------------------------


def test_latency_is_freshness_and_a_time_of_availability_an_objective() -> None:
    found = read(
        "schema:\n  - {name: t, properties: [{name: seen}]}\nslaDefaultElement: t.seen\nslaProperties:\n"
        "  - {property: latency, value: 4, unit: d}\n"
        "  - {property: timeOfAvailability, value: '09:00-08:00', element: t.seen}\n"
        "  - {property: retention, value: 3, unit: y}\n"
    )
    table = found.contract.tables["t"]
    assert [c.sql for c in table.constraints] == ["fresh(seen, '4 days')"]
    assert table.slo is not None and (str(table.slo.fresh), table.slo.zone) == ("09:00:00", "Etc/GMT+8")
    assert {u.path for u in found.unmapped} == {"slaProperties[2]"}


@pytest.mark.parametrize("team", ["team: {members: [%s]}", "team: [%s]"])
def test_the_owner_is_the_member_of_the_team_who_is_it_today(team: str) -> None:
    members = "{username: old, role: Owner, dateOut: '2022-10-01'}, {username: ann, role: owner}"
    found = read("schema: [{name: t}]\n" + team % members + "\n")
    assert found.contract.tables["t"].owner == "ann"
    assert all("0" in u.path for u in found.unmapped)


# --- mistakes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\n", "odcs.yaml:2:1"),
        ("apiVersion: v3.1.0\n", "not a contract of the Open Data Contract Standard"),
        ("apiVersion: v2.2.2\nkind: DataContract\n", "odcs.yaml:1:13: version 'v2.2.2' of the standard"),
        (HEAD + "schem: []\n", "odcs.yaml:6:1: unknown key 'schem'"),
        (HEAD + "schema:\n  - name: t\n    propertys: []\n", "odcs.yaml:8:5: unknown key 'propertys'"),
        (HEAD + "schema:\n  - physicalName: t\n", "a table without a name"),
        (HEAD + "schema:\n  - name: t\n  - name: t\n", "odcs.yaml:8:5: a second table called 't'"),
        (HEAD + "schema: {a: b}\n", "odcs.yaml:6:9: 'schema' is"),
        (HEAD + "schema: [{name: t, properties: [{name: x, required: ja}]}]\n", "'required' is 'ja'"),
        (HEAD + "schema: [{name: 'a/b'}]\n", "as a contract of Interlock"),
    ],
)
def test_a_mistake_is_one_error_that_names_the_place(text: str, said: str) -> None:
    with pytest.raises(ContractError) as caught:
        odcs.loads(text, "odcs.yaml")
    assert said in caught.value.message
    assert "odcs.yaml" in caught.value.message


# --- there and back -------------------------------------------------------------------

EVERYTHING = """
version: 1
notify: [mailto://team@example.com]
tables:
  orders:
    partition: day
    key: [day, id]
    owner: ann
    sensitive: [email]
    segments: [country]
    enforce: [orders_rows]
    sensitivity: 12.5
    slo: {healthy: 0.95, window: 7d, fresh: "06:00", zone: Europe/Berlin}
    constraints:
      - not_null: id
      - unique: id
      - sql: amount > 0
        name: positive
        tolerance: 0.01
        severity: ticket
        block: false
      - in_set: {column: country, values: [CH, DE]}
      - references: {column: customer, table: customers, other: id}
      - fresh: {column: at, within: 2 hours}
    postgres: analytics.orders
    triggers:
      - {on: fail, run: [./fix, --now], attempts: 2}
      - {on: quarantined, repair: {constraint: positive, action: drop}}
    alerts: {budget: 3, quiet: "22:00-07:00", cooldown: 2d}
  empty: {}
  customers: {attach: "lake/*.parquet", allow_samples: true}
"""


def test_what_is_written_reads_back_as_the_same_contract() -> None:
    contract = Contract.loads(EVERYTHING)
    back = odcs.loads(odcs.dumps(contract, "some-id"), "odcs.yaml")
    assert back.contract == contract


def test_what_was_imported_is_written_and_read_as_the_same_contract() -> None:
    once = column("required: true, quality: [{metric: nullValues, mustBeLessThan: 9}]").contract
    assert odcs.loads(odcs.dumps(once, "id"), "odcs.yaml").contract == once


def test_other_tools_find_keys_required_and_confidential_columns() -> None:
    text = odcs.dumps(Contract.loads(EVERYTHING), "some-id")
    assert re.search(
        r"name: id\n\s+primaryKey: true\n\s+primaryKeyPosition: 2\n\s+required: true\n\s+unique: true", text
    )
    assert re.search(r"name: email\n\s+classification: confidential", text)


def test_what_is_written_is_valid_by_the_standard_s_own_schema() -> None:
    names = ("day", "id", "email", "amount", "country", "customer", "at")
    schema = tuple(Column(n, "VARCHAR", Kind.TEXT) for n in names)
    text = odcs.dumps(Contract.loads(EVERYTHING), "some-id", schemas={"orders": schema})
    made: Any = OpenDataContractStandard.from_string(text)
    assert [t.name for t in made.schema_] == ["orders", "empty", "customers"]
    Draft201909Validator(json.loads(made.json_schema())).validate(YAML(typ="safe").load(text))


def test_no_key_of_the_file_can_write_into_the_contract_beside_its_comment() -> None:
    found = column('required: true, logicalTypeOptions: {"a\\nnotify: evil": 1, maxLength: 3}')
    assert Contract.loads(found.to_yaml()) == found.contract
    assert found.contract.notify == () and any("evil" in u.path for u in found.unmapped)
