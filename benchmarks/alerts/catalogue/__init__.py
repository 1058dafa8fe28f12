"""The public tables by name, and in the groups they are measured in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from benchmarks.alerts.catalogue import held_out, looked_at, looked_at_later, tuning
from benchmarks.alerts.tables import HELD_OUT, TUNING, Table

_KINDS = (tuning, looked_at, looked_at_later, held_out)
TABLES: dict[str, Table] = {t.name: t for kind in _KINDS for t in kind.TABLES}
GROUPS = {group: tuple(t.name for t in TABLES.values() if t.group == group) for group in (TUNING, HELD_OUT)}


def chosen(names: Iterable[str], *, partitions: int | None = None) -> list[Table]:
    """Tables by name or group; all where nothing is named."""
    wanted = [n for name in list(names) or [TUNING, HELD_OUT] for n in GROUPS.get(name, (name,))]
    return [replace(TABLES[name], last=partitions) for name in wanted]
