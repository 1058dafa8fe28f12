"""Deleting: versions become tombstones, at once; see `restore` for the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.catalog import Writer
from interlock.catalog.vault import aliases, versions
from interlock.catalog.vault import policy as policies
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import Action, RequestRecord, VersionRecord, VersionState
from interlock.gates.delete import radius, uses
from interlock.gates.delete.chosen import chosen, kinds, subject
from interlock.gates.delete.gate import Gate, Outcome, Proposal, ask
from interlock.words import count


def delete(gate: Gate, what: Sequence[str], reason: str | None = None) -> Outcome:
    """Delete what these words mean (`chosen`): every live version of it becomes a tombstone.

    Raises `DeleteRefused` where it affects too many models or a version is in use, with the request that a
    second person may approve; `VersionNotFound`, `VersionDeleted`. Nothing is done then.
    """

    def propose(tx: Writer, _: Policy) -> Proposal:
        records = chosen(tx, what, (VersionState.LIVE,))
        used = uses.uses(tx, records)
        document = {"versions": [r.id for r in records]}
        return Proposal(
            Action.DELETE,
            subject(what),
            document | ({"uses": {str(id_): words for id_, words in used.items()}} if used else {}),
            radius.models(tx, kinds(records)),
            why=[uses.in_words(records, used)] if used else [],
        )

    return ask(gate, reason, propose, carry_out)


def carry_out(tx: Writer, request: RequestRecord, by: str) -> Outcome:
    """Tombstones for the versions of a request that are as they were when it was made; aliases go with them."""
    records = versions.get(tx, request.document["versions"])
    going, left_out = unchanged(tx, records, request.document.get("uses", {}))
    taken = _take_aliases(tx, going)
    versions.tombstone(
        tx,
        [r.id for r in going],
        who=request.who,
        purge_after=tx.now + policies.get(tx).retention,
        request_id=request.id,
    )
    document = {**request.document, **({"aliases": taken} if taken else {})}
    return Outcome(request, len(going), left_out, document)


def unchanged(
    tx: Writer, records: Sequence[VersionRecord], known: Mapping[str, Sequence[str]], *, lineage: bool = True
) -> tuple[list[VersionRecord], tuple[str, ...]]:
    """Those that are live still and in no use but what is known, and in words why the others are left out."""
    live = [r for r in records if r.state is VersionState.LIVE]
    used = uses.uses(tx, live, lineage=lineage)
    news = {id_: new for id_, words in used.items() if (new := _news(words, known.get(str(id_), ())))}
    gone = len(records) - len(live)
    left_out = [f"{count(gone, 'version')} not live any more"] if gone else []
    left_out += [uses.in_words(live, news)] if news else []
    return [r for r in live if r.id not in news], tuple(left_out)


def _news(words: Sequence[str], known: Sequence[str]) -> list[str]:
    return [word for word in words if word not in known]


def _take_aliases(tx: Writer, going: Sequence[VersionRecord]) -> list[list[Any]]:
    """Aliases of what goes stand for nothing any more: [name, alias, version] of each."""
    at = {(r.name, r.version) for r in going}
    taken = [a for a in aliases.list_(tx) if (a.name, a.version) in at]
    aliases.remove_all(tx, [(a.name, a.alias) for a in taken])
    return [[a.name, a.alias, a.version] for a in taken]
