"""From a file of the standard to the contract that says the same."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

from interlock.constraints import parse, sugar, yaml_file
from interlock.constraints.constraint import Constraint
from interlock.constraints.contract import VERSION, Contract
from interlock.constraints.odcs import quality
from interlock.constraints.odcs.tracked import Document, Node, Unmapped
from interlock.errors import ContractError, InterlockError

VERSIONS = re.compile(r"v3\.\d+\.\d+")
EXTENSION = "interlock"  # the custom property with what the standard has no word for
SENSITIVE = frozenset({"confidential", "restricted", "sensitive", "secret", "private", "personal", "pii"})
OPEN = frozenset({"public", "internal"})
_UNITS = {
    **dict.fromkeys(("m", "min", "minute", "minutes"), "minutes"),
    **dict.fromkeys(("h", "hr", "hour", "hours"), "hours"),
    **dict.fromkeys(("d", "day", "days"), "days"),
    **dict.fromkeys(("w", "week", "weeks"), "weeks"),
}
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::00)?(Z|[+-]\d\d:?\d\d)?")
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """What was read: a contract, and every place of the file that it does not say."""

    contract: Contract
    unmapped: tuple[Unmapped, ...]

    def to_yaml(self) -> str:
        """``interlock.yaml``, with what was left out as comments."""
        left = "".join(f"#   {' '.join(f'{u.path}: {u.why}'.split())}\n" for u in self.unmapped)
        return (f"# Not said here, as there is no way to:\n{left}" if left else "") + self.contract.to_yaml()


@dataclass(frozen=True, slots=True)
class _Table:
    """A table on its way. ``columns`` maps the standard's names to those of the data."""

    name: str
    logical: str
    columns: dict[str, str]
    entry: Entry


def loads(text: str, filename: str) -> Imported:
    """Read a contract of the standard. Raises `ContractError` with file, line and column."""
    root = yaml_file.load(text, filename)
    document = Document(root, filename)
    top = Node.of(document, (), yaml_file.plain(root), "contract")
    _version(top)
    tables = [_columns(node) for node in top.parts("schema", "table")]
    for table, node in zip(tables, top.parts("schema", "table"), strict=True):
        _read(node, table, tables)
    _promises(top, tables)
    owner = _owner(top)
    entries: dict[str, Entry] = {}
    for i, table in enumerate(tables):
        if table.name in entries:
            raise document.error(("schema", i), f"a second table called {table.name!r}")
        entries[table.name] = ({"owner": owner} if owner else {}) | table.entry
    notify = _extension(top).get("notify", [])
    out = io.StringIO()
    yaml_file.reader().dump({"version": VERSION, "notify": notify, "tables": entries}, out)
    return Imported(_made(out.getvalue(), filename), document.unmapped())


def _made(text: str, filename: str) -> Contract:
    try:
        return Contract.loads(text, filename)
    except ContractError as error:  # its lines are those of a file nobody has
        message = error.message.splitlines()[0].split(": ", 1)[-1]
    raise ContractError(f"{filename}: as a contract of Interlock: {message}")


def _version(top: Node) -> None:
    if "apiVersion" not in top.values or top.look("kind") != "DataContract":
        hint = "its first lines are apiVersion: v3.1.0 and kind: DataContract"
        raise top.document.error((), "not a contract of the Open Data Contract Standard", hint)
    version = top.look("apiVersion")
    if not isinstance(version, str) or not VERSIONS.fullmatch(version):
        raise top.document.error(("apiVersion",), f"version {version!r} of the standard", "v3.x is read")
    top.done("apiVersion", "kind", "id", "version", "status")


# --- tables and columns ---------------------------------------------------------------


def _columns(node: Node) -> _Table:
    name = node.take("name", str)
    if not name:
        raise node.document.error(node.path, "a table without a name")
    physical = node.take("physicalName", str) or name
    node.done("logicalType", "physicalType")
    columns = {}
    for column in node.parts("properties", "column"):
        called = column.take("name", str)
        if not called:
            raise column.document.error(column.path, "a column without a name")
        columns[called] = column.take("physicalName", str) or called
        if column.look("semanticType") == "column":
            column.done("semanticType")
    return _Table(physical, name, columns, {})


