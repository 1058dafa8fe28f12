"""Quality rules of the standard as constraints: those of its library, SQL that counts rows, and our own."""

from __future__ import annotations

import re
from typing import Any

import sqlglot
from sqlglot import exp

from interlock.constraints import parse, sugar
from interlock.constraints.odcs.tracked import Node
from interlock.errors import InterlockError

ENGINE = "interlock"  # of a rule that holds a constraint as Interlock writes it
SEVERITIES = {"error": "page", "warning": "ticket", "info": "info"}
_OPERATORS = {
    "mustBe": "=",
    "mustNotBe": "<>",
    "mustBeGreaterThan": ">",
    "mustBeGreaterOrEqualTo": ">=",
    "mustBeGreaterThanOrEqualTo": ">=",
    "mustBeLessThan": "<",
    "mustBeLessOrEqualTo": "<=",
    "mustBeLessThanOrEqualTo": "<=",
    "mustBeBetween": "BETWEEN",
    "mustNotBeBetween": "NOT BETWEEN",
}
_METRICS = {  # as they are called today, by what they were called in 3.0
    "nullCheck": "nullValues",
    "duplicateCount": "duplicateValues",
    "uniqueCheck": "duplicateValues",
    "countCheck": "rowCount",
    "validValues": "invalidValues",
}
Entry = dict[str, Any]


class _No(Exception):
    """Why a rule cannot be a constraint."""


def constraint(rule: Node, column: str | None, names: dict[str, str]) -> Entry | None:
    """An entry of ``constraints`` in ``interlock.yaml``; None, with the reason on record, where there is none.

    ``column`` is the one the rule stands at, None for the table's. ``names`` maps
    the standard's column names to those of the data.
    """
    try:
        entry = _entry(rule, column, names)
        entry |= _options(rule)
        parse(entry["sql"])
    except (_No, InterlockError) as error:
        rule.because(getattr(error, "message", None) or str(error))
        return None
    rule.done("type", "metric", "rule", "name", "query", "engine", "implementation", *_OPERATORS)
    rule.done("unit", "arguments", "validValues")
    if rule.look("severity") in SEVERITIES:
        rule.done("severity")
    return entry


def _entry(rule: Node, column: str | None, names: dict[str, str]) -> Entry:
    kind = rule.look("type", str) or ("sql" if rule.look("query") else "library")
    if kind == "custom":
        return _ours(rule)
    if kind == "text":
        raise _No("a text is for people")
    operator, limit = _limit(rule)
    if kind == "sql":
        return _sql(rule, operator, limit, column, names)
    if kind != "library":
        raise _No(f"a rule of type {kind!r} is none of the standard")
    name = rule.look("metric", str) or rule.look("rule", str) or ""
    metric = _METRICS.get(name, name)
    if metric == "rowCount":
        return {"sql": f"count(*) {operator} {limit}"}
    if metric == "duplicateValues":
        return _duplicates(rule, operator, limit, column, names)
    return _counted(_bad(rule, metric, column), rule, operator, limit)


def _ours(rule: Node) -> Entry:
    said = rule.look("implementation", (dict, str))
    if rule.look("engine") != ENGINE or not isinstance(said, dict) or "sql" not in said:
        raise _No(f"only {ENGINE} rules with an 'sql' can be read, not those of {rule.look('engine')!r}")
    return dict(said)


def _limit(rule: Node) -> tuple[str, str]:
    given = [name for name in _OPERATORS if rule.look(name) is not None]
    if len(given) != 1:
        raise _No("it has no limit" if not given else f"it has {len(given)} limits")
    operator, value = _OPERATORS[given[0]], rule.look(given[0])
    values = value if isinstance(value, list) else [value]
    if len(values) != (2 if "BETWEEN" in operator else 1) or not all(type(v) in (int, float) for v in values):
        raise _No(f"{given[0]} is {value!r}, which is no number to compare with")
    return operator, " AND ".join(map(_number, values))


def _number(value: float) -> str:
    return repr(value) if isinstance(value, int) else f"{value:.17g}"


# --- the library ----------------------------------------------------------------------


def _bad(rule: Node, metric: str, column: str | None) -> str:
    """The condition that a bad row meets; NULL or false for every other one."""
    if column is None:
        raise _No(f"{metric} is about a column and stands at a table")
    name, given = sugar.identifier(column), rule.look("arguments", dict) or {}
    if metric == "nullValues":
        return f"{name} IS NULL"
    if metric == "missingValues":
        return _among(name, given.get("missingValues") or [None])
    if metric != "invalidValues":
        raise _No(f"no metric called {metric!r} is known")
    valid, pattern = given.get("validValues") or rule.look("validValues", list), given.get("pattern")
    if given.keys() - {"validValues", "pattern"} or (valid is None) == (pattern is None):
        raise _No("invalidValues needs either validValues or a pattern, and nothing else")
    if pattern is not None:
        return f"NOT regexp_matches({name}, {sugar.literal(pattern)})"
    return f"NOT ({_in(name, [v for v in valid if v is not None])})"  # NULL never breaks it


