"""Second keys: secrets by which somebody else approves who has no login of their own on this machine.

They prevent accidents, not intent: who owns the workspace's files can do without any gate. The first key
anybody adds is free; later ones count once approved, and a key approves only what was asked for after it was added.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from interlock.catalog import Reader, Writer, outbox
from interlock.catalog.vault import keys
from interlock.catalog.vault.policy import Policy
from interlock.catalog.vault.records import Action, KeyRecord, RequestRecord
from interlock.errors import ApprovalRefused, DeleteRefused, UsageError
from interlock.gates.delete.gate import ENTRY, Gate, Outcome, Proposal, after, ask

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SECRET_BYTES = 20
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}  # some 50 ms and 16 MiB a try


@dataclass(frozen=True, slots=True)
class NewKey:
    """``secret`` is shown once and kept nowhere. ``request`` is what has to be approved first, None for nothing."""

    name: str
    secret: str = field(repr=False)
    request: str | None


def add(gate: Gate, name: str) -> NewKey:
    """A new key. Raises `UsageError` for a name that cannot be or was given before."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a key", hint="letters, digits, '_', '.', '-'")
    secret = f"{name}:{secrets.token_urlsafe(_SECRET_BYTES)}"
    salt = secrets.token_hex(16)
    digest = _digest(secret, salt)

    def propose(tx: Writer, _: Policy) -> Proposal:
        if keys.get(tx, name) is not None:
            raise UsageError(f"there is, or was, a key {name}", hint="choose another name")
        why = ["keys after the first count once somebody else approved them"] if keys.count(tx) else []
        document = {"name": name, "salt": salt, "digest": digest}
        return Proposal(Action.KEY, f"key {name}", document, frozenset(), why=why, counts=False)

    try:
        ask(gate, None, propose, carry_out)
    except DeleteRefused as waits:
        return NewKey(name, secret, waits.request)
    return NewKey(name, secret, None)


def retire(gate: Gate, name: str) -> None:
    """A key counts no longer. `UsageError` where there is none."""
    with gate.site.catalog.write() as tx:
        record = keys.get(tx, name)
        if record is None or record.retired_at is not None:
            raise UsageError(f"no key {name!r} counts", hint="`interlock vault key list` lists them")
        keys.retire(tx, name)
        outbox.append(tx, ENTRY, {"action": "retire key", "who": gate.who, "subject": f"key {name}"})
    after(gate)


def carry_out(tx: Writer, request: RequestRecord, by: str) -> Outcome:
    """The key counts from now on."""
    said = request.document
    if keys.get(tx, said["name"]) is not None:
        raise DeleteRefused(f"there is, or was, a key {said['name']} meanwhile")
    keys.add(tx, said["name"], said["salt"], said["digest"], request.who)
    return Outcome(request)


def holder(rx: Reader, secret: str, request: RequestRecord) -> str:
    """Whose key this secret is, where it may approve the request. `ApprovalRefused`."""
    name = secret.strip().partition(":")[0]
    record = keys.get(rx, name) if _NAME.fullmatch(name) else None
    right = _matches(record, secret.strip())
    if record is None or not right or record.retired_at is not None:
        raise ApprovalRefused(
            "this is no key that counts", hint="`interlock vault key list` lists those that do"
        )
    if record.at >= request.at:
        raise ApprovalRefused(
            f"key {record.name} was added after {request.ref} was asked for", hint="ask for it again"
        )
    return f"key {record.name}"


def _matches(record: KeyRecord | None, secret: str) -> bool:
    """Takes as long for a key there is not."""
    salt, digest = (record.salt, record.digest) if record else ("00" * 16, "00" * 32)
    return hmac.compare_digest(_digest(secret, salt), digest) and record is not None


def _digest(secret: str, salt: str) -> str:
    return hashlib.scrypt(secret.encode(errors="surrogatepass"), salt=bytes.fromhex(salt), **_SCRYPT).hex()
