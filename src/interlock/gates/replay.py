"""What a partition costs the models that read it: each is replayed on the rows, and on clean ones.

The model is any callable; nothing is loaded from files. It sees the rows as they
came, which is watched like any feature of the partition (`with_losses`), and where
something alarms the same rows with healthy values in an alert's columns, and recent
healthy partitions (`weighed`). A model that fails is noted and changes no verdict.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from interlock.alerts.alert import Alert
from interlock.alerts.impact import Harm, Hit
from interlock.catalog import Mode, PartitionRecord, Reader, partitions, verdicts
from interlock.engines.duckdb import DuckDB
from interlock.engines.protocol import ROW, Relation
from interlock.gates.readers import ModelReader, hits
from interlock.gates.request import Request
from interlock.gates.site import Site
from interlock.gates.verdict import Verdict
from interlock.names import Severity
from interlock.profiles.profile import ModelLoss, Profile
from interlock.settings import current

Healthy = Callable[[], Sequence[tuple[str, Relation]]]


def with_losses(engine: DuckDB, request: Request, profile: Profile, rows: Relation) -> Profile:
    """The profile with what each model that can be replayed loses on the rows."""
    models = [m for m in request.models if m.predict is not None and m.loss is not None]
    if not models or not rows.rows:
        return profile
    frame = _frame(engine, rows)
    return replace(profile, losses={m.name: _loss(m, frame) for m in models})


def _loss(model: ModelReader, rows: _Rows) -> ModelLoss:
    try:
        known = _losses(model, rows)
    except Exception as raised:  # whatever the model's own code raises
        return ModelLoss(problem=_problem(raised))
    if not known.size:
        return ModelLoss()
    mean = float(known.mean())
    if not (math.isfinite(mean) and mean >= 0):
        return ModelLoss(problem="it is negative or not finite")
    error = float(known.std(ddof=1)) / math.sqrt(known.size) if known.size > 1 else math.nan
    return ModelLoss(mean, error)


def _problem(error: Exception) -> str:
    return f"{type(error).__name__} in its predict or loss"  # the message may quote a cell


def weighed(
    site: Site, request: Request, verdict: Verdict, rows: Relation | None, healthy: Healthy
) -> Verdict:
    """The verdict, its alerts with whom they hit and what they cost, ranked by that.

    ``rows`` are the partition as it came, None where it cannot be read. ``healthy``
    gives recent healthy partitions, newest first; asked only where a model is replayed.
    """
    if not request.models or not verdict.alerts:
        return verdict
    told = [replace(a, hit=hits(a, request.models)) for a in verdict.alerts]
    loud = any(a.severity is not Severity.INFO for a in told)
    for model in request.models:
        if model.predict is None or model.loss is None or rows is None or not loud:
            continue
        told = _measured(site.engine, model, request, told, verdict.partition, rows, healthy)
    return replace(verdict, alerts=tuple(sorted(told, key=lambda a: (-a.rank, a.severity.rank, a.title))))


def _measured(
    engine: DuckDB,
    model: ModelReader,
    request: Request,
    told: Sequence[Alert],
    label: str,
    rows: Relation,
    healthy: Healthy,
) -> list[Alert]:
    try:
        past = [_frame(engine, relation) for _, relation in healthy()]
        if not past:
            return [_noted(a, model, problem="there is no healthy partition yet") for a in told]
        now = _frame(engine, rows)
        usual = statistics.median(_cost(model, one) for one in past)
        loss = _cost(model, now)
        return [
            _noted(a, model, harm=Harm(label, loss, usual, _clean(model, request, a, now, past[0], loss)))
            for a in told
        ]
    except Exception as error:  # whatever the model's own code raises
        return [_noted(a, model, problem=_problem(error)) for a in told]


def _noted(alert: Alert, model: ModelReader, **what: Any) -> Alert:
    def one(hit: Hit) -> Hit:
        return replace(hit, **what) if hit.model == model.name else hit

    return replace(alert, hit=tuple(map(one, alert.hit)))


def _clean(
    model: ModelReader, request: Request, alert: Alert, now: _Rows, healthy: _Rows, loss: float
) -> float:
    """The loss on the same rows with healthy values in the broken columns; without columns, on as many healthy rows."""
    columns = [c for c in alert.columns if c in model.shares and c in now.frame and c in healthy.frame]
    if not alert.columns:
        return _cost(model, healthy)
    if not columns:
        return loss
    return _cost(model, replace(now, frame=_mended(now.frame, healthy.frame, columns, request.rules.key)))


def _mended(now: Any, healthy: Any, columns: Sequence[str], key: Sequence[str]) -> Any:
    """``now`` with ``columns`` of the healthy row of the same key, else of one drawn with a fixed seed."""
    draw = np.random.default_rng(current().replay_seed)
    at = draw.integers(len(healthy), size=len(now))
    names = [k for k in key if k in now and k in healthy and k not in columns]
    if names:
        places = healthy[names].assign(_at=range(len(healthy))).drop_duplicates(names)
        found = now[names].merge(places, how="left", on=names)["_at"].to_numpy(dtype="float64")
        at = np.where(np.isnan(found), at, np.nan_to_num(found)).astype(np.int64)
    return now.assign(**{c: healthy[c].to_numpy()[at] for c in columns})


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows, or a sample of them: each stands for ``each``."""

    frame: Any
    each: float


