"""What a gate is asked: one table's data, the rules it is judged by, and what was known before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlock import detect
from interlock.catalog import TableRecord
from interlock.constraints.table_contract import NO_POLICY, AlertPolicy, Trigger
from interlock.gates.judge import Rules
from interlock.gates.readers import ModelReader


@dataclass(frozen=True, slots=True)
class Request:
    """One partition's data on its way through the gate."""

    table: TableRecord
    rules: Rules
    history: detect.History
    previous: Mapping[str, str]
    triggers: Sequence[Trigger]
    data: object
    label: str | None
    now: dt.datetime
    inconclusive_blocks: bool = False
    owner: str | None = None
    alerts: AlertPolicy = NO_POLICY
    source: str | None = None
    models: tuple[ModelReader, ...] = ()
