"""What is normal, from nothing but files: a row of history for each, or for each part of a single one."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlglot import exp

from interlock import detect, profiles
from interlock.detect.invariants import AFTER
from interlock.engines.duckdb import DuckDB
from interlock.engines.inputs import Files, Format, recognise
from interlock.engines.protocol import FILE, ROW, Relation, Target
from interlock.engines.schema import Kind, Schema
from interlock.errors import DataError, DataUnreadable, NameRefused, QueryFailed
from interlock.gates import drift
from interlock.gates.label import label_of
from interlock.names import partition_time
from interlock.profiles.dependency import Dependency
from interlock.profiles.profile import ColumnProfile, Profile

PARTS_MAX = 60  # parts of a single file that are looked at, spread over it; enough to see how much it varies
PART_ROWS = 100  # rows of a part where the new data has none
GROUP_ROWS_MAX = 2_000_000  # files are profiled together up to this many rows, to bound memory
GROUP_FILES_MIN = 8  # fewer files than this are read one by one when they don't agree
PART = "interlock part"
_DAY = re.compile(r"(?<!\d)(\d{4})[-_]?(\d{2})[-_]?(\d{2})(?!\d)")
_DATED = (
    "min",
    "max",
    "quantiles",
)  # statistics of a moment that are judged against the partition's own time


@dataclass(frozen=True, slots=True)
class Past:
    """Profiles by label in the order they came, and the columns they share."""

    profiles: Mapping[str, Profile]
    schema: Schema | None = None
    notes: tuple[str, ...] = ()

    def judged_with(self, new: Profile, label: str) -> tuple[detect.History, Profile, str]:
        """The history, and the new profile and its label as they are to be compared with it.

        Where file names or a column tell each file's day, labels are days.
        Otherwise moments can't be compared, and are left out of both.
        """
        days = _days([*self.profiles, label]) or _days_inside([*self.profiles.values(), new])
        if days is not None:
            history = zip(days, self.profiles.values(), strict=False)
            return _history(history), new, days[-1]
        undated = ((f"file {name}", _undated(profile)) for name, profile in self.profiles.items())
        return _history(undated), _undated(new), label

    @property
    def dependencies(self) -> tuple[Dependency, ...]:
        """What its partitions were counted against."""
        return tuple(dict.fromkeys(d for p in self.profiles.values() for d in p.dependencies))

    def without(self, columns: Collection[str]) -> Past:
        """The same without these columns."""
        if not columns or self.schema is None:
            return self
        left = {label: _without(p, *columns) for label, p in self.profiles.items()}
        return Past(left, tuple(c for c in self.schema if c.name not in columns), self.notes)


def of(engine: DuckDB, against: object, new: object, rows: int) -> Past:
    """What ``against`` holds; ``rows`` is the size of the new data. Raises `DataError` where nothing can be read."""
    given = recognise(against)
    if not isinstance(given, Files):
        return _parts(engine, engine.relation(against), rows, ())
    paths = tuple(p for p in given.paths if not _same_file(p, new))
    left_out = (
        ("it is among the files it was to be compared with; left out there",) if paths != given.paths else ()
    )
    if not paths:
        return Past({}, None, ("there is nothing but itself to compare it with",))
    if len(paths) == 1:
        return _parts(engine, engine.relation(str(paths[0])), rows, left_out)
    return _files(engine, paths, left_out)


def told_by_path_alone(data: object, columns: Sequence[str], other: Sequence[str]) -> frozenset[str]:
    """Columns that DuckDB reads from folders such as ``day=2024-01-01`` and that the ``other`` side lacks."""
    paths = recognise(data)
    if not isinstance(paths, Files):
        return frozenset()
    keys = {part.partition("=")[0] for path in paths.paths for part in path.parts[:-1] if "=" in part}
    return frozenset((keys & set(columns)) - set(other))


def few(past: Past) -> str:
    """Why nothing could be learned, in words."""
    found = sum(p.rows > 0 for p in past.profiles.values())
    if not found:
        return (
            "there is nothing to compare it with"
            if not past.profiles
            else "what it is compared with holds no rows"
        )
    if any(label.startswith(PART) for label in past.profiles):
        return f"too little to compare it with: learning needs {AFTER} files, or one with {AFTER} times as many rows"
    return f"too few files to compare it with: {found}; learning needs {AFTER}, so only the columns were compared"


def fitted(engine: DuckDB, data: object, relation: Relation, schema: Schema | None) -> Relation:
    """Text has no types of its own: columns whose every value fits the type history has take that type."""
    given = recognise(data) if not isinstance(data, Relation) else None
    if schema is None or not isinstance(given, Files) or given.format is Format.PARQUET:
        return relation
    wanted = {c.name: c.type for c in schema}
    fits = drift.fitting(engine, relation, wanted)
    if not fits:
        return relation
    targets = [Target(c.name, wanted[c.name] if c.name in fits else c.type) for c in relation.schema]
    return engine.stage(relation, engine.temporary(), columns=targets)


@contextmanager
def read(data: object) -> Iterator[None]:
    """What fails while data is read where it lies is the data's fault: a file may break midway."""
    try:
        yield
    except QueryFailed as error:
        what = os.fspath(data) if isinstance(data, str | os.PathLike) else type(data).__name__
        broken = DataUnreadable(f"{what}: {error.message.removeprefix('query: ')}", hint=error.hint)
    else:
        return
    raise broken


