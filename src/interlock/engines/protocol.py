"""What an engine is: it runs one SQL tree, and stages data.

An engine reaches data; it decides nothing. Layers above hand it SQL trees
(sqlglot, DuckDB dialect) and get Arrow back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlglot import exp

from interlock.engines.schema import Schema

if TYPE_CHECKING:
    from typing_extensions import TypeIs

FILE = "file_index"  # of a row's file within its relation; not among the columns of ``*``
ROW = "file_row_number"  # of a row within its file; not among the columns of ``*``


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows an engine can scan: Parquet files that share one schema.

    ``rows`` comes from the file footers. ``bounds`` holds the smallest and
    largest value of numeric columns, as numbers, where the footers tell and
    nothing is NaN. ``repeating`` names the columns whose values the footers show
    to be few, so that counting each value is cheap. Both are filled for
    relations of more than `settings.counted_rows_max` rows only. A ``view`` is a
    FROM item over the files that is read in their place: rows changed on the way.
    It offers `FILE` and `ROW` as the files do. Of an engine `Afar` the view is all
    there is, and ``rows`` an estimate.
    """

    files: tuple[Path, ...]
    schema: Schema
    rows: int
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    repeating: frozenset[str] = frozenset()
    view: exp.Expression | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A column as it shall be stored: name, DuckDB type, Parquet field id.

    ``children`` are the fields of a struct, the ``element`` of a list, the
    ``key`` and ``value`` of a map; only their names and ids count. ``expression``
    replaces the column's value (a repair). A column the data lacks is stored as NULL.
    """

    name: str
    type: str
    field_id: int | None = None
    children: tuple[Target, ...] = ()
    expression: exp.Expression | None = None


class Answer(Protocol):
    """Rows of one statement."""

    @property
    def columns(self) -> Sequence[str]: ...

    def rows(self) -> list[tuple[Any, ...]]: ...


class Result(Answer, Protocol):
    """Rows of one statement; also offers the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class Engine(Protocol):
    """See `interlock.testing.EngineConformance` for the behaviour every engine shows."""

    @property
    def name(self) -> str: ...

    @property
    def dialect(self) -> str:
        """The sqlglot dialect its statements are written in."""
        ...

    @property
    def statements(self) -> list[str]:
        """Every statement run so far that scanned a relation, so that tests can count passes."""
        ...

    def describe(self, data: object) -> Schema:
        """The columns of any accepted input, read cheaply."""
        ...

    def relation(self, data: object) -> Relation:
        """Scan data where it is; Parquet is not copied, other input is staged to a temporary file."""
        ...

    def stage(
        self,
        data: object,
        into: Path,
        *,
        columns: Sequence[Target] | None = None,
        where: exp.Expression | None = None,
    ) -> Relation:
        """Write any accepted input as one fsynced Parquet file ``into``."""
        ...

    def source(self, relation: Relation) -> exp.Expression:
        """The FROM item that reads a relation; offers the columns `FILE` and `ROW` as well."""
        ...

    def run(self, tree: exp.Query) -> Result:
        """Run one statement."""
        ...

    def stream(self, tree: exp.Query, arrays: Sequence[str] = ()) -> Iterator[tuple[Any, ...]]:
        """`run`, row by row; no other statement may run before the last row was taken.

        ``arrays`` names columns that hold lists of numbers, booleans, texts or
        moments: they come last in each row, in this order, as NumPy arrays
        (masked where there are NULLs) or None.
        """
        ...


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one look at rows afar gave: the aggregates' ``values`` and a sample of the rows, which `Afar.local` reads.

    The first of the values is how many rows there are. ``whole``: the sample is all of them.
    """

    values: tuple[Any, ...]
    sample: Relation
    whole: bool


class Afar(Protocol):
    """An engine whose rows stay where they are: aggregates are computed there, and a sample of the rows comes here.

    ``local`` reads the sample. `run`, `describe`, `relation` and `source` are those of `Engine`.
    ``lacks`` says what it cannot do, and why.
    """

    lacks: Mapping[str, str]

    @property
    def name(self) -> str: ...

    @property
    def dialect(self) -> str: ...

    @property
    def statements(self) -> list[str]: ...

    @property
    def local(self) -> Engine: ...

    def describe(self, data: object) -> Schema: ...

    def relation(self, data: object) -> Relation: ...

    def source(self, relation: Relation) -> exp.Expression: ...

    def run(self, tree: exp.Query) -> Answer: ...

    def provide(self, functions: str) -> None:
        """Make functions, written as SQL, for this session; once, however often it is called."""
        ...

    def unique(self, relation: Relation, key: Sequence[str]) -> bool:
        """Whether the system itself sees to it that no two rows have the same key; False where that is not known."""
        ...

    def part(self, relation: Relation, where: exp.Expression) -> Relation:
        """The rows of a relation for which ``where`` holds."""
        ...

    def gather(
        self,
        relation: Relation,
        aggregates: Sequence[str],
        *,
        key: Sequence[str],
        whole_max: int,
        sample_rows: int,
    ) -> Gathered:
        """``aggregates`` over all rows, in one snapshot with a sample: all rows where they are at most ``whole_max``.

        Else those ``sample_rows`` whose hash is the smallest: a hash of ``key``, else of the row's place, so
        that the same rows give the same sample. The sample has the relation's columns; nested and unknown types
        come as text.
        """
        ...


def is_afar(engine: Engine | Afar) -> TypeIs[Afar]:
    return hasattr(engine, "gather")
