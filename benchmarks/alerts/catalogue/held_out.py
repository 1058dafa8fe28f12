"""The tables that are measured and of which only the sums are looked at.

All are partitioned by dates of their own and have a hundred rows or more in most
partitions, so that 5% of the rows are five: this was the rule they were chosen by.
"""

from __future__ import annotations

from benchmarks.alerts.catalogue import dated, journeys, late, power

# Those of `late` were added on 2026-11-23, after all settings had been chosen: nothing was chosen with them at hand.
TABLES = (*dated.TABLES, *journeys.TABLES, *power.TABLES, *late.TABLES)
