"""A table: the gates of one asset, spoken to from Python."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock import constraints, detect, settings
from interlock.alerts.slo import Standing
from interlock.catalog import Mode, PartitionRecord, TableRecord, partitions, tables
from interlock.catalog import constraints as stored_constraints
from interlock.constraints.constraint import Constraint
from interlock.constraints.objectives import objective as made_objective
from interlock.engines.postgres import address
from interlock.engines.schema import Schema
from interlock.errors import UsageError
from interlock.gates import again, attached, backfill, counterpart, quarantine, write
from interlock.gates.request import Request
from interlock.gates.verdict import Verdict
from interlock.names import Severity, partition_label
from interlock.profiles.profile import Profile
from interlock.workspace import (
    chosen,
    declared,
    history,
    learned,
    measured,
    own,
    reader,
    request,
    standing,
    trial,
)
from interlock.workspace.chosen import Chosen
from interlock.workspace.progress import Progress, quiet
from interlock.workspace.series import Series, series

if TYPE_CHECKING:
    from interlock.backtest import Backtest
    from interlock.report import Report
    from interlock.workspace.workspace import Workspace


class Table:
    """A managed or attached table of a workspace. Made by `Workspace.table` and `Workspace.attach`."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self._site = workspace.site
        self.name = name
        self._kept = history.Kept(workspace.site, name)

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
    def postgres(self) -> str | None:
        """The PostgreSQL table that holds what is published, as ``schema.name``; None where there is none."""
        found = counterpart.of(self.record)
        return None if found is None else str(found)

    @property
    def workspace(self) -> Workspace:
        """The workspace it belongs to."""
        return self._workspace

    @property
    def columns(self) -> Schema:
        """What the table holds today: ``.name``, ``.type``; empty before its first partition."""
        return reader.schema(self._site, self.name) or ()

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
        return reader.profile(self._site, self.name, partition_label(partition))

    # --- what it promises -------------------------------------------------------------

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """Declared ones first, then what was learned."""
        return (*self.declared, *self.learn())

    @property
    def declared(self) -> tuple[Constraint, ...]:
        """What people wrote, in ``interlock.yaml`` and in Python, without what was learned."""
        return declared.of(self._site, self.name, self._workspace.contract_of(self.name).constraints)

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
        schema = reader.schema(self._site, self.name)

        def made(given: str | Constraint) -> Constraint:
            how: dict[str, Any] = {"severity": Severity(severity), "block": block}
            if isinstance(given, Constraint):
                return given.with_(tolerance=tolerance or given.tolerance, **how)
            return constraints.parse(given, schema, name=name, tolerance=tolerance, **how)

        declared.put(self._site, self.name, [made(e) for e in expressions])
        self._workspace.project()
        return self

    def segments(self, *columns: str) -> Table:
        """Watch these bounded columns value by value as well."""
        own.put(self._site, self.name, segments=list(dict.fromkeys(columns)))
        return self

    def sensitivity(self, value: detect.Sensitivity) -> Table:
        """How many false alarms are accepted: ``low``, ``normal``, ``high``, or a number a year.

        Sets the threshold of what was learned; ``normal`` is one false alarm in 150
        partitions. Raises `UsageError` where that is none, and where
        ``interlock.yaml`` says another: it would be heard first.
        """
        chosen.choose(self, value)
        self._workspace.project()
        return self

    @property
    def chosen_sensitivity(self) -> Chosen:
        """The sensitivity in force: ``.sensitivity``, ``.origin``, ``.false_alarms_per_year`` it aims at."""
        return chosen.of(self)

    def learn(self) -> tuple[Constraint, ...]:
        """What the table normally holds, learned from its published partitions, with evidence."""
        past = self.history()
        return detect.learn(past, sensitivity=chosen.in_force(self)[0]).constraints if past.labels else ()

    def write_learned(self) -> tuple[Constraint, ...]:
        """Add the learned constraints to ``interlock.yaml`` for a person to edit; returns those added."""
        from interlock.constraints import contract  # needs libraries that nothing else here does

        return contract.write_learned(self._workspace.contract_path, self.name, self.learn())

    def enforce(self, *names: str, off: bool = False) -> frozenset[str]:
        """Let learned constraints block, all or by name; ``off`` puts them back to shadow."""
        if off:
            learned.shadow(self._site, self.name, names)
        else:
            learned.enforce(self._site, self.name, names, [c.name for c in self.learn()])
        self._workspace.project()
        return self.enforced

    def accept(self, since: object, reason: str) -> list[str]:
        """Start a new normal at ``since``: what differs from then on is no fault. Returns the labels it covers."""
        covered = learned.accept(self._site, self.name, since, reason, self._workspace.user)
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
        self._managed()
        asked = request.of(self, data, partition)
        verdict = write.write(self._site, asked)
        self._kept.append(verdict)
        self._judge_again(asked)
        return verdict

    def check(self, data: object, partition: object = None) -> Verdict:
        """What `write` would say. Nothing is stored and no trigger fires."""
        return write.check(self._site, request.of(self, data, partition))

    def backfill(self, data: object, *, progress: Progress = quiet) -> list[Verdict]:
        """Write many partitions at once, split by the partition column, in one commit.

        Each is judged by the partitions before it, as if they had come one by one.
        """
        self._managed()
        if self.partition is None:
            return [self.write(data)]
        asked = request.of(self, data)
        made, past = backfill.backfill(self._site, asked, progress)
        self._kept.put(past)
        renewed = {v.partition: v for v in self._judge_again(asked, past=True)}
        return [renewed.get(v.partition, v) for v in made]

    def judge_new(self, progress: Progress = quiet) -> list[Verdict]:
        """Judge what of an attached table is new or changed since the last time: files, partitions in PostgreSQL."""
        record = self.record
        if record.mode is not Mode.ATTACHED or record.location is None:
            raise UsageError(
                f"{self.name} is a managed table", hint="check(data) judges data before it is written"
            )
        if address.is_one(record.location):
            from interlock.workspace import watch  # needs what nothing else here does

            return watch.judged(self, progress)
        return attached.judge_new(self._site, request.of(self), progress)

    def release(self, partition: object, reason: str) -> dict[str, Any]:
        """Publish a quarantined partition after all; what it holds counts as normal from now on."""
        label = partition_label(partition)
        return quarantine.release(self._site, self.record, label, reason, self._workspace.user)

    def drop(self, partition: object, reason: str) -> dict[str, Any]:
        """Take a partition out of quarantine for good. Its file is kept for the grace period."""
        label = partition_label(partition)
        return quarantine.drop(self._site, self.record, label, reason, self._workspace.user)

    def verdict(self, partition: object = None) -> dict[str, Any] | None:
        """The verdict that stands on a partition, or on the one judged last; None where nothing was judged.

        Its document, with ``decision`` as it is now: a partition that a person released from
        quarantine is ``published`` and has ``released`` True. Where the last load is in
        quarantine, that is what stands, also while readers still see an older one.
        """
        with self._site.catalog.read() as rx:
            found = standing.of(rx, self.record, None if partition is None else partition_label(partition), 1)
        return found[0] if found else None

    def verdicts(self, limit: int | None = None) -> list[dict[str, Any]]:
        """`verdict` of each partition, the one judged last first."""
        with self._site.catalog.read() as rx:
            return standing.of(rx, self.record, None, limit)

    def quarantined_verdict(self, partition: object) -> dict[str, Any]:
        """The verdict that put a partition into quarantine."""
        with self._site.catalog.read() as rx:
            return quarantine.verdict(rx, self.name, partition_label(partition))

    # --- objective --------------------------------------------------------------------

    def objective(
        self, healthy: float = 0.99, window: str = "30d", fresh: str | None = None, zone: str = "UTC"
    ) -> Table:
        """Promise a service level: a share of healthy partitions over a window, fresh by a time of day.

        The contract's, where it has one, comes first. Raises `ContractError`.
        """
        made_objective(healthy, window, fresh, zone)
        promise = {"healthy": healthy, "window": window, "fresh": fresh, "zone": zone}
        own.put(self._site, self.name, slo=promise)
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
        return self._kept.history()

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
        return trial.run(
            self,
            sensitivities,
            partitions=partitions or settings.current().backtest_partitions,
            not_clean=frozenset(map(partition_label, not_clean)),
            seed=seed,
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

    def _judge_again(self, asked: Request, *, past: bool = False) -> list[Verdict]:
        """The early partitions' verdicts by what came after them, at the moment there is enough of it."""
        return again.judge_again(self._site, replace(asked, history=self.history()), past=past)

    def _managed(self) -> None:
        if self.attached:
            raise UsageError(
                f"{self.name} is attached: its data is judged where it is and never written to",
                hint=f"interlock check {self.name} judges its new files",
            )
