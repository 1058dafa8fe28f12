"""What is in use: an alias stands for it, somebody holds it, or a live version was made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from interlock import names
from interlock.catalog.catalog import Reader
from interlock.catalog.vault import aliases, holds
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.records import HoldRecord, VersionRecord, VersionState

LINEAGE = ("models", "snapshots")  # the parts of a lineage that name versions
RENAMED = "renamed_from"
_MADE = "lineage of "
ALL = 0  # stands for every version where a lineage names none


def uses(rx: Reader, records: Sequence[VersionRecord], *, lineage: bool = True) -> dict[int, list[str]]:
    """How each of these versions is in use, in words, by id; those that are not are left out.

    ``lineage`` False: what was made of them does not count. What is made of one and is among them does not either.
    """
    found: dict[int, list[str]] = {}
    standing = _aliases(rx, records)
    held = holds.list_(rx)
    made_of = _lineage(rx, {r.id for r in records}) if lineage else {}
    for record in records:
        words = [
            *standing.get((record.name, record.version), ()),
            *(str(hold) for hold in held if holds_it(hold, record)),
            *_descendants(record, made_of),
        ]
        if words:
            found[record.id] = words
    return found


def made_of(rx: Reader, records: Sequence[VersionRecord]) -> list[str]:
    """References of the live versions that were made of these."""
    known = _lineage(rx, {r.id for r in records})
    found = [word.removeprefix(_MADE) for r in records for word in _descendants(r, known)]
    return sorted(set(found))


def in_words(records: Iterable[VersionRecord], used: Mapping[int, Sequence[str]], most: int = 3) -> str:
    """``ranker@v41 is in use (alias champion)``, and how many more."""
    said = [f"{r.ref} is in use ({', '.join(used[r.id])})" for r in records if r.id in used]
    more = f", and {len(said) - most:,} more" if len(said) > most else ""
    return ", ".join(said[:most]) + more


def _aliases(rx: Reader, records: Sequence[VersionRecord]) -> dict[tuple[str, int], list[str]]:
    named = {r.name for r in records}
    known = aliases.list_(rx, next(iter(named))) if len(named) == 1 else aliases.list_(rx)
    found: dict[tuple[str, int], list[str]] = {}
    for one in known:
        if one.name in named:
            found.setdefault((one.name, one.version), []).append(f"alias {one.alias}")
    return found


def holds_it(hold: HoldRecord, record: VersionRecord) -> bool:
    """Whether a hold keeps a version: it is on it, on its name, or on a folder that is in."""
    if hold.version is not None:
        return (hold.name, hold.version) == (record.name, record.version)
    return record.name == hold.name or record.name.startswith(f"{hold.name}/") or not hold.name


def _lineage(rx: Reader, but: set[int]) -> dict[str, dict[int, list[str]]]:
    """Which live versions were made of what: name → number, or `ALL` → references. ``but`` are left out."""
    v = s.versions
    naming = select(v.c.id, v.c.name, v.c.version, v.c.lineage).where(
        v.c.state == VersionState.LIVE.value, v.c.lineage != {}
    )
    found: dict[str, dict[int, list[str]]] = {}
    for row in rx.connection.execute(naming):
        if row.id in but:
            continue
        for name, number in _named(row.lineage):
            found.setdefault(name, {}).setdefault(number, []).append(f"{row.name}@v{row.version}")
    return found


def _named(lineage: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for part in LINEAGE:
        said = lineage.get(part) or ()
        for text in [said] if isinstance(said, str) else said:
            name, _, at = str(text).partition("@")
            yield name, names.version_number(at.partition("/")[0]) or ALL


def _descendants(record: VersionRecord, made_of: Mapping[str, Mapping[int, Sequence[str]]]) -> list[str]:
    """What was made of a version, under its name or one it had before."""
    found: list[str] = []
    for name, number in [(record.name, record.version), *earlier(record)]:
        children = made_of.get(name, {})
        found += [f"{_MADE}{ref}" for ref in (*children.get(number, ()), *children.get(ALL, ()))]
    return found


def earlier(record: VersionRecord) -> list[tuple[str, int]]:
    """The names and numbers a version had before it was renamed."""
    found = []
    for ref in record.lineage.get(RENAMED) or ():
        name, _, at = str(ref).partition("@")
        found.append((name, names.version_number(at) or ALL))
    return found
