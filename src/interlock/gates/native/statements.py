"""The statements that make a database stand as planned, and how they are carried out: all or none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from interlock import settings
from interlock.constraints import postgres
from interlock.constraints.postgres import SCHEMA
from interlock.gates.native import mass_change, quoting
from interlock.gates.native.plan import Plan
from interlock.gates.native.standing import OURS, SCHEMA_SEAL, Standing
from interlock.gates.native.trigger import sealed

if TYPE_CHECKING:
    import psycopg

_LOCK = 0x696E_7465_726C_6F63  # of everybody who installs
_FILES = (
    "refuse.sql",
    "marks.sql",
    "quarantine.sql",
    "mass_change.sql",
    "at_commit.sql",
    "warn.sql",
)  # what triggers and views call
_TABLES = (
    "mark",
    "quarantine",
    "broken",
    "touched",
    "due",
    "turn",
)  # that they make, besides those of `mass_change`; they go with the functions
_DATA = ("quarantine",)  # but not while a row is in these

# What a session's own settings would change of what is installed: which operator stands for a sign, how a constant
# and the bytes of a script are read. The isolation level is one at which a lock that was waited for shows what is new.
_SETTINGS = (
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET LOCAL search_path = pg_catalog, pg_temp",
    "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL client_encoding = 'UTF8'",
)


def install(
    plan: Plan, standing: Sequence[Standing], schema: str | None, more: Sequence[str] = ()
) -> list[str]:
    """The statements that make a relation stand as planned; none where it does, and there is nothing ``more`` to do.

    ``schema`` is the digest of the functions that are there (`standing.functions_there`).
    """
    wanted = {(t.on, t.name): t for t in plan.triggers}
    there = {(s.on, s.trigger): s for s in standing}
    kept = {place for place, t in wanted.items() if place in there and there[place].is_as(t.digest)}
    made = functions(schema) if wanted else []
    made += [_dropped(s) for place, s in there.items() if place not in kept]
    made += more
    for place, trigger in wanted.items():
        if place not in kept:
            made += trigger.create()
    return made


def functions(there: str | None) -> list[str]:
    """The statements that make the schema of ours, its functions and tables as they are here; ``there`` as above."""
    return list(_functions(there))


def uninstall(standing: Sequence[Standing], more: Sequence[str] = ()) -> list[str]:
    """The statements that take these triggers off, do ``more``, and drop the functions that nothing else needs."""
    names = ", ".join(
        quoting.text(name) for name in sorted(set(re.findall(rf"{SCHEMA}\.(\w+)\(", _function_text())))
    )
    tables = " ".join(f"DROP TABLE IF EXISTS {SCHEMA}.{quoting.name(table)};" for table in _TABLES)
    data = " ".join(
        f"IF to_regclass('{SCHEMA}.{table}') IS NOT NULL THEN IF EXISTS (SELECT FROM {SCHEMA}.{table}) THEN"
        " RAISE dependent_objects_still_exist; END IF; END IF;"
        for table in _DATA
    )
    unused = (
        "DECLARE ours text := (SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc"
        f" WHERE pronamespace = to_regnamespace('{SCHEMA}') AND proname IN ({names}));"
        f" BEGIN IF obj_description(to_regnamespace('{SCHEMA}'), 'pg_namespace') LIKE '{OURS}%' THEN"
        f" {data} {mass_change.DROP}"
        f" {tables} EXECUTE 'DROP ROUTINE ' || ours; DROP SCHEMA {SCHEMA}; END IF;"
        " EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN"
        f" RAISE NOTICE 'schema {SCHEMA} stays: it is used, holds rows that are kept, or is not yours'; END"
    )
    return [*map(_dropped, standing), *more, f"DO {quoting.text(unused)}"]


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
    yield sealed(f"SCHEMA {SCHEMA}", digest, SCHEMA_SEAL)


def _function_text() -> str:
    folder = resources.files(__package__)
    texts = [postgres.functions(), *(folder.joinpath(file).read_text("utf-8") for file in _FILES)]
    return ";\n".join(text.rstrip().rstrip(";") for text in texts)


def _dropped(standing: Standing) -> str:
    return f"DROP TRIGGER {quoting.name(standing.trigger)} ON {standing.on}"
