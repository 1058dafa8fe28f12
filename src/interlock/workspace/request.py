"""What a gate is asked of a table: data, the rules it is judged by, and what was known before."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from interlock.catalog import verdicts
from interlock.gates.judge import Rules
from interlock.gates.request import Request
from interlock.names import partition_label
from interlock.workspace import chosen, reader

if TYPE_CHECKING:
    from interlock.workspace.table import Table


def of(table: Table, data: object = None, partition: object = None) -> Request:
    """A request to judge ``data``; without a ``partition`` the data says which."""
    workspace, record = table.workspace, table.record
    declared = workspace.contract_of(table.name)
    with workspace.site.catalog.read() as rx:
        latest = verdicts.list_(rx, table.name, limit=1)
    previous = {
        v["constraint"]: v["since"] for r in latest for v in r.document["violations"] if v.get("since")
    }
    return Request(
        table=record,
        rules=rules(table),
        history=table.history(),
        previous=previous,
        triggers=(*declared.triggers, *workspace.hooks(table.name)),
        data=data,
        label=None if partition is None else partition_label(partition),
        now=dt.datetime.now(dt.UTC),
        owner=declared.owner,
        alerts=declared.alerts,
        source=declared.source or record.settings.get("source"),
        models=workspace.readers(table.name),
    )


def rules(table: Table) -> Rules:
    """By what a table is judged: the contract's word and the workspace's own together."""
    workspace, record = table.workspace, table.record
    declared, own = workspace.contract_of(table.name), record.settings
    return Rules(
        table=table.name,
        declared=table.declared,
        enforced=table.enforced,
        key=record.key or declared.key,
        segments=tuple(dict.fromkeys((*own.get("segments", ()), *declared.segments))),
        sensitive=frozenset((*own.get("sensitive", ()), *declared.sensitive)),
        show_all=declared.allow_samples,
        schema=reader.schema(workspace.site, table.name),
        source_of=workspace.source_of,
        sensitivity=chosen.sensitivity(declared.sensitivity, own)[0],
    )
