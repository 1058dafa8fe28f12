"""A profile as plain JSON values, and back.

JSON has no NaN, no dates and no integers a double cannot hold: such values are
texts that start with ``~`` and a tag (``~date:2013-01-01``). A real text that
starts with ``~`` is tagged ``~text:``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from interlock.engines.schema import Column, Kind
from interlock.errors import WorkspaceVersion
from interlock.profiles.profile import ColumnProfile, Profile, Segment, StatisticClass

VERSION = 1
_SAFE = 2**53
_READERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "int": int,
    "float": float,
    "decimal": Decimal,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "datetime": dt.datetime.fromisoformat,
    "seconds": lambda text: dt.timedelta(microseconds=int(text)),
    "bytes": bytes.fromhex,
}


def encode(value: Any) -> Any:
    """A value of a statistic as JSON.

    >>> encode([1, float("nan"), dt.date(2013, 1, 1)])
    [1, '~float:nan', '~date:2013-01-01']
    """
    kind = type(value)  # the common types first: a backfill encodes half a million values
    if kind is list or kind is tuple:
        return [v if type(v) is int and -_SAFE < v < _SAFE else encode(v) for v in value]
    if kind is int:
        return value if -_SAFE < value < _SAFE else f"~int:{value}"
    if kind is str:
        return f"~text:{value}" if value[:1] == "~" else value
    if value is None or kind is bool:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else f"~float:{value!r}"
    if isinstance(value, Mapping):
        return {str(k): encode(v) for k, v in value.items()}
    return _tagged(value)


def _tagged(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"~decimal:{value}"
    if isinstance(value, dt.datetime):
        return f"~datetime:{value.isoformat()}"
    if isinstance(value, dt.date):
        return f"~date:{value.isoformat()}"
    if isinstance(value, dt.time):
        return f"~time:{value.isoformat()}"
    if isinstance(value, dt.timedelta):
        return f"~seconds:{value // dt.timedelta(microseconds=1)}"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"~bytes:{bytes(value).hex()}"
    return encode(str(value))  # type: ignore[no-any-return]  # UUID and the like


def decode(value: Any) -> Any:
    """The value `encode` made this JSON of."""
    if isinstance(value, str) and value.startswith("~"):
        tag, _, text = value[1:].partition(":")
        return _READERS[tag](text)
    if isinstance(value, list):
        return [decode(v) for v in value]
    if isinstance(value, dict):
        return {k: decode(v) for k, v in value.items()}
    return value


def to_document(profile: Profile) -> dict[str, Any]:
    """Plain JSON values; checks are left out, since constraints are judged once."""
    return {
        "v": VERSION,
        "rows": profile.rows,
        "schema": [[c.name, c.type, c.kind.value] for c in profile.schema],
        "columns": [_column(c) for c in profile.columns.values()],
        "table": encode(profile.table),
        "segments": {
            name: [
                {"value": s.value, "rows": s.rows, "columns": {k: _column(c) for k, c in s.columns.items()}}
                for s in found
            ]
            for name, found in profile.segments.items()
        },
    }


def _column(column: ColumnProfile) -> dict[str, Any]:
    inexact = {k: c.value for k, c in column.classes.items() if c is not StatisticClass.EXACT}
    return {"values": encode(column.values)} | ({"classes": inexact} if inexact else {})


def from_document(document: Mapping[str, Any]) -> Profile:
    """The profile `to_document` wrote. Raises `WorkspaceVersion` for a newer format."""
    if document.get("v") != VERSION:
        raise WorkspaceVersion(
            f"profile document of version {document.get('v')!r}; this Interlock knows {VERSION}"
        )
    schema = tuple(Column(name, type_name, Kind(kind)) for name, type_name, kind in document["schema"])
    by_name = {c.name: c for c in schema}
    columns = {c.name: _read_column(c, d) for c, d in zip(schema, document["columns"], strict=True)}
    segments = {
        name: tuple(
            Segment(s["value"], s["rows"], {k: _read_column(by_name[k], d) for k, d in s["columns"].items()})
            for s in found
        )
        for name, found in document["segments"].items()
    }
    return Profile(document["rows"], columns, decode(document["table"]), segments)


def _read_column(column: Column, document: Mapping[str, Any]) -> ColumnProfile:
    values = decode(document["values"])
    inexact = document.get("classes", {})
    classes = {name: StatisticClass(inexact.get(name, "exact")) for name in values}
    return ColumnProfile(column, values, classes)
