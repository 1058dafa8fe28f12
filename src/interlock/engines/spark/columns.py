"""Spark's types as the catalog of kinds has them, and rows on their way here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from interlock.engines.schema import Column, Kind, Schema
from interlock.errors import DataTypeUnsupported

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

_TYPES: dict[str, tuple[str, Kind]] = {
    "tinyint": ("TINYINT", Kind.INTEGER),
    "smallint": ("SMALLINT", Kind.INTEGER),
    "int": ("INTEGER", Kind.INTEGER),
    "bigint": ("BIGINT", Kind.INTEGER),
    "float": ("FLOAT", Kind.FLOAT),
    "double": ("DOUBLE", Kind.FLOAT),
    "boolean": ("BOOLEAN", Kind.BOOLEAN),
    "string": ("VARCHAR", Kind.TEXT),
    "binary": ("BLOB", Kind.BINARY),
    "date": ("DATE", Kind.DATE),
    "timestamp_ntz": ("TIMESTAMP", Kind.TIMESTAMP),
    "timestamp": ("TIMESTAMP WITH TIME ZONE", Kind.TIMESTAMPTZ),
    "void": ("NULL", Kind.NULL),
}


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def schema_of(struct: StructType) -> Schema:
    """Raises `DataTypeUnsupported` where two columns differ in case only: Spark cannot tell them apart."""
    found = tuple(Column(f.name, *_type(f.dataType)) for f in struct.fields)
    names = [c.name.casefold() for c in found]
    twice = next((c.name for c in found if names.count(c.name.casefold()) > 1), None)
    if twice is not None:
        raise DataTypeUnsupported(f"there are two columns {twice!r}, or they differ in case only")
    return found


def _type(of: DataType) -> tuple[str, Kind]:
    name = of.simpleString()
    known = _TYPES.get(name)
    if known is not None:
        return known
    if name.startswith("decimal("):
        return name.upper(), Kind.DECIMAL
    if name.startswith(("varchar(", "char(", "string collate")):
        return "VARCHAR", Kind.TEXT
    if name.startswith("array<"):
        return _type(of.elementType)[0] + "[]", Kind.NESTED  # type: ignore[attr-defined]
    if name.startswith(("struct<", "map<")):
        return ("MAP" if name.startswith("map<") else "STRUCT") + name[name.index("<") :], Kind.NESTED
    return name.upper(), Kind.OTHER


def sent(column: Column) -> str:
    """A column as it comes here: nested and unknown types as text."""
    name = quoted(column.name)
    return f"CAST({name} AS STRING)" if column.kind in (Kind.NESTED, Kind.OTHER, Kind.NULL) else name


def by_code_point(struct: StructType) -> list[str] | None:
    """What to select so that texts of another collation compare by code point; None where there are none."""
    other = {f.name for f in struct.fields if f.dataType.simpleString().startswith("string collate")}
    if not other:
        return None
    return [
        f"collate({quoted(f.name)}, 'UTF8_BINARY') AS {quoted(f.name)}" if f.name in other else quoted(f.name)
        for f in struct.fields
    ]


def stored_type(type_: str) -> str:
    """A DuckDB type as Spark writes it."""
    return exp.DataType.build(type_, dialect="duckdb").sql("spark")
