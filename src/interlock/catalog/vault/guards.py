"""What protects versions beside their state, as the ledger is told of it: aliases, holds, second keys, the policy.

Whoever changes one of these rows notes it with its transaction, and an entry says at the commit how it is
then; so that nobody drops a hold in the catalog and is not found out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from interlock.catalog import schema
from interlock.catalog.catalog import Reader, Writer
from interlock.catalog.vault import schema as s
from interlock.catalog.vault.parts import parts


class Guard(StrEnum):
    """What a fact speaks of, and by what it is called."""

    ALIAS = "alias"  # NAME@ALIAS
    HOLD = "hold"  # its number
    KEY = "key"  # its name
    POLICY = "policy"  # the key of its row


def changed(tx: Writer, guard: Guard, *of: str) -> None:
    """An entry of this transaction is to say how these are at its end."""
    tx.changed_guards.update(dict.fromkeys((guard.value, one) for one in of))


def facts(rx: Reader, changed: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """What the ledger is told of each: ``guard``, ``of``, and what it ``says``, null where there is none."""
    by_guard: dict[str, list[str]] = {}
    for guard, of in sorted(changed):
        by_guard.setdefault(guard, []).append(of)
    found = []
    for guard, wanted in by_guard.items():
        says = {of: said for some in parts(wanted) for of, said in _SAID[Guard(guard)](rx, some)}
        found += [{"guard": guard, "of": of, "says": says.get(of)} for of in wanted]
    return found


def _aliases(rx: Reader, some: Iterable[str]) -> Iterator[tuple[str, Any]]:
    a = s.aliases.c
    names = {of.rpartition("@")[0] for of in some}
    for name, alias, version in rx.connection.execute(
        select(a.name, a.alias, a.version).where(a.name.in_(names))
    ):
        yield f"{name}@{alias}", {"version": version}


def _holds(rx: Reader, some: Iterable[str]) -> Iterator[tuple[str, Any]]:
    h = s.holds.c
    wanted = select(h.id, h.name, h.version, h.kind, h.released_at).where(h.id.in_(map(int, some)))
    for id_, name, version, kind, released_at in rx.connection.execute(wanted):
        yield str(id_), {"name": name, "version": version, "kind": kind, "released": released_at is not None}


def _keys(rx: Reader, some: Iterable[str]) -> Iterator[tuple[str, Any]]:
    k = s.keys.c
    wanted = select(k.name, k.digest, k.who, k.retired_at).where(k.name.in_(some))
    for name, digest, who, retired_at in rx.connection.execute(wanted):
        yield name, {"digest": digest, "who": who, "retired": retired_at is not None}


def _policy(rx: Reader, some: Iterable[str]) -> Iterator[tuple[str, Any]]:
    w = schema.workspace.c
    for key, value in rx.connection.execute(select(w.key, w.value).where(w.key.in_(some))):
        yield key, json.loads(value)


_SAID = {Guard.ALIAS: _aliases, Guard.HOLD: _holds, Guard.KEY: _keys, Guard.POLICY: _policy}