def _read(node: Node, table: _Table, tables: list[_Table]) -> None:
    extension = _extension(node)
    columns = list(zip(node.parts("properties", "column"), table.columns.values(), strict=True))
    key = _ordered(columns, "primaryKey", "primaryKeyPosition")
    partition = _ordered(columns, "partitioned", "partitionKeyPosition")
    constraints = _rules(node, None, table)
    for column, name in columns:
        constraints += _of_column(column, name, table, tables)
    node.because("a key of several columns cannot be a reference", "relationships")
    table.entry.update(extension)
    if partition:
        table.entry["partition"] = partition[0]
    if key:
        table.entry["key"] = key
    sensitive = [name for column, name in columns if _sensitive(column)]
    if sensitive:
        table.entry["sensitive"] = sensitive
    if constraints:
        table.entry["constraints"] = _once(constraints)


def _ordered(columns: list[tuple[Node, str]], flag: str, position: str) -> list[str]:
    """Columns with a flag, by their position."""
    chosen = []
    for column, name in columns:
        if column.take(flag, bool):
            chosen.append((column.look(position, int) or 0, name))
        column.done(position)
    found = [name for _, name in sorted(chosen, key=lambda pair: pair[0])]
    if flag == "partitioned" and len(found) > 1:
        for column, name in columns:
            if name in found[1:]:
                column.document.understood.discard((*column.path, flag))
                column.because("a table is partitioned by one column, the first", flag)
    return found


def _of_column(column: Node, name: str, table: _Table, tables: list[_Table]) -> list[Entry]:
    found: list[Entry] = []
    if column.take("required", bool):
        found.append(_entry(sugar.not_null(name)))
    if column.take("unique", bool):
        found.append(_entry(sugar.unique(name)))
    found += _options(column, name)
    found += _enum(column, name)
    found += _relations(column, name, tables)
    return found + _rules(column, name, table)


def _rules(node: Node, column: str | None, table: _Table) -> list[Entry]:
    found = (quality.constraint(rule, column, table.columns) for rule in node.parts("quality", "rule"))
    return [entry for entry in found if entry is not None]


_OPTIONS = {
    "minLength": "length({0}) >= {1}",
    "maxLength": "length({0}) <= {1}",
    "pattern": "regexp_matches({0}, {1})",
    "minimum": "{0} >= {1}",
    "maximum": "{0} <= {1}",
    "exclusiveMinimum": "{0} > {1}",
    "exclusiveMaximum": "{0} < {1}",
    "multipleOf": "{0} % {1} = 0",
}


def _options(column: Node, name: str) -> list[Entry]:
    found = []
    for option, value in (column.look("logicalTypeOptions", dict) or {}).items():
        place = (*column.path, "logicalTypeOptions", option)
        sql = _OPTIONS.get(option, "")
        if not sql or isinstance(value, bool) or not isinstance(value, str | int | float):
            column.document.reasons[place] = "no constraint says this"
            continue
        try:
            made = parse(sql.format(sugar.identifier(name), sugar.literal(value)))
        except InterlockError as error:
            column.document.reasons[place] = error.message
            continue
        column.document.understood.add(place)
        found.append({"sql": made.sql})
    return found


def _enum(column: Node, name: str) -> list[Entry]:
    given = column.look("enum", list) or []
    values = [e.get("value") if isinstance(e, dict) else e for e in given]
    if not values or any(v is None or isinstance(v, dict | list) for v in values):
        return []
    for i, entry in enumerate(given):
        column.document.understood.add(
            (*column.path, "enum", i, *(("value",) if isinstance(entry, dict) else ()))
        )
    return [_entry(sugar.in_set(name, values))]


def _relations(column: Node, name: str, tables: list[_Table]) -> list[Entry]:
    found = []
    for i, relation in enumerate(column.look("relationships", list) or ()):
        path = (*column.path, "relationships", i)
        target = relation.get("to") if isinstance(relation, dict) else None
        if not isinstance(target, str) or target.count(".") != 1 or "/" in target:
            column.document.reasons[path] = "only 'to: table.column' is a reference that can be checked"
            continue
        other, _, to = target.partition(".")
        known = next((t for t in tables if t.logical == other), None)
        if known is not None:
            other, to = known.name, known.columns.get(to, to)
        found.append(_entry(sugar.references(name, other, to)))
        column.document.understood |= {(*path, "to"), (*path, "type"), (*path, "from")}
    return found


def _sensitive(column: Node) -> bool:
    said = column.look("classification", str)
    if said is None:
        return False
    if said.lower() in SENSITIVE | OPEN:
        column.done("classification")
    else:
        column.because("not among the classes known to be sensitive or open", "classification")
    return said.lower() in SENSITIVE


