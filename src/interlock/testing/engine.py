"""What every engine must do, as suites an engine's tests inherit.

`EngineConformance` is for all, `FileEngineConformance` for an engine that scans files where they lie and knows the
order of their rows. `AgreementConformance` (in ``agreement.py``) compares an engine with DuckDB.

```python
class TestMine(EngineConformance):
    @pytest.fixture
    def engine(self):
        with MyEngine() as engine:
            yield engine
```
"""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp

from interlock.engines.protocol import Engine, Relation, Target
from interlock.engines.schema import Kind
from interlock.errors import (
    ColumnMissing,
    DataNotFound,
    DataTypeUnsupported,
    DataUnreadable,
    InterlockError,
    QueryFailed,
)
from interlock.profiles import compute, compute_by

CSV = "id,name,amount,day\n1,a,1.5,2020-01-01\n2,,2.5,2020-01-02\n3,c,,2020-01-02\n"


class EngineConformance:
    """Inherit it and provide the fixture ``engine``.

    ``looks`` is how many statements a profile takes at most. `place` names what may be staged into, `there` says
    whether something is.
    """

    looks = 1

    @pytest.fixture(autouse=True)
    def _in(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def place(self, name: str) -> Any:
        """A new place to stage into: a file, unless overridden."""
        return self.folder / f"{name}.parquet"

    def there(self, engine: Engine, place: Any) -> bool:
        return Path(place).exists()

    @pytest.fixture
    def small(self, tmp_path: Path) -> Path:
        """Three rows with a NULL in two columns."""
        path = tmp_path / "small.csv"
        path.write_text(CSV)
        return path

    # --- reading ------------------------------------------------------------------

    def test_describe_tells_names_and_kinds_in_order(self, engine: Engine, small: Path) -> None:
        found = [(c.name, c.kind) for c in engine.describe(small)]
        assert found == [
            ("id", Kind.INTEGER),
            ("name", Kind.TEXT),
            ("amount", Kind.FLOAT),
            ("day", Kind.DATE),
        ]

    def test_a_relation_knows_its_rows(self, engine: Engine, small: Path) -> None:
        assert engine.relation(small).rows == 3

    def test_run_answers_a_tree(self, engine: Engine, small: Path) -> None:
        tree = exp.select("sum(id) AS s", "count(name) AS n").from_(engine.source(engine.relation(small)))
        result = engine.run(tree)
        assert list(result.columns) == ["s", "n"]
        assert result.rows() == [(6, 2)]

    def test_a_failing_statement_is_query_failed(self, engine: Engine, small: Path) -> None:
        with pytest.raises(QueryFailed):
            engine.run(exp.select("nothing").from_(engine.source(engine.relation(small))))

    # --- staging ------------------------------------------------------------------

    def test_stage_casts_fills_and_drops_columns(self, engine: Engine, small: Path) -> None:
        targets = [Target("id", "SMALLINT", 1), Target("new", "VARCHAR", 2)]
        staged = engine.stage(small, self.place("a"), columns=targets)
        assert [(c.name, c.type) for c in staged.schema] == [("id", "SMALLINT"), ("new", "VARCHAR")]
        assert self._all(engine, staged, "new") == [None, None, None]

    def test_stage_repairs_with_an_expression(self, engine: Engine, small: Path) -> None:
        repaired = Target("id", "INTEGER", 1, expression=exp.column("id") * 10)
        assert self._all(engine, engine.stage(small, self.place("a"), columns=[repaired]), "id") == [
            10,
            20,
            30,
        ]

    def test_stage_drops_rows(self, engine: Engine, small: Path) -> None:
        where = exp.column("name").is_(exp.null()).not_()
        assert self._all(engine, engine.stage(small, self.place("a"), where=where), "id") == [1, 3]

    def test_a_value_that_does_not_fit_is_an_error_and_leaves_no_file(
        self, engine: Engine, small: Path
    ) -> None:
        with pytest.raises(DataUnreadable):
            engine.stage(small, self.place("a"), columns=[Target("name", "INTEGER", 1)])
        assert not self.there(engine, self.place("a"))

    # --- refusing -----------------------------------------------------------------

    def test_what_is_not_there_is_not_found(self, engine: Engine) -> None:
        with pytest.raises(DataNotFound):
            engine.relation(self.folder / "none.parquet")

    def test_an_object_of_another_sort_is_refused(self, engine: Engine) -> None:
        with pytest.raises(DataTypeUnsupported):
            engine.relation(object())

    @pytest.mark.parametrize("name", ["rubbish.parquet", "rubbish.csv", "rubbish.json"])
    def test_rubbish_is_a_clear_error_in_one_line(self, engine: Engine, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        path.write_bytes(bytes(range(256)) * 20)
        with pytest.raises(InterlockError) as caught:
            engine.relation(path)
        assert "\n" not in caught.value.message

    # --- profiling ----------------------------------------------------------------

    def test_a_profile_tells_the_core_statistics(self, engine: Engine, small: Path) -> None:
        found = compute(engine, engine.relation(small), key=["id"])
        amount, name = found.columns["amount"], found.columns["name"]
        assert found.rows == 3
        assert (amount["nulls"], amount["distinct"], amount["min"], amount["max"], amount["mean"]) == (
            1,
            2,
            1.5,
            2.5,
            2.0,
        )
        assert math.isclose(amount["stddev"], math.sqrt(0.5))
        assert (name["nulls"], name["domain"], name["length_max"]) == (1, [["a", 1], ["c", 1]], 1)
        assert found.columns["day"]["max"] == dt.date(2020, 1, 2)
        assert found.table["key_duplicates"] == 0

    def test_statements_are_counted_and_checks_ride_along(self, engine: Engine, small: Path) -> None:
        relation = engine.relation(small)
        before = len(engine.statements)
        checks = {"many": (exp.Count(this=exp.Star()),)}
        found = compute(engine, relation, segments=["day"], key=["id"], checks=checks)
        assert len(engine.statements) - before <= self.looks
        assert found.checks == {"many": (3,)}
        assert [(s.value, s.rows) for s in found.segments["day"]] == [("2020-01-01", 1), ("2020-01-02", 2)]

    def test_partitions_profiled_together_equal_each_alone(self, engine: Engine, small: Path) -> None:
        relation = engine.relation(small)
        together = compute_by(engine, relation, "day")
        assert list(together) == ["2020-01-01", "2020-01-02"]
        for n, (label, found) in enumerate(together.items()):
            where = exp.column("day").eq(exp.cast(exp.Literal.string(label), "DATE"))
            alone = engine.stage(relation, self.place(f"part{n}"), where=where)
            assert compute(engine, alone) == found

    def test_a_missing_key_column_is_named(self, engine: Engine, small: Path) -> None:
        with pytest.raises(ColumnMissing, match="idd") as caught:
            compute(engine, engine.relation(small), key=["idd"])
        assert caught.value.hint == "did you mean 'id'?"

    def test_no_rows_have_a_profile(self, engine: Engine, small: Path) -> None:
        empty = engine.stage(small, self.place("a"), where=exp.false())
        found = compute(engine, empty, segments=["name"], key=["id"])
        assert found.rows == 0
        assert found.columns["amount"]["mean"] is None
        assert found.table["key_duplicates"] == 0

    @staticmethod
    def _all(engine: Engine, relation: Relation, column: str) -> list[Any]:
        query = exp.select(exp.column(column)).from_(engine.source(relation))
        return [row[0] for row in engine.run(query).rows()]


class FileEngineConformance(EngineConformance):
    """For an engine that scans files where they lie, and knows the order of their rows."""

    def test_a_parquet_file_is_scanned_where_it_lies(self, engine: Engine, small: Path) -> None:
        staged = engine.stage(small, self.place("a"))
        assert engine.relation(self.place("a")).files == staged.files == (self.place("a"),)

    def test_streamed_lists_come_last_as_arrays(self, engine: Engine, small: Path) -> None:
        name, amount, day = (exp.column(c, quoted=True) for c in ("name", "amount", "day"))
        gathered = [
            exp.func("array_agg", item).as_(alias, quoted=True)
            for item, alias in ((name, "names"), (amount, "amounts"))
        ]
        tree = exp.select(gathered[0], day, gathered[1]).from_(engine.source(engine.relation(small)))
        rows = sorted(engine.stream(tree.group_by(day), arrays=["amounts", "names"]), key=lambda row: row[0])
        assert [day for day, *_ in rows] == [dt.date(2020, 1, 1), dt.date(2020, 1, 2)]
        assert [amounts.tolist() for _, amounts, _ in rows] == [[1.5], [2.5, None]]
        assert [names.tolist() for _, _, names in rows] == [["a"], [None, "c"]]

    def test_stage_keeps_the_order_of_rows(self, engine: Engine, small: Path) -> None:
        staged = engine.stage(small, self.place("a"))
        assert self._all(engine, staged, "id") == [1, 2, 3]
