"""The seeded tables every tool is timed on, written once as Parquet under ``benchmarks/.data``.

Values come from a written 32-bit integer hash of (row, column, SEED), not from a
library's generator, so any version of DuckDB writes the same values.
"""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

SEED = 20_130_208
FOLDER = Path(__file__).resolve().parents[1] / ".data"
WARM_UP_ROWS = 1_000

MACROS = f"""
CREATE MACRO fold(v) AS (xor(v, v >> 16) * 73244475) & 4294967295;
CREATE MACRO bits(row, col) AS fold(fold(fold((row + col * 40503 + {SEED}) & 4294967295)));
CREATE MACRO share(row, col) AS (bits(row, col) >> 2) / 1073741824.0::DOUBLE;
CREATE MACRO whole(row, col, lo, hi) AS lo + bits(row, col) % (hi - lo + 1);
CREATE MACRO bell(row, col) AS share(row, col) + share(row, col + 100) + share(row, col + 200) - 1.5;
CREATE MACRO gap(row, col, rate, v) AS CASE WHEN share(row, col + 300) < rate THEN NULL ELSE v END;
"""

MIXED = """
    i                                                                        AS id,
    whole(i, 1, 1, 100)::INTEGER                                             AS quantity,
    gap(i, 2, 0.05, whole(i, 2, -50, 5000))::INTEGER                         AS stock,
    1000000007 + whole(i, 3, 0, 199999)                                      AS account,
    whole(i, 4, 10000, 99999)::INTEGER                                       AS postcode,
    CASE WHEN share(i, 5) < 0.6 THEN 0 ELSE whole(i, 6, 1, 1000) END::INTEGER AS score,
    round(exp(3 + bell(i, 7) * 1.5), 2)                                      AS price,
    gap(i, 8, 0.3, round(share(i, 8), 3))                                    AS discount,
    40 + bell(i, 9) * 12                                                     AS latitude,
    -74 + bell(i, 10) * 20                                                   AS longitude,
    gap(i, 11, 0.02, 15 + bell(i, 11) * 14)::FLOAT                           AS temperature,
    ['new', 'paid', 'sent', 'returned', 'closed'][1 + (share(i, 12) ** 2 * 5)::INTEGER % 5] AS status,
    'C' || lpad((whole(i, 13, 0, 49))::VARCHAR, 2, '0')                      AS country,
    gap(i, 14, 0.01, 'city of ' || (share(i, 14) ** 3 * 2000)::INTEGER)      AS city,
    printf('%08x-%08x', bits(i, 15), i)                                      AS session,
    'user' || whole(i, 16, 0, 499999) || '@example.org'                      AS email,
    DATE '2024-01-01' + (i * 366 // n)::INTEGER                              AS day,
    TIMESTAMP '2024-01-01' + to_seconds(whole(i, 17, 0, 31622399))           AS created_at,
    share(i, 18) < 0.25                                                      AS is_new,
    gap(i, 19, 0.1, share(i, 19) < 0.8)                                      AS is_paid
"""


# Wide tables take one hash a row, multiplied per column: a thousand nested ones take minutes to bind.
WIDE_KINDS = (
    "({x} % 10000)::INTEGER",
    "CASE WHEN {x} % 20 = 0 THEN NULL ELSE {x} / 52428.8 - 10 END",
    "({x} % 1001 - 500)::INTEGER",
    "round({x} / 1048576.0, 3)",
    "'v' || {x} % 100",
)


def _wide(columns: int) -> str:
    def column(k: int) -> str:
        twenty_bits = f"((h * {2 * k + 2_654_435} & 4294967295) >> 12)"
        return f"{WIDE_KINDS[k % len(WIDE_KINDS)].format(x=twenty_bits)} AS f{k:04d}"

    return ",\n".join(map(column, range(columns)))


@dataclass(frozen=True, slots=True)
class Case:
    """One table: ``select`` is its SELECT list over row ``i`` of ``n`` and its hash ``h``."""

    name: str
    rows: int
    columns: int
    select: str

    @property
    def path(self) -> Path:
        return self._path(self.rows)

    @property
    def warm_up_path(self) -> Path:
        """A small table of the same columns, for warming a tool up before it is timed."""
        return self._path(WARM_UP_ROWS)

    def _path(self, rows: int) -> Path:
        """Another way of making the values is another file."""
        made = hashlib.sha256((MACROS + self.select).encode()).hexdigest()[:8]
        return FOLDER / f"{self.name}.{rows}.{made}.parquet"


MIXED_1M = Case("1m-x-20", 1_000_000, 20, MIXED)
MIXED_10M = Case("10m-x-20", 10_000_000, 20, MIXED)
WIDE = Case("300k-x-1000", 300_000, 1_000, _wide(1_000))
CASES = {case.name: case for case in (MIXED_1M, MIXED_10M, WIDE)}


def write(case: Case) -> Path:
    """The case's Parquet file, written the first time it is asked for, as is the small one beside it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, rows in ((case.warm_up_path, WARM_UP_ROWS), (case.path, case.rows)):
        if not path.exists():
            _write(case, path, rows)
    return case.path


def _write(case: Case, path: Path, rows: int) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}")
    with duckdb.connect() as con:
        con.execute("SET threads = 2")
        con.execute("SET memory_limit = '4GB'")
        con.execute("SET enable_progress_bar = false")
        con.execute(MACROS)
        numbered = f"SELECT range AS i, bits(range, 0) AS h, {rows} AS n FROM range({rows})"
        con.execute(
            f"COPY (SELECT {case.select} FROM ({numbered}))"
            f" TO '{unfinished}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
        )
    unfinished.replace(path)


if __name__ == "__main__":
    name, rows = sys.argv[1:]
    write(replace(CASES[name], rows=int(rows)))
