"""One alert in several tables: which breaks of tables with one source are one fault upstream, and how it is told.

Pure. A table joins an alert of another one where both declare the same source, broke in the
same manner, and began at the same time; a fault that begins later is its own alert.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from interlock.alerts import identity
from interlock.alerts.alert import Alert
from interlock.catalog.partitions import label_order
from interlock.catalog.records import AlertPart, AlertRecord
from interlock.names import Severity, partition_time
from interlock.words import count

COLUMNS_MAX = 1_000  # of a part that are kept
_BROAD = 3  # columns that broke in one manner, from which an unexplained break says enough to join another's


def joins(
    record: AlertRecord, alert: Alert, source: str | None, label: str, at: dt.datetime, within: dt.timedelta
) -> bool:
    """Whether a table's new break is the fault upstream that another table's open alert tells of."""
    if source is None or record.source != source or record.manner != identity.manner(alert):
        return False
    return _says_enough(record, alert) and _began_together(record, label, at, within)


def _says_enough(record: AlertRecord, alert: Alert) -> bool:
    """A recognised cause speaks for itself; else many columns must have broken, or one of the same name."""
    if alert.kind not in identity.VAGUE:
        return True
    columns = {c for part in record.parts for c in part.columns}
    return len(alert.columns) >= _BROAD or bool(columns & set(alert.columns))


def _began_together(record: AlertRecord, label: str, at: dt.datetime, within: dt.timedelta) -> bool:
    """By the partitions' own time where they have one."""
    began, now = partition_time(record.first_label), partition_time(label)
    if began is None or now is None:
        began, now = record.opened_at, at
    return abs(now - began) <= within


def begun(alert: Alert, table: str, label: str, verdict_id: str, title: str) -> AlertPart:
    """A table's part, as it is first seen."""
    return AlertPart(
        table=table,
        leading=tuple(alert.columns[: identity.LEADING]),
        columns=tuple(alert.columns[:COLUMNS_MAX]),
        broken=tuple(alert.columns[:COLUMNS_MAX]),
        severity=alert.severity.value,
        title=title,
        first_label=label,
        last_label=label,
        verdict_id=verdict_id,
    )


def goes_on(part: AlertPart, alert: Alert, label: str, verdict_id: str, title: str) -> AlertPart:
    """A table's part in one more partition."""
    columns = tuple(dict.fromkeys((*part.columns, *alert.columns)))
    return replace(
        part,
        columns=columns[:COLUMNS_MAX],
        broken=tuple(alert.columns[:COLUMNS_MAX]),
        severity=alert.severity.value,
        title=title,
        first_label=min(part.first_label, label, key=label_order),
        last_label=max(part.last_label, label, key=label_order),
        verdict_id=verdict_id,
        seen=part.seen + (label not in (part.first_label, part.last_label)),
        recovered=None,
    )


def as_well(part: AlertPart, alert: Alert) -> AlertPart:
    """A table's part with a second alert of the same partition that is the same cause."""
    return replace(
        part,
        columns=tuple(dict.fromkeys((*part.columns, *alert.columns)))[:COLUMNS_MAX],
        broken=tuple(dict.fromkeys((*part.broken, *alert.columns)))[:COLUMNS_MAX],
    )


def put(parts: Sequence[AlertPart], one: AlertPart) -> tuple[AlertPart, ...]:
    """The parts with this one in the place of its table's, or behind the others."""
    if any(p.table == one.table for p in parts):
        return tuple(one if p.table == one.table else p for p in parts)
    return (*parts, one)


def together(record: AlertRecord) -> AlertRecord:
    """What is said of the whole, made from its parts."""
    parts = record.parts
    alive = [p for p in parts if p.recovered is None] or list(parts)
    return replace(
        record,
        severity=min((p.severity for p in alive), key=lambda s: Severity(s).rank),
        first_label=min((p.first_label for p in parts), key=label_order),
        last_label=max((p.last_label for p in parts), key=label_order),
        seen=max(p.seen for p in parts),
        title=title(record.source, parts),
    )


def title(source: str | None, parts: Sequence[AlertPart]) -> str:
    """What broke: that of the one table, or how many columns of which tables and what in the first."""
    if len(parts) == 1:
        return parts[0].title
    columns = sum(len(p.columns) for p in parts)
    names = ", ".join(p.table for p in parts)
    broken = f"{count(columns, 'column')} of {len(parts):,} tables" if columns else f"{len(parts):,} tables"
    return f"{broken} from {source} broke together ({names}); {parts[0].table}: {parts[0].title}"
