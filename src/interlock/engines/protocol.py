"""What an engine is: it runs one SQL tree, and stages data.

An engine reaches data; it decides nothing. Layers above hand it SQL trees
(sqlglot, DuckDB dialect) and get Arrow back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sqlglot import exp

from interlock.engines.schema import Schema


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows an engine can scan: Parquet files that share one schema.

    ``rows`` comes from the file footers. ``bounds`` holds the smallest and
    largest finite value of numeric and temporal columns, as numbers, where the
    footers tell.
    """

    files: tuple[Path, ...]
    schema: Schema
    rows: int
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)


class Result(Protocol):
    """Rows of one statement; also offers the Arrow PyCapsule interface."""

    @property
    def columns(self) -> Sequence[str]: ...

    def rows(self) -> list[tuple[Any, ...]]: ...

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class Engine(Protocol):
    """See `interlock.testing.EngineConformance` for the behaviour every engine shows."""

    @property
    def name(self) -> str: ...

    def stage(self, data: object, into: Path) -> Relation:
        """Write any accepted input as one fsynced Parquet file ``into``."""
        ...

    def relation(self, data: object) -> Relation:
        """Scan data where it is; Parquet is not copied, other input is staged to a temporary file."""
        ...

    def source(self, relation: Relation) -> exp.Expression:
        """The FROM item that reads a relation."""
        ...

    def run(self, tree: exp.Query) -> Result:
        """Run one statement."""
        ...
