"""What the catalog holds, as frozen values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Mode(StrEnum):
    """A managed table's data is ours; an attached table's is judged where it is."""

    MANAGED = "managed"
    ATTACHED = "attached"


class State(StrEnum):
    """Where one version of a partition stands."""

    PUBLISHED = "published"
    QUARANTINED = "quarantined"
    REPLACED = "replaced"
    RELEASED = "released"  # left quarantine: another version, published, holds its rows
    DROPPED = "dropped"
    CHECKED = "checked"  # judged in place, attached tables only


CURRENT = (State.PUBLISHED, State.CHECKED)


@dataclass(frozen=True, slots=True)
class TableRecord:
    """A table. ``settings`` holds owner, sensitive columns, segments and the like."""

    name: str
    mode: Mode
    partition: str | None
    key: tuple[str, ...]
    location: str | None
    settings: Mapping[str, Any]
    created_at: dt.datetime
    lake_table_id: int | None = None


@dataclass(frozen=True, slots=True)
class PartitionRecord:
    """One version of a partition. ``id`` is None until stored.

    ``path`` is relative to the workspace folder for managed tables, as given for
    attached ones. ``digest`` is ``sha256:`` and that of the file for managed
    tables, ``mtime:`` and the time it last changed for attached ones; None for
    what was written before digests were taken. ``schema`` is a list of
    ``[name, type]``.
    """

    table: str
    label: str
    state: State
    rows: int
    size_bytes: int
    loaded_at: dt.datetime
    schema: Sequence[Sequence[str]] = ()
    path: str | None = None
    digest: str | None = None
    data_file_id: int | None = None
    snapshot_id: int | None = None
    verdict_id: str | None = None
    id: int | None = None

    def fact(self) -> dict[str, Any]:
        """What a ledger entry says of this version. ``state`` may change later, the rest may not."""
        return {
            "id": self.id,
            "table": self.table,
            "label": self.label,
            "state": self.state.value,
            "rows": self.rows,
            "size_bytes": self.size_bytes,
            "path": self.path,
            "digest": self.digest,
        }


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One partition's features. ``vector`` holds float64 in the order of its vector schema."""

    partition_id: int
    label: str
    state: State
    loaded_at: dt.datetime
    rows: int
    vector: bytes
    vector_schema: int
    domains: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A verdict. ``document`` is its full JSON; ``entry_digest`` names the entry that vouches for it."""

    id: str
    table: str
    label: str
    gate: str
    outcome: str
    decision: str
    judged_at: dt.datetime
    document: Mapping[str, Any]
    entry_digest: str = ""


@dataclass(frozen=True, slots=True)
class AcceptRecord:
    """A new normal: from ``since`` (a partition label) on, for this reason."""

    table: str
    since: str
    reason: str
    at: dt.datetime
    who: str
    id: int | None = None


class AlertState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"  # open, and a person knows
    RECOVERED = "recovered"  # closed by a clean partition
    SETTLED = "settled"  # closed because it lasted so long that it is the new normal
    CLOSED = "closed"  # closed by a person

    @property
    def is_open(self) -> bool:
        return self in (AlertState.OPEN, AlertState.ACKNOWLEDGED)


class Feedback(StrEnum):
    USEFUL = "useful"
    FALSE_ALARM = "false_alarm"


@dataclass(frozen=True, slots=True)
class AlertPart:
    """What an alert is in one table.

    ``leading`` are the columns it began with there, ``columns`` all it ever was
    about, ``broken`` those of the last sighting. ``recovered`` is the clean
    partition that ended it in this table.
    """

    table: str
    leading: tuple[str, ...]
    columns: tuple[str, ...]
    broken: tuple[str, ...]
    severity: str
    title: str
    first_label: str
    last_label: str
    verdict_id: str
    seen: int = 1
    recovered: str | None = None


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model that reads tables: ``importance`` has a weight ≥ 0 for each of ``reads``, ``table.column``.

    ``writes`` is the table of its predictions.
    """

    name: str
    reads: tuple[str, ...]
    importance: Mapping[str, float]
    writes: str | None
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """The life of one cause over the partitions of a table, or of several that share a ``source``.

    ``table`` is where it began, ``parts`` what it is in each. ``manner`` says how
    it broke; ``opened_as`` what was said when it opened. ``impact`` is what its
    score is weighed with, ``hit`` who reads the columns.

    ``kind`` and ``columns``, those it began with, are its identity. ``aspects``
    are what of the data it was ever about. ``score`` and ``share`` are its
    largest size so far; ``told_score`` and ``told_share`` its size when somebody
    was last told. ``who`` and ``reason`` are those of the last action a person
    took. ``quiet_until`` ends what a false alarm silences, ``silenced`` counts it.
    """

    id: int
    table: str
    kind: str
    columns: tuple[str, ...]
    aspects: tuple[str, ...]
    severity: str
    title: str
    score: float
    share: float | None
    first_label: str
    last_label: str
    verdict_id: str
    opened_at: dt.datetime
    updated_at: dt.datetime
    seen: int = 1
    state: AlertState = AlertState.OPEN
    cause: str | None = None
    advice: str | None = None
    owner: str | None = None
    closed_at: dt.datetime | None = None
    closed_label: str | None = None
    closed_verdict: str | None = None
    feedback: Feedback | None = None
    who: str | None = None
    reason: str | None = None
    quiet_until: dt.datetime | None = None
    silenced: int = 0
    told: str | None = None
    told_at: dt.datetime | None = None
    told_week: str | None = None
    told_severity: str | None = None
    told_score: float | None = None
    told_share: float | None = None
    recovery_told: bool = False
    source: str | None = None
    manner: str | None = None
    opened_as: str | None = None
    impact: float | None = None
    hit: tuple[Mapping[str, Any], ...] = ()
    parts: tuple[AlertPart, ...] = ()

    def part(self, table: str) -> AlertPart | None:
        """What it is in a table; None where it is not about it."""
        return next((p for p in self.parts if p.table == table), None)

    @property
    def name(self) -> str:
        """``A17``: what people call it."""
        return f"A{self.id}"

    @property
    def key(self) -> str:
        """``unit:distance``: the identity of the cause, readable."""
        return f"{self.kind}:{','.join(self.columns)}" if self.columns else self.kind


