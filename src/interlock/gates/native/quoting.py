"""Names and constants as PostgreSQL reads them, whatever is in them."""

from __future__ import annotations

import hashlib

from interlock.engines.postgres import Relation

NAME_BYTES_MAX = 63  # of a PostgreSQL identifier


def relation(of: Relation) -> str:
    return f"{name(of.schema)}.{name(of.name)}"


def name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def text(text: str) -> str:
    """A constant that means the same whatever ``standard_conforming_strings`` says."""
    quoted = "'" + text.replace("'", "''") + "'"
    return " E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def shortened(name: str) -> str:
    """A name PostgreSQL keeps whole; a long one ends in a digest of what was cut."""
    raw = name.encode()
    if len(raw) <= NAME_BYTES_MAX:
        return name
    mark = hashlib.sha256(raw).hexdigest()[:8]
    return raw[: NAME_BYTES_MAX - 9].decode(errors="ignore") + "_" + mark
