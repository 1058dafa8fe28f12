"""Every default, limit and environment variable, once, each with its reason.

``docs/reference/settings.md`` is generated from this file. A setting is read
from the environment when `current` is first called; tests use `override`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from interlock.errors import UsageError


def _setting(default: Any, why: str) -> Any:
    return field(default=default, metadata={"why": why})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. The environment variable of ``threads`` is ``INTERLOCK_THREADS``."""

    # engine
    threads: int = _setting(0, "Threads DuckDB may use; 0 leaves the choice to DuckDB.")
    memory_limit_mb: int = _setting(
        1_536, "Memory DuckDB may use before it spills; keeps a check under 2 GiB as a whole process."
    )
    columns_per_statement: int = _setting(
        50,
        "Wide tables are profiled in batches: what DuckDB takes to plan grows with the square of the columns.",
    )
    # postgresql
    postgres_url: str = _setting("", "The database `interlock install` means where `--on` is not given.")
    connect_timeout_s: int = _setting(10, "Seconds a connection to a database may take.")
    install_lock_timeout_s: float = _setting(
        5.0, "Seconds that making or dropping a trigger waits for the table: writers queue behind it."
    )
    watch_poll_s: float = _setting(
        5.0, "Seconds after which `interlock watch` looks for changes that nobody told it of: small ones."
    )
    watch_pause_s: float = _setting(
        1.0, "Seconds `interlock watch` lets pass between two rounds, so that one scan judges many changes."
    )
    # profile
    counted_dictionary_bytes: int = _setting(
        16_384, "A column whose Parquet dictionaries are no larger has few values: each value is counted."
    )
    counted_rows_max: int = _setting(
        8_192,
        "Up to this many rows every value of every column is counted; past it only where values repeat.",
    )
    counted_values_max: int = _setting(4_096, "An integer column of no wider range has each value counted.")
    exact_rows_max: int = _setting(
        65_536, "Up to this many rows distinct counts, quantiles and top values are exact."
    )
    pattern_length_max: int = _setting(32, "Characters of a text that its pattern is made of.")
    patterns_max: int = _setting(20, "Patterns kept per text column.")
    sample_rows: int = _setting(32_768, "Expected size of the deterministic sample of a larger partition.")
    together_rows_max: int = _setting(
        1_000_000, "Rows of small partitions whose values one pass of a backfill holds in memory."
    )
    text_length_max: int = _setting(200, "Texts kept in a profile are cut to this many characters.")
    top_sample_rows: int = _setting(
        4_096, "Rows whose values are counted for top values where a column has too many different ones."
    )
    top_values: int = _setting(10, "Most frequent values kept per column.")
    domain_values_max: int = _setting(
        128, "A column with no more distinct values than this has its domain kept."
    )
    segment_values_max: int = _setting(
        64, "A segment column may have this many values; the rest are counted together."
    )
    # constraints
    contract_depth_max: int = _setting(
        12, "Levels of nesting in a contract file; its deepest part needs seven."
    )
    contract_length_max: int = _setting(
        1_000_000, "Characters of a contract file; nobody writes a larger one by hand."
    )
    expression_depth_max: int = _setting(
        16, "Brackets in brackets in an expression; past this nobody can read it."
    )
    expression_length_max: int = _setting(
        32_768, "Characters of an expression; a longer list of values belongs in a table, see references()."
    )
    # verdicts
    sample_keys: int = _setting(5, "Failing rows shown with a violation, by key.")
    judge_again_partitions: int = _setting(
        21, "Partitions a table needs before its first ones are judged again: three weeks of days."
    )
    judge_early_partitions: int = _setting(7, "How many first partitions are judged again.")
    judge_again_history: int = _setting(60, "How many of the partitions after them they are judged by.")
    # alerts
    alert_growth: float = _setting(
        1.5,
        "An alert has grown when its score or share of rows is this many times what was told or silenced.",
    )
    alert_silence_days: int = _setting(90, "How long a false alarm keeps its cause quiet at that size.")
    alert_cooldown_s: float = _setting(
        86_400.0, "A cause that comes back within this time of its end continues its old alert."
    )
    alert_budget: int = _setting(
        5,
        "Tickets an owner is told of in a week, one by one; the rest fold into a digest. Pages always come.",
    )
    alerts_closed_max: int = _setting(
        200, "How many of a table's last closed alerts a new one may continue; bounds what a write reads."
    )
    replay_partitions: int = _setting(
        7, "Recent healthy partitions that a model's usual loss is measured on."
    )
    replay_rows_max: int = _setting(
        200_000, "Rows of a partition that a model is replayed on; of a larger one every n-th."
    )
    replay_seed: int = _setting(0, "Seed of the healthy values that are drawn to replay a model on.")
    # catalog
    lock_timeout_s: float = _setting(
        30.0, "How long a writer waits for another before it gives up with IL403."
    )
    orphan_grace_s: float = _setting(
        86_400.0, "Unreferenced files younger than this are kept: a reader may hold them."
    )
    home: str = _setting(
        "",
        "Where a machine keeps ledger and writes in progress of workspaces whose files are on S3;"
        " empty: `interlock` in `XDG_DATA_HOME`, else `~/.local/share/interlock`.",
    )
    # vault
    vault_lease_s: float = _setting(
        3_600.0,
        "How long a put that died keeps its objects from the collector; a living one renews its lease.",
    )
    vault_threads: int = _setting(
        4, "Files that a put or get handles at once: enough to hide a store's latency."
    )
    vault_findings_max: int = _setting(
        10_000, "Findings that a scrub or a verification lists; those past it are counted."
    )
    # triggers
    trigger_attempts: int = _setting(
        3, "Tries of a failing trigger before it is left for `interlock doctor`."
    )
    trigger_timeout_s: float = _setting(10.0, "How long one try of a trigger may take.")
    # report
    report_partitions: int = _setting(90, "Partitions a report shows: a quarter of days.")
    report_before: int = _setting(
        90, "Partitions before those shown that the bands of a report begin with, so that none begins empty."
    )
    report_compared: int = _setting(28, "Partitions before a faulty one that a report compares it with.")
    report_columns_max: int = _setting(100, "Columns a report draws, those that alarmed first.")
    report_alerts_max: int = _setting(60, "Alerts a report tells of, the newest first.")
    report_violations_max: int = _setting(
        4_000, "Violations whose words a report holds, the loudest first; bounds the page's size."
    )
    # backtest
    backtest_partitions: int = _setting(
        40, "Partitions that faults are planted in: enough to tell recalls apart that differ by a sixth."
    )
    backtest_cells_max: int = _setting(
        1_500_000_000, "Rows times columns that planted partitions may have together; bounds the time."
    )
    backtest_alerts_per_week: float = _setting(
        0.5, "Alerts a week on clean partitions up to which a more sensitive setting is proposed."
    )
    # orchestrators
    told_alerts: int = _setting(
        8,
        "Alerts of a verdict that an orchestrator is handed, the loudest first; keeps what it stores small.",
    )
    dbt_partitions: int = _setting(
        60,
        "Partitions of a table, the last judged first, that `interlock dbt` writes down: two months of days.",
    )
    # command line
    trace: int = _setting(0, "1 lets the command line show the Python trace of an unexpected error.")


def environment_variable(name: str) -> str:
    return f"INTERLOCK_{name.upper()}"


@cache
def _from_environment() -> Settings:
    given: dict[str, Any] = {}
    for f in fields(Settings):
        text = os.environ.get(environment_variable(f.name))
        if text is None:
            continue
        kind: Any = type(f.default)
        try:
            given[f.name] = kind(text)
        except ValueError:
            raise UsageError(f"{environment_variable(f.name)}={text!r} is not {kind.__name__}") from None
    return Settings(**given)


_current: ContextVar[Settings | None] = ContextVar("interlock_settings", default=None)


def current() -> Settings:
    """The settings in force: overridden ones, else those of the environment."""
    return _current.get() or _from_environment()


@contextmanager
def override(**changes: Any) -> Iterator[Settings]:
    """Settings changed for the length of a ``with`` block (tests, notebooks)."""
    changed = replace(current(), **changes)
    token = _current.set(changed)
    try:
        yield changed
    finally:
        _current.reset(token)