class TriggerState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"  # will be tried again
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class TriggerRun:
    """One action on a verdict and how far it got."""

    verdict_id: str
    table: str
    label: str
    trigger: Mapping[str, Any]
    created_at: dt.datetime
    updated_at: dt.datetime
    state: TriggerState = TriggerState.PENDING
    attempts: int = 0
    detail: str | None = None
    id: int | None = None

    def waits(self, now: dt.datetime) -> bool:
        """Whether its time has not come yet, such as the end of quiet hours."""
        not_before = self.trigger.get("not_before")
        return not_before is not None and now < dt.datetime.fromisoformat(not_before)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An entry on its way to the ledger, or there already (``ledger_index``)."""

    id: int
    kind: str
    at: dt.datetime
    entry: bytes
    digest: str
    ledger_index: int | None


@dataclass(frozen=True, slots=True)
class ColumnStats:
    """What a Parquet footer says of one leaf column, values as DuckLake text; None is unknown."""

    size_bytes: int = 0
    value_count: int = 0
    null_count: int = 0
    min: str | None = None
    max: str | None = None
    contains_nan: bool | None = None


@dataclass(frozen=True, slots=True)
class DataFile:
    """A durable Parquet file to publish. ``path`` is relative to the table's folder (`lake.folder`).

    ``columns`` maps field id → statistics, leaf columns only. ``partition_value``
    is the partition column's Python value, unused for unpartitioned tables.
    """

    path: str
    rows: int
    size_bytes: int
    footer_size: int
    columns: Mapping[int, ColumnStats] = field(default_factory=dict)
    partition_value: Any = None


@dataclass(frozen=True, slots=True)
class ForeignSnapshot:
    """A commit made past the gate by another DuckLake writer."""

    snapshot_id: int
    at: str
    changes: str
    author: str | None
    message: str | None
    tables: tuple[str, ...]
    files_added: tuple[str, ...]
    files_removed: tuple[str, ...]
    delete_files: int
    rows_inlined: int
