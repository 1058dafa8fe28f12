"""Which versions people mean: ``ranker@v41``, ``ranker@champion``, ``ranker``, a folder ``team/``, ``/`` for all."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.catalog.catalog import Reader
from interlock.catalog.vault import versions
from interlock.catalog.vault.records import Kind, VersionRecord, VersionState
from interlock.errors import NameRefused, UsageError, VersionDeleted, VersionNotFound
from interlock.vault import lookup, tree
from interlock.words import count, minute, short

SUBJECT_MAX = 500


def chosen(rx: Reader, what: Sequence[str], states: Sequence[VersionState]) -> list[VersionRecord]:
    """Versions in one of these states that are meant by any of these words, by name and number.

    Raises `VersionNotFound` where a word means nothing the vault ever had or nothing in these
    states, `VersionDeleted` where what is meant was deleted already, `NameRefused`.
    """
    if not what:
        raise UsageError("nothing is named", hint="name versions, names or folders; / is everything")
    by_name = versions.named(rx, [word for word in what if "@" not in word], states)
    found = {r.id: r for r in by_name}
    named = {r.name for r in by_name}
    for word in dict.fromkeys(what):
        if word in named:
            continue
        records = [_one(rx, word)] if "@" in word else _under(rx, word, states)
        found |= {r.id: r for r in records if r.state in states}
    if not found:
        raise _nothing(rx, what, states)
    return sorted(found.values(), key=lambda r: (r.name, r.version))


def kinds(records: Sequence[VersionRecord]) -> dict[str, Kind]:
    """Kind by name."""
    return {r.name: r.kind for r in records}


def subject(what: Sequence[str]) -> str:
    """What a request's subject says of it."""
    said = what[0] or "/"
    more = len(what) - 1
    return short(said, SUBJECT_MAX) + (f" and {count(more, 'other')}" if more else "")


def _one(rx: Reader, word: str) -> VersionRecord:
    if lookup.Reference.of(word).path is not None:
        raise NameRefused(f"{word!r} is a file of a version", hint="a version goes, or stays, whole")
    return lookup.resolve(rx, word, deleted=True)


def _under(rx: Reader, word: str, states: Sequence[VersionState]) -> list[VersionRecord]:
    folder = "" if word in ("", "/") else lookup.Reference.of(word.rstrip("/")).name
    records = versions.list_(rx, prefix=folder, states=states)
    if (
        not records
        and folder
        and versions.kind_of(rx, folder) is None
        and not tree.is_folder(rx, folder, deleted=True)
    ):
        lookup.resolve(rx, folder)  # says so, with the nearest name
    return records


def _nothing(rx: Reader, what: Sequence[str], states: Sequence[VersionState]) -> Exception:
    said = subject(what)
    if VersionState.LIVE not in states:
        return VersionNotFound(
            f"nothing of {said} is deleted", hint="`interlock vault ls --deleted` lists what is"
        )
    try:
        gone = chosen(rx, what, (VersionState.DELETED,))
    except VersionNotFound:
        return VersionNotFound(f"nothing of {said} is there", hint="`interlock vault ls` lists what is")
    by = f"{gone[0].ref} was deleted by {gone[0].deleted_by} on {minute(gone[0].deleted_at)}"
    more = f", and {count(len(gone) - 1, 'more version')}" if len(gone) > 1 else ""
    return VersionDeleted(by + more, hint=f"`interlock vault restore {said}` brings it back")
