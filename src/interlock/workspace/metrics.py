"""A workspace in numbers, for Prometheus: names, units and labels that do not change.

Labels are the workspace's folder, tables, and words of ours; never a column, a
partition or a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

import interlock
from interlock.alerts.budget import DIGEST
from interlock.alerts.feedback import Precision
from interlock.alerts.slo import Standing
from interlock.catalog import AlertState, State, TriggerState
from interlock.catalog.counts import Counts, Held
from interlock.names import Outcome, Severity, partition_time
from interlock.workspace import measured
from interlock.workspace.exposition import Metric, Sample
from interlock.workspace.measured import Facts

if TYPE_CHECKING:
    from interlock.workspace.workspace import Workspace

_OPEN = frozenset(s.value for s in AlertState if s.is_open)
_SHOWN_STATES = {
    State.PUBLISHED.value: "published",
    State.CHECKED.value: "admitted",
    State.QUARANTINED.value: "quarantined",
}


def collect(workspace: Workspace, tables: Collection[str] = (), *, verify: bool = False) -> list[Metric]:
    """Every metric of these tables, all without any. ``verify`` verifies the ledger first.

    Raises `TableNotFound`.
    """
    for name in tables:
        workspace.existing_table(name)
    facts = measured.read(
        workspace.site,
        lambda record: measured.promised(record, workspace.contract_of(record.name).slo),
        frozenset(tables) or None,
        workspace.verify_ledger() if verify else None,
    )
    return named(facts, str(workspace.path))


def named(facts: Facts, workspace: str) -> list[Metric]:
    """Every metric, in one order; those of a table carry its name."""
    return [
        Metric(
            name,
            type_,
            help_,
            tuple(Sample({"workspace": workspace, **labels}, value) for labels, value in found(facts)),
        )
        for name, type_, help_, found in METRICS
    ]


Found = Iterator[tuple[dict[str, str], float]]


def _by_table(facts: Facts, counted: Counts, *names: str) -> Found:
    """Counts whose key is a table and then a label each of ``names``."""
    for key, count in sorted(counted.items()):
        if key[0] in facts.tables:
            yield dict(zip(("table", *names), key, strict=True)), count


def _partitions(facts: Facts) -> Found:
    for table in facts.tables:
        for state, shown in _SHOWN_STATES.items():
            count = facts.partitions.get((table, state), 0)
            if count or state != State.CHECKED:
                yield {"table": table, "state": shown}, count


def _held(of: Callable[[Held], float | None]) -> Callable[[Facts], Found]:
    def found(facts: Facts) -> Found:
        for table in facts.tables:
            held = facts.held.get(table)
            if held is not None and (value := of(held)) is not None:
                yield {"table": table}, value

    return found


def _newest(held: Held) -> float | None:
    moment = partition_time(held.date_max) if held.date_max is not None else None
    return moment.timestamp() if moment is not None else None


def _open_alerts(facts: Facts) -> Found:
    for table in facts.tables:
        for severity in (Severity.PAGE, Severity.TICKET):
            found = (
                n
                for (t, state, s, _), n in facts.alerts.items()
                if (t, s) == (table, severity) and state in _OPEN
            )
            yield {"table": table, "severity": severity.value}, sum(found)


def _told(facts: Facts) -> Found:
    for table in facts.tables:
        mine = [(told, n) for (t, _, _, told), n in facts.alerts.items() if t == table]
        yield {"table": table, "how": "alone"}, sum(n for told, n in mine if told not in ("", DIGEST))
        yield {"table": table, "how": "digest"}, sum(n for told, n in mine if told == DIGEST)
        yield {"table": table, "how": "not"}, sum(n for told, n in mine if told == "")


def _said(facts: Facts) -> Found:
    for table in facts.tables:
        said = facts.precision.get(table, Precision())
        yield {"table": table, "said": "useful"}, said.useful
        yield {"table": table, "said": "false_alarm"}, said.false_alarms


def _precision(facts: Facts) -> Found:
    for table in facts.tables:
        value = facts.precision.get(table, Precision()).value
        if value is not None:
            yield {"table": table}, value


def _slo(of: Callable[[Standing], float | None]) -> Callable[[Facts], Found]:
    def found(facts: Facts) -> Found:
        for table, standing in facts.standings.items():
            if (value := of(standing)) is not None:
                yield {"table": table}, value

    return found


def _attained(standing: Standing) -> float | None:
    return 1.0 - len(standing.unhealthy) / standing.partitions if standing.partitions else None


def _triggers(facts: Facts) -> Found:
    for table in facts.tables:
        for state in (TriggerState.PENDING, TriggerState.FAILED, TriggerState.GIVEN_UP):
            yield {"table": table, "state": state.value}, facts.triggers.get((table, state.value), 0)


def _one(of: Callable[[Facts], float | None]) -> Callable[[Facts], Found]:
    def found(facts: Facts) -> Found:
        if (value := of(facts)) is not None:
            yield {}, value

    return found


METRICS: tuple[tuple[str, str, str, Callable[[Facts], Found]], ...] = (
    (
        "interlock_info",
        "gauge",
        "Always 1; the version that read the workspace.",
        lambda f: iter([({"version": interlock.__version__}, 1.0)]),
    ),
    (
        "interlock_read_timestamp_seconds",
        "gauge",
        "When these numbers were read.",
        _one(lambda f: f.now.timestamp()),
    ),
    (
        "interlock_partitions",
        "gauge",
        "Partitions by state: published, admitted (of attached tables), quarantined.",
        _partitions,
    ),
    ("interlock_rows", "gauge", "Rows that readers see.", _held(lambda h: h.rows)),
    ("interlock_size_bytes", "gauge", "Bytes of the files that readers see.", _held(lambda h: h.size_bytes)),
    (
        "interlock_newest_partition_timestamp_seconds",
        "gauge",
        "The moment the newest partition is of, by its label; none where labels are no dates.",
        _held(_newest),
    ),
    (
        "interlock_last_load_timestamp_seconds",
        "gauge",
        "When a partition that readers see was last loaded.",
        _held(lambda h: h.loaded_at),
    ),
    (
        "interlock_last_verdict_timestamp_seconds",
        "gauge",
        "When the table was last judged.",
        lambda f: (({"table": t}, f.judged[t]) for t in f.tables if t in f.judged),
    ),
    (
        "interlock_verdicts_total",
        "counter",
        "Verdicts by outcome and decision.",
        lambda f: _by_table(f, f.verdicts, "outcome", "decision"),
    ),
    ("interlock_open_alerts", "gauge", "Alerts that are open or acknowledged, by severity.", _open_alerts),
    (
        "interlock_alerts_told",
        "gauge",
        "Alerts ever opened, by how somebody was told: alone, in a digest, or not.",
        _told,
    ),
    (
        "interlock_alerts_silenced_total",
        "counter",
        "How often a false alarm kept an alert quiet.",
        lambda f: _by_table(f, f.silenced),
    ),
    ("interlock_alerts_spoken_of", "gauge", "Alerts that a person called useful or a false alarm.", _said),
    (
        "interlock_alert_precision_ratio",
        "gauge",
        "Useful alerts among those spoken of, 0 to 1; none before anybody spoke.",
        _precision,
    ),
    (
        "interlock_slo_objective_ratio",
        "gauge",
        "The share of healthy partitions that is promised.",
        _slo(lambda s: s.objective.healthy),
    ),
    (
        "interlock_slo_attained_ratio",
        "gauge",
        "The share of healthy partitions in the objective's window.",
        _slo(_attained),
    ),
    (
        "interlock_slo_budget_left_ratio",
        "gauge",
        "The part of the error budget not used; negative where it is overdrawn.",
        _slo(lambda s: s.left),
    ),
    (
        "interlock_slo_late_partitions",
        "gauge",
        "Partitions in the window that were not there in time.",
        _slo(lambda s: len(s.late)),
    ),
    (
        "interlock_slo_overdue",
        "gauge",
        "1 where the next partition should be there by now.",
        _slo(lambda s: s.overdue),
    ),
    (
        "interlock_slo_missed",
        "gauge",
        "1 where the objective is missed or data is overdue.",
        _slo(lambda s: s.outcome is Outcome.FAIL),
    ),
    (
        "interlock_triggers",
        "gauge",
        "Runs of triggers that wait, failed and will be tried again, or were given up.",
        _triggers,
    ),
    (
        "interlock_ledger_entries",
        "gauge",
        "Entries in the ledger; never fewer than before.",
        _one(lambda f: f.ledger),
    ),
    (
        "interlock_ledger_unplaced_entries",
        "gauge",
        "Entries that are committed and not in the ledger's files yet.",
        _one(lambda f: f.unplaced),
    ),
    (
        "interlock_ledger_verified",
        "gauge",
        "1 where the ledger was verified for this reading, 0 where something in it was changed.",
        _one(lambda f: None if f.verified is None else f.verified.ok),
    ),
)