def _once(entries: list[Entry]) -> list[Entry]:
    """Without those that only say again what an earlier one says in full."""
    kept: list[Entry] = []
    for entry in entries:
        if all(e["sql"] != entry["sql"] or e.keys() & {"tolerance", "block"} for e in kept):
            kept.append(entry)
    return kept


def _entry(made: Constraint) -> Entry:
    return {"sql": made.sql, "name": made.name}


def _extension(node: Node) -> Entry:
    """What we wrote into the custom properties."""
    for i, custom in enumerate(node.look("customProperties", list) or ()):
        if isinstance(custom, dict) and custom.get("property") == EXTENSION:
            node.document.understood.add((*node.path, "customProperties", i))
            value = custom.get("value")
            return dict(value) if isinstance(value, dict) else {}
    return {}


# --- owner and promises ---------------------------------------------------------------


def _owner(top: Node) -> str | None:
    """The member of the team who is its owner today."""
    team = top.look("team", (list, dict)) or []
    path = ("team",) if isinstance(team, list) else ("team", "members")
    members = team if isinstance(team, list) else team.get("members") or []
    for i, member in enumerate(members):
        if not isinstance(member, dict) or member.get("dateOut") or not member.get("username"):
            continue
        if str(member.get("role", "")).lower() == "owner":
            top.document.understood |= {(*path, i, "username"), (*path, i, "role")}
            return str(member["username"])
    return None


def _promises(top: Node, tables: list[_Table]) -> None:
    default = top.look("slaDefaultElement", str)
    for promise in top.parts("slaProperties", "promise"):
        kind = promise.look("property", str)
        table, column = _element(promise.look("element", str) or default, tables)
        if table is None:
            promise.because("it names no table that the contract has")
        elif kind == "latency":
            _latency(promise, table, column)
        elif kind in ("timeOfAvailability", "availabilityTime"):
            _available(promise, table)
        elif kind == "retention":
            promise.because("Interlock removes nothing; it cannot promise what others keep")
        else:
            promise.because(f"Interlock measures latency and timeOfAvailability, not {kind}")
    if default is not None and any(p[:1] == ("slaProperties",) for p in top.document.understood):
        top.done("slaDefaultElement")


def _element(text: str | None, tables: list[_Table]) -> tuple[_Table | None, str | None]:
    """``table.column`` or ``table``; the only table where nothing is said."""
    if text is None:
        return (tables[0], None) if len(tables) == 1 else (None, None)
    name, _, column = text.partition(".")
    table = next((t for t in tables if name in (t.logical, t.name)), None)
    return table, (table.columns.get(column, column) if table and column else None)


def _latency(promise: Node, table: _Table, column: str | None) -> None:
    value, unit = promise.look("value"), _UNITS.get(str(promise.look("unit")).lower())
    if column is None or unit is None or type(value) is not int or value <= 0:
        promise.because(
            "a latency needs a column of its table, a whole number, and minutes, hours, days or weeks"
        )
        return
    constraints = table.entry.setdefault("constraints", [])
    entry = _entry(sugar.fresh(column, f"{value} {unit}"))
    if entry not in constraints:
        constraints.append(entry)
    promise.done("property", "value", "unit", "element")


def _available(promise: Node, table: _Table) -> None:
    match = _TIME.fullmatch(str(promise.look("value")))
    slo = table.entry.get("slo", {})
    zone = promise.look("valueExt") or (_zone(match[3]) if match else None)
    if match is None or zone is None:
        promise.because("a time of availability is HH:MM with a whole-hour offset or a time zone")
    elif slo.get("fresh", f"{match[1]}:{match[2]}") != f"{match[1]}:{match[2]}":
        promise.because(f"the table promises {slo['fresh']} already")
    else:
        table.entry["slo"] = (
            {"healthy": 0.99, "window": "30d"} | slo | {"fresh": f"{match[1]}:{match[2]}", "zone": zone}
        )
        promise.done("property", "value", "valueExt", "element")


def _zone(offset: str | None) -> str | None:
    """An IANA zone of a fixed offset; its sign is the other way round there."""
    if offset is None or offset == "Z" or offset.replace(":", "") in ("+0000", "-0000"):
        return "UTC"
    hours, minutes = int(offset[1:3]), offset[-2:]
    if minutes != "00" or hours > 12:
        return None
    return f"Etc/GMT{'-' if offset[0] == '+' else '+'}{hours}"
