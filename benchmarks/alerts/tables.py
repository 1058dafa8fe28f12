"""What a public table is: its rows by partition, its columns, and the partitions that are not clean.

What is not clean was written down before anything was measured on a table: from
calendars and news, and from the raw rows (how many there are, how many are empty),
never from what any method says of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import duckdb
import pandas as pd

from benchmarks.alerts.derived import Derived
from benchmarks.alerts.packages import DATA
from benchmarks.alerts.prepare import PARTITION, prepared

JUDGED_FROM = 60  # partitions before this one are for learning and are counted apart
TUNING, HELD_OUT = "tuning", "held-out"
VERSION = 2  # of what `prepare` writes


@dataclass(frozen=True)
class Table:
    """One public table.

    ``group`` is what it is for: settings are chosen on `TUNING` tables, of `HELD_OUT` ones only sums are
    looked at.
    ``key`` identifies a row. ``sources`` are columns whose values are where rows come
    from (an airline, a store): what is lost as a whole, and what a fault may be
    confined to. ``dated`` columns name the partition and are never broken alone.
    ``derived`` columns are made from others. ``bound`` columns follow from other columns
    of their row, so that a value beside another row's is wrong in itself.
    """

    name: str
    about: str
    group: str
    key: tuple[str, ...]
    sources: tuple[str, ...]
    dated: tuple[str, ...]
    derived: tuple[Derived, ...]
    bound: tuple[str, ...] = ()
    not_clean: Mapping[str, str] = field(default_factory=dict)
    last: int | None = None  # partitions to keep, for a trial

    @cached_property
    def partitions(self) -> dict[str, pd.DataFrame]:
        """Label → rows, in order."""
        with duckdb.connect() as connection:
            frame = connection.sql(f"SELECT * FROM '{self.path}'").df()
        for column in frame.columns[frame.dtypes.map(lambda t: t.kind not in "iufM")]:
            frame[column] = frame[column].astype(object).where(frame[column].notna(), None)
        for column in frame.columns[frame.dtypes.map(lambda t: t.kind in "iu")]:
            frame[column] = frame[column].astype(float)
        groups = frame.groupby(PARTITION, sort=True)
        found = {str(label): self._whole(g.drop(columns=PARTITION)) for label, g in groups}
        return dict(list(found.items())[: self.last])

    def _whole(self, frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.reset_index(drop=True)
        return frame.assign(**{d.column: d.compute(frame, frame) for d in self.derived if d.whole})

    @property
    def path(self) -> str:
        return str(prepared(self.name, DATA / f"{self.name}.{VERSION}.parquet"))

    @cached_property
    def types(self) -> dict[str, str]:
        """Column → DuckDB type."""
        with duckdb.connect() as connection:
            found = {str(r[0]): str(r[1]) for r in connection.sql(f"DESCRIBE '{self.path}'").fetchall()}
        del found[PARTITION]
        kinds = {"f": "DOUBLE", "i": "BIGINT"}
        first = next(iter(self.partitions.values()))
        return found | {d.column: kinds[first[d.column].dtype.kind] for d in self.derived if d.whole}

    @cached_property
    def clean(self) -> tuple[str, ...]:
        """The labels that are judged and clean."""
        return tuple(
            label
            for i, label in enumerate(self.partitions)
            if i >= JUDGED_FROM and label not in self.not_clean
        )
