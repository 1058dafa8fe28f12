"""The workspace: composes catalog, engine, gates and ledger. The only place that wires parts together.

Parts are imported where they are used: who asks the vault does not wait half a second for detection.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from interlock.catalog import Catalog, ModelRecord, alerts, tables, verdicts
from interlock.catalog import models as stored_models
from interlock.errors import TableNotFound, nearest
from interlock.gates import projection
from interlock.gates.site import Site
from interlock.workspace import place, recovery
from interlock.workspace.progress import Progress, quiet

if TYPE_CHECKING:
    import duckdb
    from sqlglot import exp

    from interlock.alerts.feedback import Precision
    from interlock.constraints.contract import Contract
    from interlock.constraints.table_contract import TableContract, Trigger
    from interlock.gates import quarantine
    from interlock.gates.erase.erase import Erasure
    from interlock.gates.readers import Loss, ModelReader, Predict
    from interlock.gates.verdict import Verdict
    from interlock.ledger import Report
    from interlock.workspace import doctor, models
    from interlock.workspace.alerts import KnownAlert
    from interlock.workspace.table import Table
    from interlock.workspace.vault import Vault


def open(
    path: str | os.PathLike[str] | None = None,
    *,
    create: bool = True,
    data: str | os.PathLike[str] | None = None,
) -> Workspace:
    """The workspace at ``path``, made if need be (unless ``create`` is False).

    Without a path: the project in the current folder, that is its
    ``interlock.yaml``, else an embedded workspace in ``./.interlock``. A folder
    that already holds other files keeps its workspace in ``.interlock`` inside.
    Several processes may have it open at once. What an earlier process left
    unfinished is cleaned up first; `Workspace.recovered` says what.

    ``postgresql://USER@HOST/DATABASE?schema=NAME`` is a workspace that several machines
    share: its catalog is in that schema, its files are in ``data``, a folder or
    ``s3://BUCKET/PREFIX``, which is given when it is made, and again by a machine that
    reaches it under another name.

    Raises `WorkspaceNotFound`, `WorkspaceVersion`, `ContractError`, `StorageFailed`; for a
    database also `FolderMissing`, `DatabaseUnreachable`, `DatabaseRefused`, `ExtraMissing`,
    and for S3 `StoreUnreachable`, `StoreRefused`.
    """
    found = place.find(path, data) if create else place.existing(path, data)
    contract = _read(found.contract) if found.contract else None
    catalog = found.catalog(create=create)
    try:
        here = found.of(catalog)
        if contract is None and here.contract is not None:
            contract = _read(here.contract)
        return Workspace(catalog, contract, here.contract_path)
    except BaseException:
        catalog.close()
        raise


class Workspace:
    """Tables, their gates and the record of what happened. Made by `open`; a context manager."""

    def __init__(self, catalog: Catalog, contract: Contract | None, contract_path: Path) -> None:
        self.path = catalog.folder
        self.contract_path = contract_path
        self.site = Site(catalog.folder, catalog)
        self._contract = contract
        self._tables: dict[str, Table] = {}
        self._hooks: dict[str, list[Trigger]] = {}
        self._replays: dict[str, models.Replay] = {}
        self.recovered: tuple[str, ...] = recovery.recover(self.site)
        self._bind_contract()
        recovery.run_triggers(self.site, self.contract_of)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the catalog and the engine. May be called twice."""
        self.site.close()

    def __repr__(self) -> str:
        return f"<Workspace {self.where}>"

    @property
    def where(self) -> str:
        """What messages call it: the folder, or the database and where the files are."""
        return (
            str(self.path)
            if self.site.catalog.local
            else f"{self.site.catalog.where}, files in {self.site.files.where}"
        )

    @property
    def user(self) -> str:
        """The operating-system user, as entries in the ledger name it."""
        with contextlib.suppress(Exception):
            return getpass.getuser()
        return str(os.getuid())

    @property
    def identity(self) -> str:
        """Who acts, for what needs a second person: the operating-system user, whatever the environment claims.

        In PostgreSQL the role that is connected.
        """
        return self.site.catalog.database.user()

    @functools.cached_property
    def vault(self) -> Vault:
        """Model versions and dataset snapshots."""
        from interlock.workspace.vault import Vault

        return Vault(self)

    # --- tables -----------------------------------------------------------------------

    def table(
        self,
        name: str,
        partition: str | None = None,
        key: Sequence[str] | str | None = None,
        *,
        source: str | None = None,
        postgres: str | None = None,
    ) -> Table:
        """The managed table ``name``: bound if it exists, created otherwise.

        ``partition`` is the column that splits it; without one each load is a
        partition of its own. ``key`` names the columns that name a row. Given for
        an existing table they must agree (`TableConflict`), save that a key may be
        added later. ``source`` names what feeds it: tables of one source that break
        the same way at the same time are one alert.

        ``postgres``, in a workspace in PostgreSQL, names a table of that database, as SQL writes it
        (``analytics.orders``; in ``public`` without a schema): Interlock makes it, and publishes to it
        in the same commit. What is published already comes with it.
        """
        from interlock.workspace import bound

        bound.managed(self.site, name, partition, key, postgres)
        if postgres is not None:
            self.project()
        return self._bound(name, source)

    def attach(
        self,
        name: str,
        location: str | os.PathLike[str],
        key: Sequence[str] | str | None = None,
        *,
        source: str | None = None,
    ) -> Table:
        """The attached table ``name``: Parquet or CSV files that are judged where they are and never moved.

        Each file the glob ``location`` matches is a partition, called by the
        ``column=value`` in its path, else by its name. ``source``: as for `table`.
        """
        from interlock.workspace import bound

        bound.attached(self.site, name, location, key)
        return self._bound(name, source)

    def _bound(self, name: str, source: str | None) -> Table:
        from interlock.workspace import own

        table = self._table(name)
        if source is not None:
            own.put(self.site, name, source=source)
        return table

    def tables(self) -> list[Table]:
        """Every table, by name."""
        with self.site.catalog.read() as rx:
            names = [record.name for record in tables.list_(rx)]
        return [self._table(name) for name in names]

    def _table(self, name: str) -> Table:
        from interlock.workspace.table import Table

        return self._tables.setdefault(name, Table(self, name))

    def existing_table(self, name: str) -> Table:
        """The table ``name``; `TableNotFound`, with the nearest name, rather than a new one."""
        known = {t.name: t for t in self.tables()}
        if name not in known:
            raise TableNotFound(
                f"no table {name!r} in {self.where}",
                hint=nearest(name, known) or "`interlock init FILE --table NAME` makes one",
            )
        return known[name]

    # --- contract and hooks -----------------------------------------------------------

    def contract_of(self, name: str) -> TableContract:
        """What ``interlock.yaml`` says of a table; an empty contract where it says nothing."""
        from interlock.constraints.table_contract import TableContract

        return self._contract.table(name) if self._contract else TableContract()

    def enforced_by_contract(self, name: str) -> frozenset[str]:
        """Names of learned constraints the contract makes block; ``*`` for all."""
        enforce = self.contract_of(name).enforce
        if isinstance(enforce, tuple):
            return frozenset(enforce)
        return frozenset({"*"}) if enforce else frozenset()

    def _bind_contract(self) -> None:
        root = self.contract_path.parent
        for name, declared in (self._contract.tables if self._contract else {}).items():
            if declared.attach:
                beside = declared.attach if "://" in declared.attach else root / declared.attach
                self.attach(name, beside, declared.key)
            else:
                self.table(name, declared.partition, declared.key, postgres=declared.postgres)

    def on(
        self,
        event: str,
        action: Callable[[Verdict], object],
        *,
        table: str | None = None,
        attempts: int | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Call ``action(verdict)`` on every verdict of this ``event`` while this workspace is open.

        Events: ``fail``, ``pass``, ``inconclusive``, ``published``,
        ``quarantined``, ``alert`` (one opened, grew or became a page) and
        ``recovered`` (the partition closed one, or it has settled). A callable that fails is
        recorded, tried again within bounds, and never changes the verdict.
        """
        from interlock.gates import trigger

        made = trigger.python(event, action, attempts=attempts, timeout_s=timeout_s)
        self._hooks.setdefault(table or "", []).append(made)

    def model(
        self,
        name: str,
        reads: Sequence[str],
        writes: str | None = None,
        *,
        importance: Mapping[str, float] | None = None,
        predict: Predict | None = None,
        loss: Loss | None = None,
        frame: str = "pandas",
    ) -> None:
        """Declare a model that reads tables: its alerts are ranked by what they mean to it.

        ``reads`` are columns as ``table.column``; ``importance`` a weight ≥ 0 for each
        (all alike without one); ``writes`` the table of its predictions. These are
        stored. ``predict(rows)`` and ``loss(rows, predictions)``, for as long as this
        workspace is open, measure what a partition with an alert costs it: one loss for
        each row, NaN where the truth is not known, or their mean. ``rows`` is a pandas
        DataFrame or, with ``frame="arrow"``, an Arrow table. Raises `UsageError`.
        """
        from interlock.constraints import models as contract_models
        from interlock.workspace import models

        with self.site.catalog.write() as tx:
            stored_models.put(tx, contract_models.declared(name, reads, writes, importance, tx.now))
        self.project()
        self._replays.pop(name, None)
        if (how := models.replay(predict, loss, frame)) is not None:
            self._replays[name] = how

    def models(self) -> list[ModelRecord]:
        """Every model: those of ``interlock.yaml``, which come first, and those declared in Python."""
        with self.site.catalog.read() as rx:
            stored = {m.name: m for m in stored_models.list_(rx)}
        written = {m.name: m for m in self._contract.models} if self._contract else {}
        return [(stored | written)[name] for name in sorted(stored | written)]

    def readers(self, table: str) -> tuple[ModelReader, ...]:
        """The models that read a table."""
        from interlock.workspace import models

        return models.readers(table, self.models(), self._replays)

    def hooks(self, name: str) -> tuple[Trigger, ...]:
        """The callables given to `on` for a table."""
        return (*self._hooks.get("", ()), *self._hooks.get(name, ()))

    # --- reading ----------------------------------------------------------------------

    def sql(self, query: str, *, on_broken: str = "warn") -> duckdb.DuckDBPyRelation:
        """Query published data; tables by their names. Gives a DuckDB relation: ``.df()``, ``.pl()``, ``.fetchall()``.

        One consistent view: what others publish meanwhile is not seen. Where the query
        reads a column that is broken, ``on_broken`` says what then: ``warn`` with a
        `HealthWarning` for each cause; ``fail`` (`ReadRefused`); ``exclude`` the
        partitions it is broken in, and say which; ``ignore``. Raises `QueryFailed` for
        anything that is not a query or does not run.
        """
        from interlock.workspace import reader

        return reader.sql(self.site, query, on_broken)

    def rows(self, query: str, *, on_broken: str = "warn") -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of a query; as `sql`."""
        from interlock.workspace import reader

        relation = self.sql(query, on_broken=on_broken)
        return reader.fetched(relation)

    def source_of(self, name: str) -> exp.Expression | None:
        """Another table's published rows as a FROM item, for foreign keys."""
        from interlock.workspace import reader

        return reader.source(self.site, name)

    # --- privacy ----------------------------------------------------------------------

    def erase(
        self, table: str, where: str, reason: str, *, dry_run: bool = False, progress: Progress = quiet
    ) -> Erasure:
        """Erase rows, as of one person: ``erase("orders", "user_id = 42", "request 2024-17")``.

        What readers see of the table, also of its past, and the snapshots that pin such rows are rewritten
        without them at once; others' rows stay as they are. The old bytes are kept until a second person
        approves the request (`Vault.approve`) and `Vault.collect` removes them, whatever their retention.
        ``where`` is a condition on single rows in the expression language. Nothing recorded holds a value:
        neither may ``reason``. With ``dry_run`` it only tells what it would do.

        Raises `ExpressionRefused`, `UsageError`, `TableNotFound`, and `DeleteRefused`, with nothing done, where
        a legal hold keeps a snapshot.
        """
        from interlock.gates.erase import erase
        from interlock.workspace import request

        asked = request.of(self.existing_table(table))
        return erase.erase(self.vault.gate, asked, where, reason, dry_run=dry_run, progress=progress)

    # --- what happened ----------------------------------------------------------------

    def quarantined(self, table: str | None = None) -> list[quarantine.Held]:
        """Every partition in quarantine."""
        from interlock.gates import quarantine

        if table is not None:
            self.existing_table(table)
        with self.site.catalog.read() as rx:
            return quarantine.list_(rx, table)

    def verdicts(self, table: str | None = None, limit: int | None = None) -> list[dict[str, Any]]:
        """Stored verdicts as documents, newest first."""
        with self.site.catalog.read() as rx:
            return [dict(v.document) for v in verdicts.list_(rx, table, limit)]

    def alerts(
        self,
        table: str | None = None,
        limit: int | None = 20,
        *,
        only_open: bool = False,
        ranked: bool = False,
    ) -> list[KnownAlert]:
        """Alerts, open ones first, then the last to change; each a `KnownAlert` to act on.

        ``ranked``: by confidence × impact on the models that read them, whatever their state.
        """
        from interlock.workspace.alerts import KnownAlert

        if table is not None:
            self.existing_table(table)
        with self.site.catalog.read() as rx:
            found = alerts.list_(rx, table, None if ranked else limit, only_open=only_open)
        known = [KnownAlert(self, record) for record in found]
        return sorted(known, key=lambda a: (-a.rank, a.record.id))[:limit] if ranked else known

    def alert(self, id: str) -> KnownAlert:
        """The alert of this id, such as ``A17``. Raises `AlertNotFound`, with the nearest one."""
        from interlock.gates import alerting
        from interlock.workspace.alerts import KnownAlert

        with self.site.catalog.read() as rx:
            return KnownAlert(self, alerting.found(rx, id))

    def precision(self, table: str | None = None) -> dict[str, Precision]:
        """By table, how often its alerts were worth a look, by what people said of them."""
        from interlock.alerts.feedback import Precision

        with self.site.catalog.read() as rx:
            return {name: Precision.of(counts) for name, counts in alerts.feedback(rx, table).items()}

    def project(self) -> None:
        """Bring the ledger's files up to what is committed."""
        projection.project(self.site)

    def ledger_entries(self, limit: int = 20) -> list[dict[str, Any]]:
        """The newest entries, oldest first, each with its ``index`` and one line ``what``."""
        from interlock.workspace import doctor

        return doctor.ledger_entries(self.site, limit)

    def verify_ledger(self) -> Report:
        """Re-derive the ledger from its files and compare it with the catalog; read-only."""
        from interlock.workspace import doctor

        return doctor.verify_ledger(self.site)

    def past_the_gate(self) -> list[doctor.PastTheGate]:
        """Writes other tools made to the lake without passing the gate."""
        from interlock.workspace import doctor

        return doctor.past_the_gate(self.site)

    def metrics(self, *tables: str, verify: bool = False) -> str:
        """These tables, or all, in numbers: the Prometheus text exposition format.

        Reads the catalog in a fixed number of statements. ``verify`` verifies the
        ledger as well and says whether it is whole. Raises `TableNotFound`.
        """
        from interlock.workspace import exposition, metrics

        return exposition.text(metrics.collect(self, tables, verify=verify))

    def doctor(self, *, data: bool = False, progress: Progress = quiet) -> list[doctor.Finding]:
        """Everything that may be wrong with the workspace itself.

        Data files are looked for and measured. With ``data`` every current and
        quarantined one is also read, and compared with the SHA-256 taken when it
        was judged; ``progress(done, total)`` is called after each. Where tables are
        attached in PostgreSQL, what stands there is compared with the contract.
        """
        from interlock.workspace import doctor

        return [*doctor.examine(self.site, progress if data else None), *doctor.in_postgres(self)]


def _read(file: Path) -> Contract:
    from interlock.constraints.contract import Contract  # needs libraries that nothing else here does

    return Contract.load(file)
