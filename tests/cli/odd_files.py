"""Files nobody prepared: each function writes one and gives back its path.

``READABLE`` lead to a verdict, ``UNREADABLE`` to a clear error, ``EITHER`` to one of the two
(what DuckDB makes of them is its own affair; what matters is that it is said).
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import duckdb

Writer = Callable[[Path], Path]


def _text(name: str, content: str | bytes) -> Writer:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def _parquet(name: str, select: str) -> Writer:
    def write(folder: Path) -> Path:
        path = folder / name
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
        return path

    return write


def _truncated(folder: Path) -> Path:
    path = _parquet("truncated.parquet", "SELECT range AS id FROM range(1000)")(folder)
    path.write_bytes(path.read_bytes()[:500])
    return path


def _no_footer(folder: Path) -> Path:
    path = _parquet("footless.parquet", "SELECT range AS id FROM range(1000)")(folder)
    path.write_bytes(path.read_bytes()[:-8] + b"\x00" * 8)
    return path


def _flipped(folder: Path) -> Path:
    path = _parquet("flipped.parquet", "SELECT range AS id, range::VARCHAR AS name FROM range(1000)")(folder)
    content = bytearray(path.read_bytes())
    for at in range(10, 400):
        content[at] ^= 0xFF
    path.write_bytes(bytes(content))
    return path


def _disguised(folder: Path) -> Path:
    path = _parquet("disguised.parquet", "SELECT range AS id FROM range(1000)")(folder)
    return path.rename(folder / "disguised.csv")


def _symlink(folder: Path) -> Path:
    path = folder / "link.csv"
    path.symlink_to(_text("linked.csv", PLAIN)(folder))
    return path


def _dangling(folder: Path) -> Path:
    path = folder / "dangling.csv"
    path.symlink_to(folder / "nowhere.csv")
    return path


def _loop(folder: Path) -> Path:
    path = folder / "loop.csv"
    path.symlink_to(path)
    return path


def _directory(folder: Path) -> Path:
    path = folder / "directory.csv"
    path.mkdir()
    return path


def _gzipped(folder: Path) -> Path:
    path = folder / "zipped.csv.gz"
    path.write_bytes(gzip.compress(PLAIN.encode()))
    return path


def _half_gzipped(folder: Path) -> Path:
    path = folder / "half.csv.gz"
    path.write_bytes(gzip.compress(PLAIN.encode() * 50)[:60])
    return path


PLAIN = "id,age,city\n" + "".join(f"{i},{20 + i % 50},{('Ulm', 'Kiel', 'Köln')[i % 3]}\n" for i in range(200))

_WIDE = ", ".join(f"(range + {i}) % {i % 7 + 2} AS c{i}" for i in range(2000))
_NAMES = {
    "nonascii": ("größe", "年齢", "🦆", "naïve", "Ω"),
    "reserved": (
        "select",
        "order",
        "table",
        "from",
        "group",
        "limit",
        "where",
        "file_row_number",
        "file_index",
    ),
    "punctuated": ('a"b', "c'd", "e.f", "g h", "i;j", "k--l", "m%n", "{o}", "[p]", "q\\r", "s\tt"),
    "long": ("x" * 3000, "y" * 3000),
    "case": ("id", "value", "other"),
    "dunder": ("__null__", "rows", "rowid", "filename", "nulls", "interlock_rank"),
}


def _named(which: str) -> Writer:
    names = ", ".join(
        f'range % {i + 3} AS "{n.replace(chr(34), chr(34) * 2)}"' for i, n in enumerate(_NAMES[which])
    )
    return _parquet(f"names_{which}.parquet", f"SELECT {names} FROM range(300)")


_ODD_TYPES = """
    SELECT range AS id,
        {'a': range, 'b': {'c': [range, NULL]}} AS nested,
        [range, range + 1] AS list, MAP {'k': range} AS map,
        (range / 7)::DECIMAL(38, 10) AS wide_decimal, (range % 9)::DECIMAL(4, 1) AS narrow_decimal,
        encode(range::VARCHAR) AS binary, ''::BLOB AS empty_binary,
        (CASE WHEN range % 2 = 0 THEN 'yes' ELSE 'no' END)::ENUM('yes', 'no') AS enum,
        uuid() AS uuid, to_days(range::INTEGER) AS interval, (range::HUGEINT * 10::HUGEINT ** 25) AS hugeint,
        (range % 24 || ':00:00+02')::TIMETZ AS time_zoned, make_time(range % 24, 0, 0) AS time,
        NULL AS nothing, NULL::INTEGER AS no_integers, NULL::VARCHAR AS no_text, NULL::DOUBLE[] AS no_lists,
        range % 2 = 0 AS yes, (range * 1.5)::FLOAT AS float, range::UBIGINT + 18446744073709551000 - 1000 AS unsigned,
        DATE '2024-01-01' + range::INTEGER AS day, TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_hours(range) AS zoned,
        TIMESTAMP_NS '2024-01-01 00:00:00.123456789' AS nanoseconds, '101010'::BIT AS bits,
        '{"a": 1}'::JSON AS json
    FROM range(300)
