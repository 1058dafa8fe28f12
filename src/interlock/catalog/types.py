"""DuckDB type names ↔ DuckLake columns.

DuckLake stores a nested type as a column with child columns, each with its own
field id: ``STRUCT(x INTEGER, y VARCHAR[])`` is ``struct`` over ``x: int32`` and
``y: list`` over ``element: varchar``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from interlock.errors import DataTypeUnsupported

_TO_LAKE = {
    "BOOLEAN": "boolean",
    "TINYINT": "int8",
    "SMALLINT": "int16",
    "INTEGER": "int32",
    "BIGINT": "int64",
    "HUGEINT": "int128",
    "UTINYINT": "uint8",
    "USMALLINT": "uint16",
    "UINTEGER": "uint32",
    "UBIGINT": "uint64",
    "UHUGEINT": "uint128",
    "FLOAT": "float32",
    "DOUBLE": "float64",
    "TIME": "time",
    "TIME WITH TIME ZONE": "timetz",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_MS": "timestamp_ms",
    "TIMESTAMP_NS": "timestamp_ns",
    "TIMESTAMP_S": "timestamp_s",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "INTERVAL": "interval",
    "VARCHAR": "varchar",
    "BLOB": "blob",
    "UUID": "uuid",
    "JSON": "json",
}
_FROM_LAKE = {lake: duckdb for duckdb, lake in _TO_LAKE.items()} | {"timestamp_us": "TIMESTAMP"}
_ALIASES = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE", "TIMETZ": "TIME WITH TIME ZONE", "TEXT": "VARCHAR"}
_STAND_INS = {"ENUM": "varchar", '"NULL"': "int32", "NULL": "int32"}
_CAST_TO = {
    "BIT": "VARCHAR",
    "BIGNUM": "VARCHAR",
    "VARINT": "VARCHAR",
    "UNION": "STRUCT or VARCHAR",
    "VARIANT": "JSON or VARCHAR",
    "GEOMETRY": "BLOB",
    "TIME_NS": "TIME",
}

_WIDENINGS = (
    ("int8", "int16", "int32", "int64"),
    ("uint8", "uint16", "uint32", "uint64"),
    ("uint8", "int16"),
    ("uint16", "int32"),
    ("uint32", "int64"),
    ("float32", "float64"),
)


@dataclass(frozen=True, slots=True)
class LakeType:
    """A DuckLake type name and, for nested types, its named children in order."""

    name: str
    children: tuple[tuple[str, LakeType], ...] = ()

    @property
    def duckdb(self) -> str:
        """The type as DuckDB writes it."""
        if self.name == "struct":
            return f"STRUCT({', '.join(f'{quoted(n)} {t.duckdb}' for n, t in self.children)})"
        if self.name == "list":
            return f"{self.children[0][1].duckdb}[]"
        if self.name == "map":
            return f"MAP({', '.join(t.duckdb for _, t in self.children)})"
        if self.name.startswith("decimal("):
            return self.name.upper()
        try:
            return _FROM_LAKE[self.name]
        except KeyError:
            raise DataTypeUnsupported(f"DuckLake type {self.name} has no place here") from None


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a DuckLake table. ``id`` is its field id, in the catalog and in Parquet files."""

    id: int
    name: str
    type: LakeType
    children: tuple[Self, ...] = ()

    def leaves(self) -> Iterator[Self]:
        """The fields that hold values, this one where it has no children."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def all(self) -> Iterator[Self]:
        """This field and everything below it, parents first."""
        yield self
        for child in self.children:
            yield from child.all()


def quoted(name: str) -> str:
    """A name as a DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def to_lake_type(duckdb_type: str) -> LakeType:
    """The DuckLake type of a DuckDB type name, nested ones too.

    Enumerations become ``varchar`` and arrays lists; a column of nothing but
    NULL becomes ``int32``, as in DuckLake itself. `DataTypeUnsupported`, with
    what to cast to, for types DuckLake 1.0 lacks.
    """
    parser = _Parser(duckdb_type)
    found = parser.type()
    parser.expect_end()
    return found


def number(name: str, lake_type: LakeType, first_id: int) -> Field:
    """The field of a type, ids given in order from ``first_id``, parents first."""
    next_id = first_id + 1
    children = []
    for child_name, child_type in lake_type.children:
        child = number(child_name, child_type, next_id)
        next_id += sum(1 for _ in child.all())
        children.append(child)
    return Field(first_id, name, lake_type, tuple(children))


def widens(old: LakeType, new: LakeType) -> bool:
    """Whether every value of ``old`` is one of ``new``, and DuckLake may promote it in place."""
    for chain in _WIDENINGS:
        if old.name in chain and new.name in chain:
            return chain.index(old.name) < chain.index(new.name)
    return False


def fits(value_type: LakeType, column_type: LakeType) -> bool:
    """Whether data of one type can be stored in a column of another without loss."""
    return value_type == column_type or widens(value_type, column_type)


_TOKEN = re.compile(
    r"""\s*(?: "(?:[^"]|"")*" | '(?:[^']|'')*' | \w+ | [(),\[\]:] )""",
    re.VERBOSE,
)


class _Parser:
    """Recursive descent over a DuckDB type name."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [match.group(0).strip() for match in _TOKEN.finditer(text)]
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.place += 1
        return token

    def expect(self, token: str) -> None:
        if self.take() != token:
            raise DataTypeUnsupported(f"{self.text!r} is no DuckDB type")

    def expect_end(self) -> None:
        self.expect("")

    def type(self) -> LakeType:
        found = self.base()
        while self.peek() == "[":
            self.take()
            if self.peek() != "]":
                self.take()  # an array's length
            self.expect("]")
            found = LakeType("list", (("element", found),))
        return found

    def base(self) -> LakeType:
        word = self.take()
        name = word.upper()
        if name == "STRUCT":
            return LakeType("struct", tuple(self.members()))
        if name == "MAP":
            self.expect("(")
            key = self.type()
            self.expect(",")
            value = self.type()
            self.expect(")")
            return LakeType("map", (("key", key), ("value", value)))
        if name in ("DECIMAL", "NUMERIC"):
            return self.decimal()
        if name in ("TIME", "TIMESTAMP") and self.peek().upper() == "WITH":
            name = f"{name} WITH TIME ZONE"
            self.place += 3
        if name in _STAND_INS:
            self.skip_arguments()
            return LakeType(_STAND_INS[name])
        return self.plain(name)

    def plain(self, name: str) -> LakeType:
        name = _ALIASES.get(name, name)
        if name in _TO_LAKE:
            return LakeType(_TO_LAKE[name])
        cast = _CAST_TO.get(name)
        raise DataTypeUnsupported(
            f"type {self.text} cannot be stored in a DuckLake table",
            hint=f"cast it to {cast}" if cast else None,
        )

    def decimal(self) -> LakeType:
        if self.peek() != "(":
            return LakeType("decimal(18,3)")
        self.take()
        width = self.take()
        scale = "0"
        if self.peek() == ",":
            self.take()
            scale = self.take()
        self.expect(")")
        return LakeType(f"decimal({width},{scale})")

    def members(self) -> Iterator[tuple[str, LakeType]]:
        self.expect("(")
        while True:
            name = self.take()
            yield (name[1:-1].replace('""', '"') if name.startswith('"') else name), self.type()
            if self.peek() != ",":
                break
            self.take()
        self.expect(")")

    def skip_arguments(self) -> None:
        if self.peek() == "(":
            while self.take() not in (")", ""):
                pass
