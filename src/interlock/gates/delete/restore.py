"""Restoring: tombstones become live versions again, at once and however many. Nobody has to approve it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from interlock.catalog import Reader, Writer, outbox
from interlock.catalog.vault import aliases, requests, versions
from interlock.catalog.vault.records import Action, RequestRecord, RequestState, VersionRecord, VersionState
from interlock.errors import UsageError, VersionNotFound
from interlock.gates.delete import alias, approval, rename
from interlock.gates.delete.chosen import chosen, subject
from interlock.gates.delete.gate import ENTRY, Gate, Outcome, after, checked
from interlock.words import minute

_REQUEST = re.compile(r"D[1-9][0-9]{0,9}")
REQUESTS_SAID = 20
ALIASES_SAID = 10


def restore(
    gate: Gate,
    what: Sequence[str] = (),
    *,
    by: str | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    reason: str | None = None,
) -> Outcome:
    """Bring back what these words mean: versions, names, folders, ``/``, or a request such as ``D17``.

    Narrowed to what ``by`` deleted, at ``since`` or later, before ``until``; these alone mean everything
    that fits. Aliases that went along come back unless they were moved since. A request that moved an
    alias or renamed something is undone. Raises `VersionNotFound` where nothing of it is deleted.
    """
    said = checked(reason)
    if not what and by is None and since is None and until is None:
        raise UsageError(
            "nothing is named", hint="name versions, names, folders or a request; / is everything"
        )
    with gate.site.catalog.write() as tx:
        undone = _moved(tx, what)
        if undone is not None:
            outcome = _undo(tx, undone, gate.who)
        else:
            records = [r for r in _meant(tx, what) if _fits(r, by, since, until)]
            if not records:
                raise VersionNotFound(f"nothing {_asked(by, since, until)} is deleted any more")
            outcome = _revive(tx, records, gate.who)
        touched = outcome.document["requests"] if outcome.document else []
        entry = {
            "action": Action.RESTORE.value,
            "who": gate.who,
            "subject": subject(what or ["/"]),
            "versions": outcome.versions,
            "requests": touched[:REQUESTS_SAID],
            "reason": said,
        }
        outbox.append(tx, ENTRY, {key: value for key, value in entry.items() if value is not None})
    after(gate)
    return outcome


def _moved(tx: Writer, what: Sequence[str]) -> RequestRecord | None:
    """The one request meant that did something else than delete."""
    if len(what) != 1 or not _is_request(tx, what[0]):
        return None
    request = approval.found(tx, what[0])
    return None if request.action is Action.DELETE else request


def _undo(tx: Writer, request: RequestRecord, who: str) -> Outcome:
    undo = {Action.ALIAS: alias.undo, Action.RENAME: rename.undo}.get(request.action)
    if undo is None or request.state not in (RequestState.DONE, RequestState.APPROVED):
        raise VersionNotFound(
            f"{request.ref}, {request.action} of {request.subject}, is {request.state}: nothing to restore"
        )
    outcome = undo(tx, request, who)
    requests.decide(tx, request.id, RequestState.UNDONE)
    return Outcome(request, outcome.versions, outcome.left_out, {"requests": [request.ref]})


def _is_request(rx: Reader, word: str) -> bool:
    """``D17`` is a request, unless the vault has a name that is called so."""
    return bool(_REQUEST.fullmatch(word)) and versions.kind_of(rx, word) is None


def _meant(tx: Writer, what: Sequence[str]) -> list[VersionRecord]:
    if not what:
        deleted = versions.list_(tx, states=(VersionState.DELETED,))
        renamed = {r.id for r in requests.list_(tx, actions=[Action.RENAME])}  # live under another name
        return [r for r in deleted if r.request_id not in renamed]
    ids = [approval.found(tx, word).id for word in what if _is_request(tx, word)]
    words = [word for word in what if not _is_request(tx, word)]
    found = {r.id: r for r in versions.of_requests(tx, ids)}
    if words:
        found |= {r.id: r for r in chosen(tx, words, (VersionState.DELETED,))}
    if not found:
        raise VersionNotFound(f"nothing of {subject(what)} is deleted any more")
    return sorted(found.values(), key=lambda r: (r.name, r.version))


def _fits(
    record: VersionRecord, by: str | None, since: dt.datetime | None, until: dt.datetime | None
) -> bool:
    at = record.deleted_at
    if at is None or (by is not None and record.deleted_by != by):
        return False
    return (since is None or at >= since) and (until is None or at < until)


def _asked(by: str | None, since: dt.datetime | None, until: dt.datetime | None) -> str:
    words = [f"by {by}"] if by else []
    words += [f"since {minute(since)}"] if since else []
    words += [f"before {minute(until)}"] if until else []
    return "deleted " + " ".join(words) if words else "of that"


def _revive(tx: Writer, records: Sequence[VersionRecord], who: str) -> Outcome:
    revived = versions.revive(tx, [r.id for r in records])
    touched = requests.get_all(tx, {r.request_id for r in records if r.request_id is not None})
    left_out = _aliases_back(tx, touched, {(r.name, r.version) for r in records}, who)
    rest = {r.request_id for r in versions.of_requests(tx, [t.id for t in touched])}
    for request in touched:
        if request.id not in rest and request.action is Action.DELETE:
            requests.decide(tx, request.id, RequestState.UNDONE)
    return Outcome(None, revived, left_out, {"requests": [t.ref for t in touched]})


def _aliases_back(
    tx: Writer, touched: Sequence[RequestRecord], back: set[tuple[str, int]], who: str
) -> tuple[str, ...]:
    """The aliases that a deletion took along; returns in words those that were moved since."""
    wanted: dict[tuple[str, str], int] = {}
    for request in reversed(touched):  # the last to take an alias knew best where it stood
        for name, word, version in request.document.get("aliases", ()):
            if (name, version) in back:
                wanted.setdefault((name, word), version)
    now = {(a.name, a.alias): a for a in aliases.list_(tx)}
    aliases.put_all(tx, [(*key, version) for key, version in wanted.items() if key not in now], who)
    moved = [
        f"{name}@{word} stands for v{now[name, word].version} since {minute(now[name, word].moved_at)}"
        for (name, word), version in wanted.items()
        if (name, word) in now and now[name, word].version != version
    ]
    more = len(moved) - ALIASES_SAID
    return (*moved[:ALIASES_SAID], *([f"and {more:,} more"] if more > 0 else []))