def name_of(path: Path) -> str:
    """What a file is called as a partition, whatever its name holds."""
    try:
        return label_of(path)
    except NameRefused:
        return "".join(c if c.isprintable() else "?" for c in path.name)[:100]


# --- files ----------------------------------------------------------------------------


def _files(engine: DuckDB, paths: Sequence[Path], notes: tuple[str, ...]) -> Past:
    found, unread = {}, []
    for path, made in _profiled(engine, paths):
        if isinstance(made, DataError):
            unread.append((path, made))
        else:
            found[path] = made
    if not found:
        raise unread[0][1]
    if unread:
        path, error = unread[0]
        more = f", and {len(unread) - 1} more" if len(unread) > 1 else ""
        notes = (*notes, f"left out, as it can't be read: {path}{more} ({error.message})")
    labels = [name_of(p) for p in found]
    if len(set(labels)) < len(labels):
        labels = [os.fspath(p) for p in found]
    in_order = dict(zip(labels, found.values(), strict=True))
    return Past(in_order, _schema(list(found.values())), notes)


def _profiled(engine: DuckDB, paths: Sequence[Path]) -> Iterator[tuple[Path, Profile | DataError]]:
    """Each file's profile, or why there is none; files of one layout in one pass."""
    together = _in_one_pass(engine, paths) if len(paths) > 1 else None
    if together is not None:
        yield from zip(paths, together, strict=True)
    elif len(paths) > GROUP_FILES_MIN:
        half = len(paths) // 2
        yield from _profiled(engine, paths[:half])
        yield from _profiled(engine, paths[half:])
    else:
        for path in paths:
            try:
                with read(path):
                    made = profiles.compute(engine, engine.relation(os.fspath(path)))
                yield path, made
            except DataError as error:
                yield path, error


def _in_one_pass(engine: DuckDB, paths: Sequence[Path]) -> list[Profile] | None:
    relation = engine.alike([os.fspath(p) for p in paths])
    if relation is None or relation.rows > GROUP_ROWS_MAX:
        return None
    try:
        asked = detect.mine(engine, relation, spared=(FILE,))
        by_file = profiles.compute_by(engine, relation, FILE, dependencies=asked)
    except (DataError, QueryFailed):
        return None
    if len(by_file) < len(paths):
        empty = _without_rows(engine, relation)
        by_file = {str(i): empty for i in range(len(paths))} | by_file
    return [_without(by_file[str(i)], FILE) for i in range(len(paths))]


def _without_rows(engine: DuckDB, together: Relation) -> Profile:
    """The profile of a file that has the header and nothing else."""
    empty = engine.stage(together, engine.temporary(), where=exp.false())
    return profiles.compute(engine, empty)


