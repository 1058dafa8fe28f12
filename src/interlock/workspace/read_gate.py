"""The read gate: is what a query is about to read healthy?

A reader is never stopped by our bookkeeping: what fails here is a warning, unless the reader asked for a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from interlock.catalog import Reader, lake, partitions
from interlock.engines.parquet import quoted
from interlock.errors import HealthWarning, ReadRefused
from interlock.names import OnBroken
from interlock.workspace import broken, reads
from interlock.workspace.broken import Broken

COLUMNS_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Met:
    """Something broken that a query reads. ``columns`` are those it reads; none where it is the table as a whole."""

    broken: Broken
    columns: tuple[str, ...]
    of: int  # published partitions of the table

    @property
    def place(self) -> str:
        """``flights.dep_delay``, or the table and its columns."""
        if not self.columns:
            return self.broken.table
        if len(self.columns) == 1:
            return f"{self.broken.table}.{self.columns[0]}"
        more = len(self.columns) - COLUMNS_SHOWN_MAX
        shown = ", ".join(self.columns[:COLUMNS_SHOWN_MAX]) + (f" and {more:,} more" if more > 0 else "")
        return f"{self.broken.table} ({shown})"

    @property
    def what(self) -> str:
        """What broke since when, in one sentence."""
        count = len(self.broken.partitions)
        verb = "are" if len(self.columns) > 1 else "is"
        return (
            f"{self.place} {verb} broken since {self.broken.since}, in {count:,} of {self.of:,} partitions: "
            f"{self.broken.title}"
        )

    def warning(self, left_out: bool) -> HealthWarning:
        whom = f"ask {self.broken.owner}, or see" if self.broken.owner else "see"
        done = (
            f"left out here: {_labels([p.label for p in self.broken.partitions])}"
            if left_out
            else 'on_broken="exclude" leaves these partitions out'
        )
        return HealthWarning(
            f"{self.what}. Alert {self.broken.alert}: {whom} `interlock alerts show {self.broken.alert}`; {done}",
            table=self.broken.table,
            columns=self.columns,
            since=self.broken.since,
            alert=self.broken.alert,
        )


def judge(
    rx: Reader, connection: duckdb.DuckDBPyConnection, query: str, tables: Sequence[str], on_broken: str
) -> dict[str, frozenset[int]]:
    """Warn, or refuse, where a query reads what is broken; by table, the versions of partitions to leave out.

    ``connection`` has the ``tables`` as views. Raises `ReadRefused` where ``on_broken`` is ``fail``.
    """
    try:
        met = list(_met(rx, connection, query, tables))
    except Exception as error:
        _cannot_tell(error, on_broken)
        return {}
    if met and on_broken == OnBroken.FAIL:
        more = f"; and {len(met) - 1} more" if len(met) > 1 else ""
        name = met[0].broken.alert
        raise ReadRefused(f"{met[0].what}{more}", hint=f"`interlock alerts show {name}` says what to do")
    left_out: dict[str, frozenset[int]] = {}
    for one in met:
        ids = _removable(rx, one.broken) if on_broken == OnBroken.EXCLUDE else frozenset()
        one.warning(left_out=bool(ids)).show()
        if ids:
            left_out[one.broken.table] = left_out.get(one.broken.table, frozenset()) | ids
    return left_out


def _met(
    rx: Reader, connection: duckdb.DuckDBPyConnection, query: str, tables: Sequence[str]
) -> Iterator[Met]:
    found = {table: some for table in tables if (some := broken.of(rx, table))}
    if not found:
        return
    held = {table: _columns(connection, table) for table in tables}
    for table, read in reads.columns(query, held).items():
        for one in found.get(table, ()):
            hit = one.hit(read)
            if hit is not None:
                yield Met(one, hit, len(partitions.current(rx, table)))


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE {quoted(table)}").fetchall()
    return {str(name): str(type_) for name, type_, *_ in rows}


def _removable(rx: Reader, one: Broken) -> frozenset[int]:
    """Versions that can be left out; none where another tool has put their rows into other files since."""
    files = {p.data_file_id for p in one.partitions if p.data_file_id is not None}
    if files and not files <= {f.id for f in lake.files(rx, one.table)}:
        return frozenset()
    return frozenset(p.id for p in one.partitions if p.id is not None)


def _cannot_tell(error: Exception, on_broken: str) -> None:
    what = f"whether what this query reads is healthy cannot be told ({type(error).__name__})"
    if on_broken == OnBroken.FAIL:
        raise ReadRefused(what, hint="`interlock doctor` looks for what is wrong") from None
    HealthWarning(f"{what}; `interlock doctor` looks for what is wrong").show()


def _labels(labels: Sequence[str]) -> str:
    more = len(labels) - COLUMNS_SHOWN_MAX
    return ", ".join(labels[:COLUMNS_SHOWN_MAX]) + (f" and {more:,} more" if more > 0 else "")
