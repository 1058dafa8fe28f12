"""Aliases: moving one changes what everybody who reads by it gets, so it counts like a deletion."""

from __future__ import annotations

from interlock import names
from interlock.catalog import Writer
from interlock.catalog.vault import aliases, versions
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import Action, RequestRecord, VersionState
from interlock.errors import DeleteRefused, VersionNotFound, nearest
from interlock.gates.delete.gate import Gate, Outcome, Proposal, ask
from interlock.vault import lookup


def put(gate: Gate, ref: str, alias: str, reason: str | None = None) -> Outcome:
    """Let ``name@alias`` stand for the version ``ref`` names. One that is new affects nobody.

    Raises `DeleteRefused` where too many models are affected, `VersionNotFound`, `VersionDeleted`, `NameRefused`.
    """
    names.alias(alias)

    def propose(tx: Writer, _: Policy) -> Proposal:
        record = lookup.resolve(tx, ref)
        return _proposal(tx, record.name, alias, record.version)

    return ask(gate, reason, propose, carry_out)


def remove(gate: Gate, name: str, alias: str, reason: str | None = None) -> Outcome:
    """Let ``name@alias`` stand for nothing any more. Raises as `put` does."""

    def propose(tx: Writer, _: Policy) -> Proposal:
        if aliases.get(tx, name, alias) is None:
            known = [a.alias for a in aliases.list_(tx, name)]
            raise VersionNotFound(f"{name} has no alias {alias!r}", hint=nearest(alias, known))
        return _proposal(tx, name, alias, None)

    return ask(gate, reason, propose, carry_out)


def carry_out(tx: Writer, request: RequestRecord, by: str) -> Outcome:
    """Move the alias, unless it was moved meanwhile or what it is to stand for is gone: `DeleteRefused`."""
    said = request.document
    _set(tx, request, said["name"], said["alias"], said["from"], said["to"], request.who)
    return Outcome(request)


def undo(tx: Writer, request: RequestRecord, who: str) -> Outcome:
    """Back to where it stood."""
    said = request.document
    _set(tx, request, said["name"], said["alias"], said["to"], said["from"], who)
    return Outcome(request)


def _proposal(tx: Writer, name: str, alias: str, to: int | None) -> Proposal:
    now = aliases.get(tx, name, alias)
    at = None if now is None else now.version
    return Proposal(
        Action.ALIAS,
        f"{name}@{alias}",
        {"name": name, "alias": alias, "from": at, "to": to},
        frozenset() if at is None or at == to else frozenset([name]),
    )


def _set(
    tx: Writer, request: RequestRecord, name: str, alias: str, expected: int | None, to: int | None, who: str
) -> None:
    now = aliases.get(tx, name, alias)
    if (None if now is None else now.version) != expected:
        stands = "nothing" if now is None else f"v{now.version}"
        raise DeleteRefused(f"{name}@{alias} was moved since {request.ref}: it stands for {stands} now")
    if to is None:
        aliases.remove(tx, name, alias)
        return
    version = versions.one(tx, name, to)
    if version is None or version.state is not VersionState.LIVE:
        raise DeleteRefused(f"{name}@v{to}, which {name}@{alias} was to stand for, is not live any more")
    aliases.put(tx, name, alias, to, who)
