"""Many files of one layout, read as one: finding a CSV's dialect costs more than reading it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from interlock.engines import types
from interlock.engines.parquet import file_list, literal
from interlock.engines.schema import Kind, Schema

Fetch = Callable[[str], list[tuple[Any, ...]]]

_LOOKED_AT = 5  # files whose values decide the columns' types; the rest must fit, or all are read one by one
_HEADER_BYTES_MAX = 1 << 20
_NOTHING = "(empty)"  # how the sniffer spells no character


def same_schema(fetch: Fetch, paths: Sequence[Path]) -> bool:
    """Whether Parquet files agree in every column's name and type, and in their order."""
    layout = "list((name, type, converted_type::VARCHAR, logical_type, num_children))"
    ((different,),) = fetch(
        "SELECT count(DISTINCT layout) FROM (SELECT"
        f" {layout} AS layout FROM parquet_schema({file_list(paths)}) GROUP BY file_name)"
    )
    return bool(different == 1)


def read_csv(fetch: Fetch, paths: Sequence[Path]) -> str | None:
    """A FROM item for CSV files that share header and dialect, or None.

    Types are those of a few files spread over them, together; None where the
    last file alone has others, save for kinds of number.
    """
    if len({_header(path) for path in paths}) != 1:
        return None
    dialect = _dialect(fetch, paths[-1])
    if dialect is None:
        return None
    step = max(1, (len(paths) - 1) // (_LOOKED_AT - 1))
    looked_at = [*paths[:-1:step][: _LOOKED_AT - 1], paths[-1]]
    together, last = _types(fetch, looked_at, dialect), _types(fetch, [paths[-1]], dialect)
    if not _agree(together, last):
        return None
    columns = ", ".join(f"{literal(c.name)}: {literal(c.type)}" for c in together)
    return f"read_csv({file_list(paths)}, auto_detect = false, columns = {{{columns}}}{dialect})"


def _header(path: Path) -> bytes:
    """The first line; empty where it can't be had."""
    try:
        if path.suffix.lower() == ".gz":
            with gzip.open(path) as packed:
                return packed.readline(_HEADER_BYTES_MAX).rstrip(b"\r\n")
        with path.open("rb") as plain:
            return plain.readline(_HEADER_BYTES_MAX).rstrip(b"\r\n")
    except (OSError, EOFError, zlib.error):
        return b""


def _dialect(fetch: Fetch, path: Path) -> str | None:
    """How one file is written, as options; None without a header in its first line."""
    ((delimiter, quote, escape, comment, skip, header, date, moment),) = fetch(
        "SELECT Delimiter, Quote, Escape, Comment, SkipRows, HasHeader, DateFormat, TimestampFormat"
        f" FROM sniff_csv({literal(_unglobbed(path))}, sample_size = -1)"
    )
    if not header or skip or comment not in (_NOTHING, "", None):
        return None
    quote = quote if quote not in (_NOTHING, "", None) else '"'
    escape = escape if escape not in (_NOTHING, "", None) else quote
    options = {"delim": delimiter, "quote": quote, "escape": escape}
    options |= {"dateformat": date} if date else {}
    options |= {"timestampformat": moment} if moment else {}
    return ", header = true" + "".join(f", {name} = {literal(str(value))}" for name, value in options.items())


def _unglobbed(path: Path) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def _types(fetch: Fetch, paths: Sequence[Path], dialect: str) -> Schema:
    item = f"read_csv({file_list(paths)}, sample_size = -1, union_by_name = true{dialect})"
    return tuple(
        types.column(str(name), str(kind)) for name, kind, *_ in fetch(f"DESCRIBE SELECT * FROM {item}")
    )


def _agree(together: Schema, last: Schema) -> bool:
    if [c.name for c in together] != [c.name for c in last]:
        return False
    pairs = zip(together, last, strict=True)
    return all(
        a.kind is b.kind or (a.kind.numeric and b.kind.numeric) or Kind.NULL in (a.kind, b.kind)
        for a, b in pairs
    )