def _schema(found: Sequence[Profile]) -> Schema:
    """The newest file's columns; a column it has no value of is as the newest file says that has one."""
    columns = {}
    for name, one in found[-1].columns.items():
        known = (p.columns[name] for p in reversed(found) if name in p.columns)
        columns[name] = next((c.column for c in known if _has_values(c)), one.column)
    return tuple(columns.values())


def _has_values(column: ColumnProfile) -> bool:
    return bool(column["min"] is not None or column["distinct"] or column["length_max"] is not None)


def _same_file(path: Path, other: object) -> bool:
    if not isinstance(other, str | os.PathLike):
        return False
    try:
        return path.samefile(other)
    except OSError:
        return False


# --- parts of one ---------------------------------------------------------------------


def _parts(engine: DuckDB, relation: Relation, rows: int, notes: tuple[str, ...]) -> Past:
    """Profiles of runs of as many rows as the new data has, spread over the file, from one pass."""
    size = rows or PART_ROWS
    whole = relation.rows // size
    if not whole:
        alone = profiles.compute(engine, relation)
        return Past({PART: alone}, _schema([alone]), notes)
    step = -(-whole // PARTS_MAX)
    number = exp.IntDiv(this=exp.column(ROW), expression=_literal(size))
    every = exp.EQ(
        this=exp.Mod(this=exp.Paren(this=number.copy()), expression=_literal(step)), expression=_literal(0)
    )
    kept = exp.And(this=exp.LT(this=exp.column(ROW), expression=_literal(whole * size)), expression=every)
    targets = [*(Target(c.name, c.type) for c in relation.schema), Target(PART, "BIGINT", expression=number)]
    cut = engine.stage(relation, engine.temporary(), columns=targets, where=kept)
    asked = detect.mine(engine, cut, spared=(PART,))
    by_part = profiles.compute_by(engine, cut, PART, dependencies=asked)
    found = {f"{PART} {label}": _without(p, PART) for label, p in by_part.items()}
    return Past(found, _schema(list(found.values())), notes)


def _literal(value: int) -> exp.Expression:
    return exp.Literal.number(value)


def _without(profile: Profile, *columns: str) -> Profile:
    return replace(profile, columns={k: v for k, v in profile.columns.items() if k not in columns})


# --- days -----------------------------------------------------------------------------


def _days(labels: Sequence[str]) -> list[str] | None:
    """The labels as dates, where each names one and no two of history the same."""
    found = [_day(label) for label in labels]
    days = [d for d in found if d is not None]
    return days if len(days) == len(labels) and len(set(days[:-1])) == len(days) - 1 else None


def _day(label: str) -> str | None:
    if partition_time(label) is not None:
        return label
    match = _DAY.search(label)
    try:
        return dt.date(*map(int, match.groups())).isoformat() if match else None
    except ValueError:
        return None


def _days_inside(found: Sequence[Profile]) -> list[str] | None:
    """Each file's day, from the first column that holds a single day in every file and another in each."""
    for name in found[-1].columns:
        days = [_only_day(p.columns[name]) if name in p.columns else None for p in found]
        known = [d for d in days if d is not None]
        if len(known) == len(found) and len(set(known[:-1])) == len(found) - 1 > 0:
            return known
    return None


def _only_day(column: ColumnProfile) -> str | None:
    first, last = _date(column["min"]), _date(column["max"])
    return first if first == last else None


def _date(value: Any) -> str | None:
    day = value.date() if isinstance(value, dt.datetime) else value
    return day.isoformat() if isinstance(day, dt.date) else None


def _undated(profile: Profile) -> Profile:
    moments = (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)
    columns = {
        name: replace(c, values={**c.values, **dict.fromkeys(_DATED)}) if c.column.kind in moments else c
        for name, c in profile.columns.items()
    }
    return replace(profile, columns=columns)


def _history(rows: Any) -> detect.History:
    return detect.History.of(detect.Row(label, detect.features(profile)) for label, profile in rows)
