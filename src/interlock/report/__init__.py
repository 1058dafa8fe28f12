"""A table's recent past as one page that anybody can open, and as the facts on it."""

from __future__ import annotations

import datetime as dt

from interlock.catalog import Reader
from interlock.errors import PartitionNotFound, UsageError
from interlock.report.alerts import stories
from interlock.report.facts import SPANS, Report, Subject
from interlock.report.history import columns
from interlock.report.page import page
from interlock.report.read import read
from interlock.settings import current

__all__ = ["Report", "Subject", "make", "page"]


def make(
    rx: Reader, subject: Subject, *, partitions: int | None, version: str, made_at: dt.datetime
) -> Report:
    """The report of a table's last ``partitions``. Raises `PartitionNotFound` where it has none yet."""
    limits = current()
    wanted = limits.report_partitions if partitions is None else partitions
    if wanted < 1:
        raise UsageError(f"a report of {wanted} partitions shows nothing", hint="give 1 or more")
    past = read(rx, subject, most=max(wanted, *SPANS), before=limits.report_before)
    if not past.partitions:
        raise PartitionNotFound(
            f"{subject.name} has no partition yet", hint=f"interlock write {subject.name} FILE adds the first"
        )
    shown = past.partitions[-wanted:]
    all_columns = columns(past, shown, subject, most=limits.report_columns_max)
    told, left_out = stories(
        rx, past, shown, subject, most=limits.report_alerts_max, compared=limits.report_compared
    )
    return Report(
        subject=subject,
        made_at=made_at,
        version=version,
        published=past.published,
        quarantined=past.quarantined,
        recent=past.partitions,
        shown=shown,
        columns=all_columns[0],
        columns_left_out=all_columns[1],
        stories=told,
        stories_left_out=left_out,
    )
