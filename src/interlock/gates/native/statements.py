"""The statements that make a database stand as planned, and how they are carried out: all or none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from interlock import settings
from interlock.constraints.postgres import SCHEMA, functions
from interlock.gates.native import quoting
from interlock.gates.native.plan import Plan
from interlock.gates.native.standing import FUNCTIONS_SEAL, OURS, Standing
from interlock.gates.native.trigger import sealed

if TYPE_CHECKING:
    import psycopg

_LOCK = 0x696E_7465_726C_6F63  # of everybody who installs
_FILES = ("refuse.sql",)  # beside this one: what triggers call

# What a session's own settings would change of what is installed: which operator stands for a sign, how a constant
# and the bytes of a script are read. The isolation level is one at which a lock that was waited for shows what is new.
_SETTINGS = (
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET LOCAL search_path = pg_catalog, pg_temp",
    "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL client_encoding = 'UTF8'",
)


def install(plan: Plan, standing: Sequence[Standing], schema: str | None) -> list[str]:
    """The statements that make a relation stand as planned; none where it does.

    ``schema`` is the digest of the functions that are there (`standing.functions_there`).
    """
    wanted = {(t.on, t.name): t for t in plan.triggers}
    there = {(s.on, s.trigger): s for s in standing}
    kept = {place for place, t in wanted.items() if place in there and there[place].is_as(t.digest)}
    made = list(_functions(schema)) if wanted else []
    made += [_dropped(s) for place, s in there.items() if place not in kept]
    for place, trigger in wanted.items():
        if place not in kept:
            made += trigger.create()
    return made


def uninstall(standing: Sequence[Standing]) -> list[str]:
    """The statements that take these triggers off, and the functions where nothing else needs them."""
    names = ", ".join(
        quoting.text(name) for name in sorted(set(re.findall(rf"{SCHEMA}\.(\w+)\(", _function_text())))
    )
    unused = (
        "DECLARE ours text := (SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc"
        f" WHERE pronamespace = to_regnamespace('{SCHEMA}') AND proname IN ({names}));"
        f" BEGIN IF obj_description(to_regnamespace('{SCHEMA}'), 'pg_namespace') LIKE '{OURS}%' THEN"
        f" EXECUTE 'DROP ROUTINE ' || ours; DROP SCHEMA {SCHEMA}; END IF;"
        " EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN"
        f" RAISE NOTICE 'schema {SCHEMA} stays: it is used, or not yours'; END"
    )
    return [*map(_dropped, standing), f"DO {quoting.text(unused)}"]


def script(statements: Sequence[str]) -> str:
    """The statements as one transaction, for an administrator to read and run."""
    body = [*_SETTINGS, *_waiting(), *statements]
    return "BEGIN;\n" + "".join(f"{s.rstrip().rstrip(';')};\n" for s in body) + "COMMIT;\n"


def change(connection: psycopg.Connection[Any], statements: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Carry ``statements`` out, all or none; they are asked for once nobody else changes anything."""
    with connection.transaction():
        for setting in (*_SETTINGS, *_waiting()):
            connection.execute(setting)
        made = statements()
        for statement in made:
            connection.execute(statement)
    return made


def _waiting() -> tuple[str, ...]:
    limit = round(settings.current().install_lock_timeout_s * 1000)
    return f"SET LOCAL lock_timeout = {limit}", f"SELECT pg_advisory_xact_lock({_LOCK})"


def _functions(there: str | None) -> Iterator[str]:
    text = _function_text()
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    if there == digest:
        return
    if there is None:
        yield f"CREATE SCHEMA {SCHEMA}"
        yield f"GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC"
    yield text
    yield f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO PUBLIC"
    yield sealed(f"SCHEMA {SCHEMA}", digest, FUNCTIONS_SEAL)


def _function_text() -> str:
    folder = resources.files(__package__)
    return "\n".join([functions(), *(folder.joinpath(file).read_text("utf-8") for file in _FILES)])


def _dropped(standing: Standing) -> str:
    return f"DROP TRIGGER {quoting.name(standing.trigger)} ON {standing.on}"
