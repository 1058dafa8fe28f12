"""Whether the catalog's rows are what the entries say of them."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from interlock.verify.facts import CATALOG, Facts
from interlock.verify.report import Report
from interlock.verify.rows import Rows

_FACT = ("id", "table", "label", "state", "rows", "size_bytes", "path", "digest")


def check(rows: Rows, facts: Facts, report: Report) -> None:
    """Partitions, verdicts, acceptances and what was said of alerts; `interlock.verify.versions` has the vault's."""
    _partitions(rows, facts, report)
    _verdicts(rows, facts, report)
    _accepts(rows, facts, report)
    _alerts(rows, facts, report)


def _partitions(rows: Rows, facts: Facts, report: Report) -> None:
    left = dict(facts.partitions)
    sql = "SELECT id, table_name, label, state, rows, size_bytes, path, digest FROM interlock_partition"
    for row in rows.each(sql):
        found = dict(zip(_FACT, row, strict=True))
        said: Mapping[str, Any] | None = left.pop(row[0], None)
        name = f"partition {row[1]}@{row[2]} (version {row[0]})"
        if said is None:
            report.problem(CATALOG, f"{name} is in no entry")
        elif said != found:
            differs = ", ".join(k for k in _FACT if said.get(k) != found[k])
            report.problem(CATALOG, f"{name} differs from its entry in {differs}")
    for id_, fact in left.items():
        report.problem(CATALOG, f"partition {fact['table']}@{fact['label']} (version {id_}) is gone")


def _verdicts(rows: Rows, facts: Facts, report: Report) -> None:
    left = dict(facts.verdicts)
    sql = (
        "SELECT id, table_name, label, gate, outcome, decision, document, judged_at, entry_digest"
        " FROM interlock_verdict"
    )
    for id_, *said, document, judged_at, entry in rows.each(sql):
        expected = left.pop(id_, None)
        digest = hashlib.sha256(document.encode()).hexdigest()
        found = (*said, digest, dt.datetime.fromisoformat(judged_at))
        if expected is None:
            report.problem(CATALOG, f"verdict {id_} is in no entry")
        elif expected[:-1] != found or entry != expected[-1]:
            report.problem(CATALOG, f"verdict {id_} is not what its entry says")
    for id_ in left:
        report.problem(CATALOG, f"verdict {id_} is gone")


def _accepts(rows: Rows, facts: Facts, report: Report) -> None:
    held = Counter(rows.each("SELECT table_name, since, reason, who FROM interlock_accept"))
    said = Counter(facts.accepts)
    for table, since, *_ in held - said:
        report.problem(CATALOG, f"the acceptance of {table} since {since} is in no entry")
    for table, since, *_ in said - held:
        report.problem(CATALOG, f"the acceptance of {table} since {since} is gone")


def _alerts(rows: Rows, facts: Facts, report: Report) -> None:
    left = dict(facts.alerts)
    sql = "SELECT id, table_name, who, reason, feedback, quiet_until FROM interlock_alert"
    for id_, *found in rows.each(sql):
        said = left.pop(f"A{id_}", None)
        if said is None and any(found[1:]):
            report.problem(CATALOG, f"what was said of alert A{id_} is in no entry")
        elif said is not None and said != tuple(found):
            report.problem(CATALOG, f"alert A{id_} is not what its entry says")
    for name in left:
        report.problem(CATALOG, f"alert {name} is gone")
