"""The tools compared, in the order of the page."""

from __future__ import annotations

from dataclasses import dataclass

FRAME = "pandas frame"
PARQUET = "Parquet file"


@dataclass(frozen=True, slots=True)
class Tool:
    """One row of the page.

    ``module`` is the driver under peers/, ``option`` what it shall do.
    ``environment`` names the pinned requirements under peers/; None is the
    interpreter that runs the benchmark, with this repository's ``src``.
    ``note`` says how the tool was used where there was a choice.
    """

    name: str
    label: str
    module: str
    option: str
    environment: str | None
    reads: str
    note: str = ""


HASH = Tool(
    "hash",
    "hash of every column (yardstick)",
    "duckdb",
    "hash",
    None,
    PARQUET,
    "`SELECT bit_xor(hash(c)), …`: reads every value, keeps nothing",
)
CORE = Tool("interlock-core", "**Interlock, core**", "interlock", "core", None, PARQUET)
ALL = Tool(
    "interlock-all", "**Interlock, all**", "interlock", "all", None, PARQUET, "with patterns and duplicates"
)
SUMMARIZE = Tool(
    "duckdb",
    "DuckDB SUMMARIZE",
    "duckdb",
    "summarize",
    "duckdb",
    PARQUET,
    "its nulls are a rounded percentage",
)
OURS = (CORE, ALL)

TOOLS = (
    HASH,
    CORE,
    ALL,
    SUMMARIZE,
    Tool("polars", "Polars describe", "polars", "", "polars", PARQUET, "of a lazy scan"),
    Tool(
        "great-expectations",
        "Great Expectations",
        "great_expectations",
        "",
        "great_expectations",
        FRAME,
        "has no profiler since 1.0: a suite of expectations that observe these statistics",
    ),
    Tool(
        "tfdv-frame",
        "TFDV, frame in memory",
        "tensorflow_data_validation",
        "frame",
        "tensorflow_data_validation",
        FRAME,
        "`generate_statistics_from_dataframe`, one worker (two take as long and start 20 s later)",
    ),
    Tool(
        "tfdv-beam",
        "TFDV, Beam pipeline",
        "tensorflow_data_validation",
        "beam",
        "tensorflow_data_validation",
        PARQUET,
        "`GenerateStatistics` on Beam's local runner, one worker (two take longer)",
    ),
    Tool("evidently", "Evidently", "evidently", "", "evidently", FRAME, "`DataSummaryPreset`"),
    Tool("whylogs", "whylogs", "whylogs", "", "whylogs", FRAME, "`why.log`"),
)

SCALED = (HASH, CORE, ALL, SUMMARIZE)  # what the larger tables are measured with
