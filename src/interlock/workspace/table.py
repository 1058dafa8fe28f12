"""A table: the gates of one asset, spoken to from Python."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock import backtest as backtesting
from interlock import constraints, detect, settings
from interlock import profiles as profiling
from interlock.alerts.slo import Standing
from interlock.catalog import (
    AcceptRecord,
    Mode,
    PartitionRecord,
    Reader,
    TableRecord,
    accepts,
    lake,
    outbox,
    partitions,
    profiles,
    tables,
    verdicts,
)
from interlock.catalog import constraints as stored_constraints
from interlock.catalog.records import CURRENT
from interlock.constraints.constraint import Constraint
from interlock.constraints.objectives import objective as made_objective
from interlock.engines.duckdb import DuckDB
from interlock.engines.schema import Schema
from interlock.engines.types import column as column_of
from interlock.errors import ColumnMissing, PartitionNotFound, UsageError, nearest
from interlock.gates import again, attached, backfill, quarantine, write
from interlock.gates.judge import Rules
from interlock.gates.request import Request
from interlock.gates.verdict import Verdict
from interlock.names import Severity, partition_label
from interlock.profiles.profile import Profile
from interlock.workspace import chosen, measured, remembered, trial
from interlock.workspace.chosen import Chosen, Origin
from interlock.workspace.series import Series, series

if TYPE_CHECKING:
    from interlock.backtest import Backtest
    from interlock.report import Report
    from interlock.workspace.workspace import Workspace

Progress = Callable[[int, int], None]


def quiet(done: int, total: int) -> None:
    return None


class Table:
    """A managed or attached table of a workspace. Made by `Workspace.table` and `Workspace.attach`."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self._site = workspace.site
        self.name = name
        self._history: tuple[tuple[tuple[int, int], int], detect.History] | None = None

    def __repr__(self) -> str:
        return f"<Table {self.name!r} of {self._workspace.path}>"

    # --- what it is -------------------------------------------------------------------

    @property
    def record(self) -> TableRecord:
        with self._site.catalog.read() as rx:
            return tables.get(rx, self.name)

    @property
    def partition(self) -> str | None:
        """The column that splits the table; None where each load is a partition."""
        return self.record.partition

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that name a row."""
        return self.record.key

    @property
    def source(self) -> str | None:
        """What feeds the table, as ``interlock.yaml`` or `Workspace.table` says; None where nobody did."""
        return self._workspace.contract_of(self.name).source or self.record.settings.get("source")

    @property
    def workspace(self) -> Workspace:
        """The workspace it belongs to."""
        return self._workspace

    @property
    def columns(self) -> Schema:
        """What the table holds today: ``.name``, ``.type``; empty before its first partition."""
        return self._schema() or ()

    @property
    def attached(self) -> bool:
        """Whether the data is somebody else's and judged where it is."""
        return self.record.mode is Mode.ATTACHED

    @property
    def enforced(self) -> frozenset[str]:
        """Names of learned constraints that block; ``*`` for all."""
        with self._site.catalog.read() as rx:
            found = stored_constraints.enforced(rx, self.name)
        return found | self._workspace.enforced_by_contract(self.name)

    def partitions(self) -> list[PartitionRecord]:
        """What is published (or, attached, admitted), in order: ``.label .rows .loaded_at`` and more."""
        with self._site.catalog.read() as rx:
            return partitions.current(rx, self.name)

    def profile(self, partition: object) -> Profile:
        """The profile taken when that partition was judged. Raises `PartitionNotFound`."""
        label = partition_label(partition)
        with self._site.catalog.read() as rx:
            record = partitions.one(rx, self.name, label)
            document = (
                profiles.document(rx, record.id) if record is not None and record.id is not None else None
            )
            known = [p.label for p in partitions.current(rx, self.name)] if document is None else []
        if document is None:
            raise PartitionNotFound(f"{self.name} has no partition {label!r}", hint=nearest(label, known))
        return profiling.from_document(document)

    # --- what it promises -------------------------------------------------------------

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """Declared ones first, then what was learned."""
        return (*self.declared, *self.learn())

    @property
    def declared(self) -> tuple[Constraint, ...]:
        """What people wrote, in ``interlock.yaml`` and in Python, without what was learned."""
        return self._declared()

    def require(
        self,
        *expressions: str | Constraint,
        tolerance: float = 0.0,
        severity: str | Severity = Severity.PAGE,
        block: bool = True,
        name: str | None = None,
    ) -> Table:
        """Declare constraints: SQL boolean expressions, or `not_null`, `unique`, `in_set` and the like.

        Without aggregates an expression must hold for every row up to
        ``tolerance`` (a share, 0 ≤ tolerance < 1); with aggregates, for the
        partition. Declaring the same again changes nothing. Raises
        `ExpressionRefused` before anything is stored.
        """
        schema = self._schema()
        made = [self._made(e, schema, tolerance, Severity(severity), block, name) for e in expressions]
        with self._site.catalog.write() as tx:
            known = {d["name"]: d for d in stored_constraints.list_(tx, self.name)}
            for constraint in made:
                document = constraints.to_dict(constraint)
                if known.get(constraint.name) != document:
                    stored_constraints.put(tx, self.name, document)
                    outbox.append(tx, "require", {"table": self.name, "constraint": document})
        self._workspace.project()
        return self

    def _made(
        self,
        expression: str | Constraint,
        schema: Schema | None,
        tolerance: float,
        severity: Severity,
        block: bool,
        name: str | None,
    ) -> Constraint:
        if isinstance(expression, Constraint):
            return expression.with_(
                tolerance=tolerance or expression.tolerance, severity=severity, block=block
            )
        return constraints.parse(
            expression, schema, name=name, tolerance=tolerance, severity=severity, block=block
        )

    def segments(self, *columns: str) -> Table:
        """Watch these bounded columns value by value as well."""
        self._set(segments=list(dict.fromkeys(columns)))
        return self

    def sensitivity(self, value: detect.Sensitivity) -> Table:
        """How many false alarms are accepted: ``low``, ``normal``, ``high``, or a number a year.

        Sets the threshold of what was learned; ``normal`` is one false alarm in 75
        partitions. Raises `UsageError` where that is none, and where
        ``interlock.yaml`` says another: it would be heard first.
        """
        wanted = detect.as_sensitivity(value)
        written = self._workspace.contract_of(self.name).sensitivity
        if written is not None and detect.as_sensitivity(written) != wanted:
            raise UsageError(
                f"{self._workspace.contract_path.name} sets the sensitivity of {self.name} to {written}",
                hint=f"write `sensitivity: {wanted}` under {self.name} there, or take the line out",
            )
        with self._site.catalog.write() as tx:
            record = tables.get(tx, self.name)
            if record.settings.get("sensitivity") != wanted:
                tables.put(tx, replace(record, settings={**record.settings, "sensitivity": wanted}))
                outbox.append(tx, "sensitivity", {"table": self.name, "sensitivity": wanted})
        self._workspace.project()
        return self

    @property
    def chosen_sensitivity(self) -> Chosen:
        """The sensitivity in force: ``.sensitivity``, ``.origin``, ``.false_alarms_per_year`` it aims at."""
        return chosen.chosen(*self._sensitivity_from(), [p.label for p in self.partitions()])

    def learn(self) -> tuple[Constraint, ...]:
        """What the table normally holds, learned from its published partitions, with evidence."""
        learned = self._learned()
        return learned.constraints if learned is not None else ()

    def write_learned(self) -> tuple[Constraint, ...]:
        """Add the learned constraints to ``interlock.yaml`` for a person to edit; returns those added."""
        from interlock.constraints import contract  # needs libraries that nothing else here does

        return contract.write_learned(self._workspace.contract_path, self.name, self.learn())

    def enforce(self, *names: str, off: bool = False) -> frozenset[str]:
        """Let learned constraints block, all or by name; ``off`` puts them back to shadow."""
        known = [c.name for c in self.learn()]
        for name in names:
            if name not in known and not off:
                raise UsageError(
                    f"{self.name} has learned no constraint {name!r}",
                    hint=nearest(name, known) or f"interlock learn {self.name} --all lists them",
                )
        with self._site.catalog.write() as tx:
            if off:
                stored_constraints.shadow(tx, self.name, names or None)
            else:
                stored_constraints.enforce(tx, self.name, names or ("*",))
            outbox.append(
                tx, "shadow" if off else "enforce", {"table": self.name, "constraints": list(names) or ["*"]}
            )
        self._workspace.project()
        return self.enforced

    def accept(self, since: object, reason: str) -> list[str]:
        """Start a new normal at ``since``: what differs from then on is no fault. Returns the labels it covers."""
        label = partition_label(since)
        if not reason.strip():
            raise UsageError("accepting a new normal needs a reason", hint="it is recorded in the ledger")
        order = partitions.label_order(label)
        with self._site.catalog.write() as tx:
            covered = [
                p.label for p in partitions.current(tx, self.name) if partitions.label_order(p.label) >= order
            ]
            record = AcceptRecord(self.name, label, reason, tx.now, self._workspace.user)
            accepts.put(tx, record)
        self._history = None
        self._workspace.project()
        return covered

    # --- gates ------------------------------------------------------------------------

    def write(self, data: object, partition: object = None) -> Verdict:
        """Write – audit – publish one partition.

        ``data`` is a pandas, Polars or Arrow table, anything with the Arrow
        PyCapsule interface, or a path or glob of Parquet, CSV or JSON.
        ``partition`` may be left out where the partition column holds a single
        value. A partition that is already there is replaced; its old version is
        kept. Raises `InterlockError` subclasses for data that can't be judged;
        then nothing is stored.
        """
        self._managed("written to")
        request = self._request(data, partition)
        verdict = write.write(self._site, request)
        self._remember(verdict)
        self._judge_again(request)
        return verdict

    def check(self, data: object, partition: object = None) -> Verdict:
        """What `write` would say. Nothing is stored and no trigger fires."""
        return write.check(self._site, self._request(data, partition))

    def backfill(self, data: object, *, progress: Progress = quiet) -> list[Verdict]:
        """Write many partitions at once, split by the partition column, in one commit.

        Each is judged by the partitions before it, as if they had come one by one.
        """
        self._managed("written to")
        if self.partition is None:
            return [self.write(data)]
        request = self._request(data, None)
        made, history = backfill.backfill(self._site, request, progress)
        with self._site.catalog.read() as rx:
            self._history = (self._stamp(rx), history)
        remembered.keep(self._site, self.name, history)
        renewed = {v.partition: v for v in self._judge_again(request, past=True)}
        return [renewed.get(v.partition, v) for v in made]

    def judge_new(self, progress: Progress = quiet) -> list[Verdict]:
        """Judge the files of an attached table that are new or changed since the last time."""
        record = self.record
        if record.mode is not Mode.ATTACHED or record.location is None:
            raise UsageError(
                f"{self.name} is a managed table", hint="check(data) judges data before it is written"
            )
        made = attached.judge_new(self._site, self._request(None, None), progress)
        self._history = None
        return made

    def release(self, partition: object, reason: str) -> dict[str, Any]:
        """Publish a quarantined partition after all; what it holds counts as normal from now on."""
        label = partition_label(partition)
        with_ = quarantine.release(self._site, self.record, label, self._reason(reason), self._workspace.user)
        self._history = None
        return with_

    def drop(self, partition: object, reason: str) -> dict[str, Any]:
        """Take a partition out of quarantine for good. Its file is kept for the grace period."""
        label = partition_label(partition)
        return quarantine.drop(self._site, self.record, label, self._reason(reason), self._workspace.user)

    def quarantined_verdict(self, partition: object) -> dict[str, Any]:
        """The verdict that put a partition into quarantine."""
        with self._site.catalog.read() as rx:
            record = quarantine.held(rx, self.name, partition_label(partition))
            found = verdicts.get(rx, record.verdict_id) if record.verdict_id else None
        if found is None:
            raise PartitionNotFound(f"{self.name}@{partition} has no verdict on record")
        return dict(found.document)

    # --- objective --------------------------------------------------------------------

    def objective(
        self, healthy: float = 0.99, window: str = "30d", fresh: str | None = None, zone: str = "UTC"
    ) -> Table:
        """Promise a service level: a share of healthy partitions over a window, fresh by a time of day.

        The contract's, where it has one, comes first. Raises `ContractError`.
        """
        made_objective(healthy, window, fresh, zone)
        self._set(slo={"healthy": healthy, "window": window, "fresh": fresh, "zone": zone})
        return self

    def slo(self) -> Standing | None:
        """How the table stands to its objective now; None where it has none."""
        promised = measured.promised(self.record, self._workspace.contract_of(self.name).slo)
        if promised is None:
            return None
        with self._site.catalog.read() as rx:
            return measured.stands(rx, self.name, promised, dt.datetime.now(dt.UTC))

    # --- history ----------------------------------------------------------------------

    def history(self) -> detect.History:
        """The published partitions' features, in order; kept between calls while nothing changed."""
        with self._site.catalog.read() as rx:
            stamp = self._stamp(rx)
            if self._history is not None and self._history[0] == stamp:
                return self._history[1]
            history = self._load(rx)
        remembered.keep(self._site, self.name, history)
        self._history = (stamp, history)
        return history

    def _load(self, rx: Reader) -> detect.History:
        released = quarantine.released_labels(rx, self.name)
        names: dict[int, tuple[str, ...]] = {}
        rows = []
        for row in profiles.history(rx, self.name, states=CURRENT):
            if row.vector_schema not in names:
                names[row.vector_schema] = profiles.vector_schema(rx, row.vector_schema)
            features = detect.Features.unpack(names[row.vector_schema], row.vector, row.domains)
            rows.append(detect.Row(row.label, features, trusted=row.label in released))
        history = detect.History.of(rows, memory=remembered.read(self._site, self.name))
        for accept in accepts.list_(rx, self.name):
            history = history.accepted(accept.since)
        return history

    def _stamp(self, rx: Reader) -> tuple[tuple[int, int], int]:
        return partitions.stamp(rx, self.name), len(accepts.list_(rx, self.name))

    def _remember(self, verdict: Verdict) -> None:
        """After our own write, append to the history in memory instead of loading it again."""
        if self._history is None or verdict.decision.value != "published":
            return
        (((count, ids), accepted), history), self._history = self._history, None
        with self._site.catalog.read() as rx:
            stamp = self._stamp(rx)
            own = partitions.one(rx, self.name, verdict.partition)
        # Anything else, an earlier day or another process's write between, is loaded anew.
        last = max(map(partitions.label_order, history.labels), default=None)
        follows = last is None or last < partitions.label_order(verdict.partition)
        if own is not None and follows and stamp == ((count + 1, ids + (own.id or 0)), accepted):
            history = history.append(verdict.partition, detect.features(verdict.profile))
            self._history = (stamp, history)
            if len(history.rows) % remembered.EVERY == 0:
                remembered.keep(self._site, self.name, history)

    def _judge_again(self, request: Request, *, past: bool = False) -> list[Verdict]:
        """The early partitions' verdicts by what came after them, at the moment there is enough of it."""
        history = self.history()
        if not again.due(request.table.settings, history):
            return []
        return again.judge_again(self._site, replace(request, history=history), past=past)

    def _learned(self) -> detect.Learned | None:
        history = self.history()
        return detect.learn(history, sensitivity=self._sensitivity()) if history.labels else None

    def _sensitivity(self) -> detect.Sensitivity:
        return self._sensitivity_from()[0]

    def _sensitivity_from(self) -> tuple[detect.Sensitivity, Origin]:
        written = self._workspace.contract_of(self.name).sensitivity
        return chosen.sensitivity(written, self.record.settings)

    def backtest(
        self,
        *,
        sensitivities: Sequence[detect.Sensitivity] = tuple(detect.LEVELS),
        partitions: int | None = None,
        not_clean: Iterable[object] = (),
        seed: int = 0,
        progress: Progress = quiet,
    ) -> Backtest:
        """What each sensitivity would have cost and caught on this table's own past. Stores nothing.

        Every published partition is judged again by those before it, and faults are
        planted in a seeded sample of ``partitions`` of them
        (`settings.backtest_partitions`). ``not_clean`` names partitions on which an
        alert would have been right. Only what was learned judges. Same data and
        seed, same result. Raises `HistoryTooShort` below fourteen partitions.
        """
        current, record = self._sensitivity(), self.record
        wanted = [detect.as_sensitivity(s) for s in sensitivities]
        rules = self._rules(record)
        named = frozenset(map(partition_label, not_clean))
        past, left_out = trial.past(self._site, self.name, self.history(), named)
        spared = frozenset({record.partition} if record.partition else ())
        with DuckDB() as engine:
            return backtesting.run(
                engine,
                self.name,
                past,
                backtesting.Site(rules.key, rules.segments, spared),
                list(dict.fromkeys([*wanted, current])),
                current=current,
                partitions=partitions or settings.current().backtest_partitions,
                seed=seed,
                left_out=left_out,
                progress=progress,
            )

    def to_odcs(self) -> str:
        """What is declared of the table, as YAML of the Open Data Contract Standard."""
        from interlock.workspace import contracts

        return contracts.to_odcs(self)

    def series(self, verdict: Verdict) -> list[Series]:
        """The past of the statistics a verdict found broken, one for each alert that has one."""
        return series(self.history(), verdict)

    # --- telling ----------------------------------------------------------------------

    def facts(self, *, partitions: int | None = None) -> Report:
        """What `report` shows, as values: ``.to_dict()`` gives plain JSON.

        Raises `PartitionNotFound` while there is no partition.
        """
        from interlock.workspace import telling

        return telling.facts(self._site, self.record, self._workspace.contract_of(self.name), partitions)

    def report(
        self, path: str | os.PathLike[str], *, partitions: int | None = None, facts: Report | None = None
    ) -> Path:
        """Write one self-contained HTML page about the last ``partitions``; returns where it is.

        ``facts`` are those to show, read now if left out. An existing file is
        replaced as a whole. Raises `PartitionNotFound` while there is no
        partition, `StorageFailed` where the file cannot be written.
        """
        from interlock.workspace import telling

        return telling.write(path, facts or self.facts(partitions=partitions))

    # --- within -----------------------------------------------------------------------

    def _request(self, data: object, partition: object) -> Request:
        declared = self._workspace.contract_of(self.name)
        record = self.record
        with self._site.catalog.read() as rx:
            latest = verdicts.list_(rx, self.name, limit=1)
        previous = {
            v["constraint"]: v["since"] for r in latest for v in r.document["violations"] if v.get("since")
        }
        return Request(
            table=record,
            rules=self._rules(record),
            history=self.history(),
            previous=previous,
            triggers=(*declared.triggers, *self._workspace.hooks(self.name)),
            data=data,
            label=None if partition is None else partition_label(partition),
            now=dt.datetime.now(dt.UTC),
            owner=declared.owner,
            alerts=declared.alerts,
            source=declared.source or record.settings.get("source"),
            models=self._workspace.readers(self.name),
        )

    def _rules(self, record: TableRecord) -> Rules:
        declared = self._workspace.contract_of(self.name)
        settings = record.settings
        sensitive = frozenset((*settings.get("sensitive", ()), *declared.sensitive))
        return Rules(
            table=self.name,
            declared=self._declared(),
            enforced=self.enforced,
            key=record.key or declared.key,
            segments=tuple(dict.fromkeys((*settings.get("segments", ()), *declared.segments))),
            sensitive=sensitive,
            show_all=declared.allow_samples,
            schema=self._schema(),
            source_of=self._workspace.source_of,
            sensitivity=self._sensitivity(),
        )

    def _declared(self) -> tuple[Constraint, ...]:
        with self._site.catalog.read() as rx:
            own = [constraints.from_dict(d) for d in stored_constraints.list_(rx, self.name)]
        written = self._workspace.contract_of(self.name).constraints
        names = {c.name for c in written}
        return (*written, *(c for c in own if c.name not in names))

    def _schema(self) -> Schema | None:
        """What the table holds today; None before its first partition."""
        with self._site.catalog.read() as rx:
            record = tables.get(rx, self.name)
            if record.lake_table_id is not None:
                return tuple(column_of(f.name, f.type.duckdb) for f in lake.columns(rx, self.name))
            current = partitions.current(rx, self.name)
        return tuple(column_of(n, t) for n, t in current[-1].schema) if current else None

    def _set(self, **settings: Any) -> None:
        with self._site.catalog.write() as tx:
            record = tables.get(tx, self.name)
            if all(record.settings.get(k) == v for k, v in settings.items()):
                return
            schema_names = (
                {f.name for f in lake.columns(tx, self.name)} if record.lake_table_id is not None else None
            )
            for name in settings.get("segments", ()):
                if schema_names is not None and name not in schema_names:
                    raise ColumnMissing(
                        f"{self.name} has no column {name!r}", hint=nearest(name, schema_names)
                    )
            tables.put(tx, replace(record, settings={**record.settings, **settings}))

    def _managed(self, what: str) -> None:
        if self.attached:
            raise UsageError(
                f"{self.name} is attached: its data is judged where it is and never {what}",
                hint=f"interlock check {self.name} judges its new files",
            )

    @staticmethod
    def _reason(reason: str) -> str:
        if not reason.strip():
            raise UsageError("a reason is needed", hint="it is recorded in the ledger")
        return reason
