"""What we know: one catalog per workspace, in SQLite or PostgreSQL, and DuckLake tables in it.

`Catalog` opens transactions; the modules beside it read and write with them::

    with catalog.write() as tx:
        published = lake.publish(tx, "flights", [file])
        partition_id = partitions.add(tx, PartitionRecord(...))
        verdicts.put(tx, VerdictRecord(...))
"""

from interlock.catalog import (
    accepts,
    alerts,
    constraints,
    counts,
    foreign,
    home,
    lake,
    outbox,
    partitions,
    profiles,
    scan,
    tables,
    triggers,
    verdicts,
)
from interlock.catalog.catalog import Catalog, Reader, Writer
from interlock.catalog.database import Locks
from interlock.catalog.files import DATA, QUARANTINE, Files
from interlock.catalog.records import (
    AcceptRecord,
    AlertPart,
    AlertRecord,
    AlertState,
    ColumnStats,
    DataFile,
    Feedback,
    ForeignSnapshot,
    HistoryRow,
    Mode,
    ModelRecord,
    OutboxRow,
    PartitionRecord,
    State,
    TableRecord,
    TriggerRun,
    TriggerState,
    VerdictRecord,
)

__all__ = [
    "DATA",
    "QUARANTINE",
    "AcceptRecord",
    "AlertPart",
    "AlertRecord",
    "AlertState",
    "Catalog",
    "ColumnStats",
    "DataFile",
    "Feedback",
    "Files",
    "ForeignSnapshot",
    "HistoryRow",
    "Locks",
    "Mode",
    "ModelRecord",
    "OutboxRow",
    "PartitionRecord",
    "Reader",
    "State",
    "TableRecord",
    "TriggerRun",
    "TriggerState",
    "VerdictRecord",
    "Writer",
    "accepts",
    "alerts",
    "constraints",
    "counts",
    "foreign",
    "home",
    "lake",
    "outbox",
    "partitions",
    "profiles",
    "scan",
    "tables",
    "triggers",
    "verdicts",
]
