"""The tables nobody has looked at: for a last look, once."""

from __future__ import annotations

from benchmarks.alerts.tables import Table

TABLES: tuple[Table, ...] = ()
