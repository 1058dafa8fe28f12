"""DuckDB's type names: what kind of values each holds, and what Parquet can store of it."""

from __future__ import annotations

import re

from interlock.engines.schema import Column, Kind

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), Kind.INTEGER),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), Kind.INTEGER),
    **dict.fromkeys(("FLOAT", "DOUBLE"), Kind.FLOAT),
    "BOOLEAN": Kind.BOOLEAN,
    **dict.fromkeys(("VARCHAR", "JSON"), Kind.TEXT),
    "BLOB": Kind.BINARY,
    "DATE": Kind.DATE,
    **dict.fromkeys(("TIME", "TIME_NS"), Kind.TIME),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), Kind.TIMESTAMP),
    "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMPTZ,
    "INTERVAL": Kind.INTERVAL,
    '"NULL"': Kind.NULL,
    "NULL": Kind.NULL,
}
_NESTED = ("STRUCT", "MAP", "UNION", "VARIANT")
# Types Parquet would store as something lossy → what to cast them to first.
_STORED_AS = {"HUGEINT": "DECIMAL(38,0)", "UHUGEINT": "DECIMAL(38,0)", "TIMESTAMP_S": "TIMESTAMP"}


def kind_of(type_name: str) -> Kind:
    """The kind of a type as ``DESCRIBE`` writes it; `Kind.OTHER` for types without one."""
    if type_name.endswith("]") or type_name.startswith(_NESTED):
        return Kind.NESTED
    if type_name.startswith("DECIMAL"):
        return Kind.DECIMAL
    if type_name.startswith("ENUM"):
        return Kind.TEXT
    return _KINDS.get(type_name, Kind.OTHER)


def is_list(type_name: str) -> bool:
    """Whether values of a type have a number of elements (lists, arrays, maps)."""
    return type_name.endswith("]") or type_name.startswith("MAP")


def column(name: str, type_name: str) -> Column:
    return Column(name, type_name, kind_of(type_name))


def stored_type(type_name: str) -> str | None:
    """The type to cast to before writing Parquet, or None where the type survives as it is."""
    return _STORED_AS.get(type_name)


def integer_range(type_name: str) -> tuple[int, int] | None:
    """Smallest and largest value of an integer type, None for other types.

    >>> integer_range("TINYINT")
    (-128, 127)
    """
    match = re.fullmatch(r"(U?)(TINYINT|SMALLINT|INTEGER|BIGINT)", type_name)
    if not match:
        return None
    bits = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}[match[2]]
    return (0, 2**bits - 1) if match[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
