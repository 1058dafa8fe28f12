"""Frozen values for the words that travel through every layer."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from interlock.errors import NameRefused

NAME_LENGTH_MAX = 128
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def table_name(text: str) -> str:
    """``text`` if it can name a table, else `NameRefused`.

    Any language and any reserved word will do. Refused: empty, over 128
    characters, control characters, ``/``, ``\\`` and ``@`` (``table@partition``
    is how the command line names a partition), a leading dot, and the prefixes
    the catalog keeps for itself.
    """
    if not isinstance(text, str) or not text.strip():
        raise NameRefused("a table name is empty")
    if len(text) > NAME_LENGTH_MAX:
        raise NameRefused(f"table name of {len(text)} characters; {NAME_LENGTH_MAX} is the most")
    if _CONTROL.search(text) or any(c in text for c in "/\\@") or text.startswith("."):
        raise NameRefused(
            f"{text!r} cannot name a table", hint="no '/', '\\', '@', control characters or leading dot"
        )
    if text.casefold().startswith(("ducklake_", "interlock_", "sqlite_")):
        raise NameRefused(f"{text!r} starts with a prefix kept for the catalog")
    return text


MODEL_NAME_LENGTH_MAX = 1_024
SPELT_BYTES_MAX = (
    900  # of a name in a store, percent-encoded: S3 keys have 1,024, and more than the name is in one
)
SPELT_PART_BYTES_MAX = 240  # of a part of it: file systems have 255
PART_BYTES_MAX = 200  # of a part of it: below what file systems allow, with what is added
_VERSION = re.compile(r"v?([1-9][0-9]{0,9})")
_ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")


def model_name(text: str) -> str:
    """``text`` if it can name a model, a file or a snapshot in the vault, else `NameRefused`.

    A path of parts divided by ``/``: ``team/ranker``. Refused: empty parts, ``.`` and ``..``,
    control characters, ``\\``, ``@`` (``ranker@v41`` is how a version is named), and what is too
    long for a file's name once it is percent-encoded.
    """
    if "@" in str(text):
        raise NameRefused(f"{text!r} cannot name a model", hint="'@' is for versions: TEAM/NAME@v41")
    name = _path(text, "a model's name")
    spelt = quote(name)  # as stores spell it
    if len(spelt) > SPELT_BYTES_MAX or max(map(len, spelt.split("/"))) > SPELT_PART_BYTES_MAX:
        raise NameRefused(
            f"{text[:60]!r}… is too long to be the name of a file everywhere",
            hint=f"a part may have {SPELT_PART_BYTES_MAX} characters, the whole {SPELT_BYTES_MAX}; "
            "one that is no ASCII letter or digit counts as 3 to 12",
        )
    return name


def file_path(text: str) -> str:
    """``text`` if it can be a file's path in a version, else `NameRefused`. As `model_name`, but ``@`` is fine."""
    return _path(text, "a file's path")


def _path(text: str, what: str) -> str:
    if not isinstance(text, str) or not text.strip("/"):
        raise NameRefused(f"{what} is empty")
    if len(text) > MODEL_NAME_LENGTH_MAX:
        raise NameRefused(f"{what} has {len(text):,} characters; {MODEL_NAME_LENGTH_MAX:,} is the most")
    parts = text.split("/")
    if _CONTROL.search(text) or "\\" in text or {"", ".", ".."} & set(parts):
        raise NameRefused(
            f"{text!r} cannot be {what}", hint="no '\\', control character, empty part, '.' or '..'"
        )
    if any(len(part.encode(errors="surrogatepass")) > PART_BYTES_MAX for part in parts):
        raise NameRefused(f"{text[:60]!r}… has a part of over {PART_BYTES_MAX} bytes")
    return text


def version_number(text: str) -> int | None:
    """``v41`` or ``41`` → 41; None where it is no version's number, but perhaps an alias."""
    found = _VERSION.fullmatch(text)
    return int(found[1]) if found else None


def alias(text: str) -> str:
    """``text`` if it can be an alias such as ``champion``, else `NameRefused`. Not ``v41``, which is a version."""
    if not _ALIAS.fullmatch(text) or version_number(text) is not None:
        raise NameRefused(
            f"{text!r} cannot be an alias", hint="a letter, then letters, digits, '_', '.', '-'"
        )
    return text


PartitionValue = str | int | dt.date | dt.datetime | None


def partition_label(value: object) -> str:
    """The one text a partition value is known by: ISO 8601 for dates and times.

    A midnight without zone is labelled by its date, so that a day is one
    partition whether it came as a date or as a timestamp. NULL is ``__null__``.
    """
    if value is None or value != value:  # NaT and NaN are NULL in disguise
        return "__null__"
    if isinstance(value, dt.datetime) and value.time() == dt.time() and value.tzinfo is None:
        return value.date().isoformat()
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if _CONTROL.search(text) or len(text) > NAME_LENGTH_MAX:
        raise NameRefused(f"{text[:40]!r} cannot name a partition")
    return text


def partition_time(label: str) -> dt.datetime | None:
    """The moment a label stands for, UTC where it names no zone; None if it is no date."""
    try:
        moment = dt.datetime.fromisoformat(label)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Digest:
    """SHA-256 of some bytes, as 64 lower-case hexadecimal digits."""

    hex: str

    @classmethod
    def of(cls, data: bytes) -> Digest:
        return cls(hashlib.sha256(data).hexdigest())

    def __str__(self) -> str:
        return self.hex


class Severity(StrEnum):
    """How loud a violation is: wake someone, file a ticket, note it."""

    PAGE = "page"
    TICKET = "ticket"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for page, the loudest."""
        return ("page", "ticket", "info").index(self.value)


class Origin(StrEnum):
    """Who says so: a person wrote it, a person agreed to it, or it was learned."""

    DECLARED = "declared"
    ACCEPTED = "accepted"
    LEARNED = "learned"


class Outcome(StrEnum):
    """The answer over the blocking constraints. Missing evidence is never a pass."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Decision(StrEnum):
    """What the gate did."""

    PUBLISHED = "published"
    QUARANTINED = "quarantined"
    ADMITTED = "admitted"
    REFUSED = "refused"


class OnBroken(StrEnum):
    """What a query does that reads something broken."""

    WARN = "warn"
    FAIL = "fail"
    EXCLUDE = "exclude"  # the partitions it is broken in, and say which
    IGNORE = "ignore"


class GuardReads(StrEnum):
    """How a table of a database is read through the gate."""

    VIEW = "view"  # beside the table
    SWAP = "swap"  # under the table's own name