def _frame(engine: DuckDB, relation: Relation) -> _Rows:
    """A partition's rows as a pandas frame; every n-th of a large one."""
    source = engine.source(relation).sql(dialect="duckdb")
    step = max(1, math.ceil(relation.rows / current().replay_rows_max))
    where = f" WHERE {ROW} % {step} = 0" if step > 1 else ""
    with duckdb.connect() as connection:
        frame = connection.sql(f"SELECT * FROM {source}{where}").df()
    return _Rows(frame, relation.rows / len(frame) if len(frame) else 1.0)


def _cost(model: ModelReader, rows: _Rows) -> float:
    """The loss summed over a partition's rows; rows without a truth count with the mean of the others."""
    known = _losses(model, rows)
    return float(known.mean()) * len(rows.frame) * rows.each if known.size else 0.0


def _losses(model: ModelReader, rows: _Rows) -> npt.NDArray[np.float64]:
    """The loss of each row whose truth is known, or their mean alone where the model gives that."""
    if not len(rows.frame) or model.predict is None or model.loss is None:
        return np.empty(0)
    given = rows.frame
    if model.frame == "arrow":
        import pyarrow

        given = pyarrow.Table.from_pandas(given, preserve_index=False)
    losses = np.atleast_1d(np.asarray(model.loss(given, model.predict(given)), dtype=np.float64))
    return losses[~np.isnan(losses)]


# --- recent healthy partitions --------------------------------------------------------


def stored(site: Site, request: Request, label: str) -> Healthy:
    """The published partitions before ``label`` without a ticket or page, newest first; read when called."""

    def healthy() -> list[tuple[str, Relation]]:
        with site.catalog.read() as rx:
            before = _before(rx, request, label)
        return [(p.label, site.engine.relation(str(_local(site, request, p)))) for p in before]

    return healthy


def _before(rx: Reader, request: Request, label: str) -> list[PartitionRecord]:
    order = partitions.label_order(label)
    every = [p for p in partitions.current(rx, request.table.name) if partitions.label_order(p.label) < order]
    found: list[PartitionRecord] = []
    for record in reversed(every):
        verdict = verdicts.get(rx, record.verdict_id) if record.verdict_id else None
        alerts = verdict.document["alerts"] if verdict is not None else ()
        if record.path and record.rows and all(a["severity"] == Severity.INFO.value for a in alerts):
            found.append(record)
        if len(found) == current().replay_partitions:
            break
    return found


def _local(site: Site, request: Request, record: PartitionRecord) -> Path:
    managed = request.table.mode is Mode.MANAGED
    path = record.path or ""
    return site.files.local(path, site.engine.temporary()) if managed else Path(path)