def _among(name: str, values: list[Any]) -> str:
    known = [v for v in values if v is not None]
    parts = [f"{name} IS NULL"] if None in values else []
    return " OR ".join([*parts, *([_in(name, known)] if known else [])])


def _in(name: str, values: list[Any]) -> str:
    return f"{name} IN ({', '.join(sugar.literal(v) for v in values)})"


def _counted(bad: str, rule: Node, operator: str, limit: str) -> Entry:
    """A limit on the bad rows: of each row where it can be, so that failing rows are shown; else of their number."""
    percent = rule.look("unit", str) == "percent"
    most = float(limit) if operator in ("=", "<=") else None
    if most == 0 or (most is None and operator == "<" and limit == "1" and not percent):
        return {"sql": _good(bad)}
    if percent and operator == "<=" and most is not None and 0 < most < 100:
        return {"sql": _good(bad), "tolerance": most / 100}
    if percent:
        return {"sql": f"100.0 * count_if({bad}) / nullif(count(*), 0) {operator} {limit}"}
    return {"sql": f"count_if({bad}) {operator} {limit}"}


def _good(bad: str) -> str:
    """What holds for a row that is not bad; as a person would write it."""
    tree = sqlglot.parse_one(bad, dialect="duckdb")
    if isinstance(tree, exp.Not):
        return str(tree.this.unnest().sql("duckdb"))
    if isinstance(tree, exp.Is) and isinstance(tree.expression, exp.Null):
        return f"{tree.this.sql('duckdb')} IS NOT NULL"
    return f"NOT ({bad})"


def _duplicates(rule: Node, operator: str, limit: str, column: str | None, names: dict[str, str]) -> Entry:
    said = (rule.look("arguments", dict) or {}).get("properties")
    columns = [names.get(c, c) for c in said] if said else [column] if column else []
    if not columns:
        raise _No("duplicateValues at a table needs arguments: {properties: [...]}")
    listed = ", ".join(map(sugar.identifier, columns))
    if (operator, limit) in (("=", "0"), ("<=", "0"), ("<", "1")):
        return {"sql": f"unique({listed})"}
    if rule.look("unit", str) == "percent" or len(columns) > 1:
        raise _No("duplicates other than none can be limited by number, and of one column only")
    return {"sql": f"count({listed}) - count(DISTINCT {listed}) {operator} {limit}"}


# --- SQL ------------------------------------------------------------------------------

_VARIABLE = re.compile(r"\$?\{\s*(\w+)\s*\}")


def _sql(rule: Node, operator: str, limit: str, column: str | None, names: dict[str, str]) -> Entry:
    """``SELECT aggregate FROM the table [WHERE condition]``, compared with a limit."""
    query = _VARIABLE.sub(lambda m: _variable(m[1], column), str(rule.look("query", str) or ""))
    try:
        tree = sqlglot.parse_one(query, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        raise _No("its query cannot be read") from None
    plain = isinstance(tree, exp.Select) and {k for k, v in tree.args.items() if v} <= {
        *("expressions", "from_", "from", "where", "kind"),
    }
    if not plain or len(tree.expressions) != 1 or len(list(tree.find_all(exp.Table))) != 1:
        raise _No("only a query that selects one aggregate of one table, with or without WHERE, can be read")
    value, where = tree.expressions[0].unalias(), tree.args.get("where")
    for name in tree.find_all(exp.Column):
        name.set("table", None)
        name.set("this", exp.to_identifier(names.get(name.name, name.name), quoted=name.this.quoted))
    if where is None:
        return {"sql": f"{value.sql('duckdb')} {operator} {limit}"}
    if not (isinstance(value, exp.Count) and isinstance(value.this, exp.Star)):
        raise _No("a query with WHERE can be read where it counts rows: SELECT count(*) FROM … WHERE …")
    return _counted(where.this.sql("duckdb"), rule, operator, limit)


def _variable(name: str, column: str | None) -> str:
    if name.lower() in ("property", "column", "field") and column is not None:
        return sugar.identifier(column)
    return "this_table"


def _options(rule: Node) -> Entry:
    if rule.look("engine") == ENGINE:
        return {}
    severity, name = rule.look("severity", str), rule.look("name", str)
    if severity is not None and severity not in SEVERITIES:
        rule.because(f"severities are {', '.join(SEVERITIES)}; taken for error", "severity")
    found: Entry = {} if name is None else {"name": name}
    told = SEVERITIES.get(severity or "error", "page")
    return found if told == "page" else found | {"severity": told}