"""

READABLE: dict[str, Writer] = {
    "plain csv": _text("plain.csv", PLAIN),
    "tab-separated": _text("plain.tsv", PLAIN.replace(",", "\t")),
    "semicolons": _text("semicolons.csv", PLAIN.replace(",", ";")),
    "pipes": _text("pipes.txt", PLAIN.replace(",", "|")),
    "windows line ends": _text("windows.csv", PLAIN.replace("\n", "\r\n")),
    "byte order mark": _text("bom.csv", b"\xef\xbb\xbf" + PLAIN.encode()),
    "no newline at the end": _text("unended.csv", PLAIN.rstrip("\n")),
    "gzipped": _gzipped,
    "json array": _text("array.json", '[{"id": 1, "age": 30}, {"id": 2, "age": null}]'),
    "json lines": _text("lines.jsonl", '{"id": 1, "x": {"y": [1, 2]}}\n{"id": 2, "x": {"y": []}}\n'),
    "json with changing shapes": _text("shapes.jsonl", '{"a": 1}\n{"b": "x"}\n{"a": "text", "c": [1]}\n{}\n'),
    "one row": _text("one.csv", "id,age\n1,2\n"),
    "header only": _text("header.csv", "id,age,city\n"),
    "one column": _text("column.csv", "id\n" + "".join(f"{i}\n" for i in range(50))),
    "no rows": _parquet("none.parquet", "SELECT 1 AS id, 'x' AS name WHERE false"),
    "2,000 columns": _parquet("wide.parquet", f"SELECT {_WIDE} FROM range(20)"),
    "odd types": _parquet("types.parquet", _ODD_TYPES),
    "only nulls": _parquet(
        "nulls.parquet", "SELECT NULL::INTEGER AS a, NULL AS b, NULL::VARCHAR AS c FROM range(100)"
    ),
    "nan and infinity": _parquet(
        "nan.parquet",
        "SELECT CASE range % 4 WHEN 0 THEN 'nan' WHEN 1 THEN 'inf' WHEN 2 THEN '-inf' ELSE '1' END::DOUBLE AS x,"
        " 'nan'::FLOAT AS y, 'inf'::DOUBLE AS z FROM range(100)",
    ),
    "extreme numbers": _parquet(
        "extreme.parquet",
        "SELECT unnest([1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 0.0]) AS f,"
        " unnest([9223372036854775807, -9223372036854775808, 0, 1]) AS i,"
        " unnest([170141183460469231731687303715884105727::HUGEINT, -170141183460469231731687303715884105727,"
        " 0, 1]) AS h,"
        " unnest([18446744073709551615::UBIGINT, 0, 1, 2]) AS u",
    ),
    "far dates": _parquet(
        "dates.parquet",
        "SELECT unnest([DATE '9999-12-31', DATE '0001-01-01', DATE '4713-01-01 (BC)', DATE '290000-12-31',"
        " 'infinity'::DATE, '-infinity'::DATE]) AS d,"
        " unnest([TIMESTAMP '9999-12-31 23:59:59', TIMESTAMP '0001-01-01', TIMESTAMP '4713-01-01 (BC) 00:00:00',"
        " TIMESTAMP '290000-12-31 00:00:00', 'infinity'::TIMESTAMP, '-infinity'::TIMESTAMP]) AS t,"
        " unnest([TIMESTAMPTZ '9999-12-31 23:59:59+00', TIMESTAMPTZ '0001-01-01 00:00:00+00',"
        " TIMESTAMPTZ '4713-01-01 (BC) 00:00:00+00', 'infinity'::TIMESTAMPTZ, '-infinity'::TIMESTAMPTZ, NULL]) AS z",
    ),
    "mixed time zones": _text(
        "zones.csv",
        "at\n2024-01-01 00:00:00+00\n2024-01-01 02:00:00+02\n2024-06-01 00:00:00-07:30\n2024-01-01T00:00:00Z\n",
    ),
    "zones and none": _text("zoned.csv", "at\n2024-01-01 00:00:00\n2024-01-01 02:00:00+02\nnever\n"),
    "blank names": _text("blank.csv", "a,, ,b\n1,2,3,4\n5,6,7,8\n"),
    "duplicate names": _text("twice.csv", "a,a,b,a\n1,2,3,4\n5,6,7,8\n"),
    "names that differ by case": _text("case.csv", "id,ID,Id\n1,2,3\n4,5,6\n"),
    **{f"names: {which}": _named(which) for which in _NAMES},
    "control characters in names": _text("control.csv", "a\x01b,c\x1b[31md\n1,2\n3,4\n"),
    "markup in values": _text("markup.csv", "a,b\n[bold]x[/bold],[/]\n[red],\x1b[31mred\n"),
    "symlink": _symlink,
    "a huge field": _text("huge.csv", "id,text\n1," + "x" * 1_000_000 + "\n2,y\n"),
    "an odd file name": _text("näme with 'quotes' [and] *stars*?.csv", PLAIN),
    "no ending": _text("plain", PLAIN),
    "upper-case ending": _text("PLAIN.CSV", PLAIN),
    "parquet without ending": lambda folder: _parquet("bare", "SELECT range AS id FROM range(9)")(folder),
}

UNREADABLE: dict[str, Writer] = {
    "truncated parquet": _truncated,
    "parquet without footer": _no_footer,
    "not parquet": _text("text.parquet", "hello, world"),
    "empty parquet": _text("empty.parquet", b""),
    "broken json": _text("broken.json", '[{"a": 1}, {"a": '),
    "directory": _directory,
    "missing": lambda folder: folder / "missing.csv",
    "dangling symlink": _dangling,
    "symlink to itself": _loop,
    "half a gzip": _half_gzipped,
    "not a gzip": _text("not.csv.gz", PLAIN),
    "a name too long": lambda folder: folder / ("n" * 300 + ".csv"),
    "no name": lambda folder: Path(""),
}

_NOISE = random.Random(7).randbytes(4096)

EITHER: dict[str, Writer] = {
    "empty csv": _text("empty.csv", b""),
    "blank csv": _text("blank_lines.csv", "\n\n\n"),
    "empty json": _text("empty.json", b""),
    "empty json array": _text("none.json", "[]"),
    "json of scalars": _text("scalars.json", "[1, 2, 3]"),
    "json null": _text("null.json", "null"),
    "parquet called csv": _disguised,
    "flipped parquet": _flipped,
    "binary rubbish": _text("noise.csv", _NOISE),
    "binary rubbish, no ending": _text("noise", _NOISE),
    "binary rubbish as json": _text("noise.json", _NOISE),
    "nul bytes": _text("nul.csv", b"a,b\n1,\x00\n\x00,2\n\x00\x00\x00\n"),
    "only nul bytes": _text("nuls.csv", b"\x00" * 1000),
    "latin-1": _text("latin.csv", "id,city\n1,Köln\n2,München\n".encode("latin-1")),
    "utf-16": _text("utf16.csv", PLAIN.encode("utf-16")),
    "shift-jis": _text("sjis.csv", "名前,年\n太郎,30\n花子,25\n".encode("shift_jis")),
    "broken utf-8": _text("broken.csv", b"id,city\n1,\xc3\x28\n2,\xff\xfe\n"),
    "ragged": _text("ragged.csv", "a,b,c\n1,2,3\n4,5\n6,7,8,9\n\n10,11,12\n"),
    "unbalanced quotes": _text("quotes.csv", 'a,b\n"1,2\n3,4\n5,"6\n'),
    "one enormous line": _text("line.csv", "x" * 5_000_000),
    "no header": _text("headless.csv", "1,2,3\n4,5,6\n7,8,9\n"),
    "comments": _text("comments.csv", "# one\n# two\n" + PLAIN),
    "a title above": _text("title.csv", "Report of the day\n\n" + PLAIN),
    "only a number": _text("number.csv", "5"),
    "html": _text("page.csv", "<html><body><h1>404, not found</h1></body></html>\n"),
}

ALL: dict[str, Writer] = READABLE | UNREADABLE | EITHER
