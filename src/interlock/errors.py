"""The whole error tree: a stable code, an exit status and what to do next.

Every failure a user can cause or meet is one of these. The command line prints
``error[CODE]: message`` and the hint, never a stack trace, and ends with
``exit_status``. Codes are never reused. ``docs/reference/errors.md`` is
generated from this file.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from types import FrameType
from typing import ClassVar


class InterlockError(Exception):
    """Anything Interlock refuses or fails to do."""

    code: ClassVar[str] = "IL000"
    exit_status: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def to_dict(self) -> dict[str, object]:
        return {"error": self.code, "message": self.message, "hint": self.hint}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """A hint naming the closest known word, or None where nothing is close."""
    by_fold = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), list(by_fold), n=1, cutoff=0.6)
    return f"did you mean {by_fold[close[0]]!r}?" if close else None


def printable(text: str) -> str:
    """Text that cannot command a terminal or turn a line around: what is not printable is shown as its escape."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


# Between the reader's code and a query: whose lines tell the reader nothing.
_BETWEEN = {
    "contextlib",
    "greenlet",
    "interlock",
    "pandas",
    "psycopg",
    "psycopg_binary",
    "psycopg_pool",
    "sqlalchemy",
}


def _library(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__") or "").partition(".")[0]


# --- 1xx: how Interlock was called, and the contract file -----------------------------


class UsageError(InterlockError):
    """An argument or option does not fit."""

    code = "IL100"


class NameRefused(UsageError):
    """A table, column or partition name cannot be used."""

    code = "IL101"


class ContractError(UsageError):
    """``interlock.yaml`` does not hold; the message names file, line and column."""

    code = "IL110"


# --- 2xx: the data that came in -------------------------------------------------------


class DataError(InterlockError):
    """Input data cannot be used."""

    code = "IL200"


class DataUnreadable(DataError):
    """A file could not be read as the format it claims to be."""

    code = "IL201"


class DataNotFound(DataError):
    """A path or glob matches no file."""

    code = "IL202"


class DataTypeUnsupported(DataError):
    """An object or a column type is not one Interlock can take in."""

    code = "IL203"


class ColumnMissing(DataError):
    """A column that is needed (partition, key, segment) is not in the data."""

    code = "IL204"


class PartitionMixed(DataError):
    """Data given for one partition holds rows of another."""

    code = "IL205"


class SchemaIncompatible(DataError):
    """A column's new type cannot be stored beside the table's existing one."""

    code = "IL206"


class ValueRefused(DataError):
    """A value has no place in the PostgreSQL table its partition is published to, as a text with a NUL character."""

    code = "IL207"


# --- 3xx: constraints and queries -----------------------------------------------------


class ExpressionRefused(InterlockError):
    """A constraint expression is not allowed; the place is underlined."""

    code = "IL300"


class QueryFailed(InterlockError):
    """A query on published data failed."""

    code = "IL310"


# --- 4xx: the workspace ---------------------------------------------------------------


class WorkspaceError(InterlockError):
    """The workspace cannot do this."""

    code = "IL400"


class WorkspaceNotFound(WorkspaceError):
    """There is no workspace at this place."""

    code = "IL401"


class WorkspaceVersion(WorkspaceError):
    """The workspace was written by a newer Interlock or in an unknown format."""

    code = "IL402"


class WorkspaceBusy(WorkspaceError):
    """Another process holds the lock and did not let go in time."""

    code = "IL403"


class WorkspaceCorrupt(WorkspaceError):
    """Files and catalog disagree; nothing was changed."""

    code = "IL404"


class TableNotFound(WorkspaceError):
    """The workspace holds no table of this name."""

    code = "IL405"


class PartitionNotFound(WorkspaceError):
    """The table holds no such partition (or none in quarantine)."""

    code = "IL406"


class StorageFailed(WorkspaceError):
    """The operating system refused a write: disk full, no permission, read-only."""

    code = "IL407"


class TableConflict(WorkspaceError):
    """A table is already bound in another way (other partition column, mode or place)."""

    code = "IL408"


class HistoryTooShort(WorkspaceError):
    """The table has too few partitions to tell anything from its past."""

    code = "IL409"
    exit_status = 3


class FolderMissing(WorkspaceError):
    """The place of a shared workspace's files is not there on this machine, or is another's."""

    code = "IL410"


class CommitUnknown(WorkspaceError):
    """The connection was lost at the commit, and did not come back to tell whether it took place."""

    code = "IL411"


class StoreUnreachable(WorkspaceError):
    """S3, where the workspace's files lie, does not answer or is overloaded; nothing was published."""

    code = "IL412"


class StoreRefused(WorkspaceError):
    """S3 refused: no such bucket, no right, no credentials. Nothing was published."""

    code = "IL413"


class VaultError(WorkspaceError):
    """The vault cannot do what was asked."""

    code = "IL440"


class VersionNotFound(VaultError):
    """The vault has no such model, version, alias or file; the message names the nearest."""

    code = "IL441"


class VersionDeleted(VaultError):
    """The version was deleted. `interlock vault restore` brings it back until it is purged."""

    code = "IL442"


class ObjectMissing(VaultError):
    """A store does not hold an object that the vault put there. `interlock vault scrub --repair` fetches it."""

    code = "IL443"


class ObjectCorrupt(VaultError):
    """Bytes read from a store are not those that were put there; none of them were handed out as whole."""

    code = "IL444"


class ObjectTaken(VaultError):
    """Other bytes lie under the name of an object already; nothing was overwritten."""

    code = "IL445"


# --- 5xx: gates -----------------------------------------------------------------------


class GateRefused(InterlockError):
    """A gate refused; the verdict says why and how to proceed."""

    code = "IL500"
    exit_status = 1


class AlertNotFound(GateRefused):
    """The workspace has no alert of this id."""

    code = "IL510"
    exit_status = 2


class AlertClosed(GateRefused):
    """The alert is closed already; the message says by whom and when."""

    code = "IL511"
    exit_status = 2


class ReadRefused(GateRefused):
    """The query reads what is broken, or nobody can tell, and `on_broken="fail"` was asked for."""

    code = "IL530"


class DeleteRefused(GateRefused):
    """The delete gate refused: in use, too many models at once, or before its time. Nothing was changed.

    ``request`` is the id under which a second person may approve it, None where nobody can.
    """

    code = "IL540"

    def __init__(self, message: str, *, hint: str | None = None, request: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.request = request

    def to_dict(self) -> dict[str, object]:
        return {**super().to_dict(), "request": self.request}


class ApprovalRefused(GateRefused):
    """Who asks may not approve this: it is their own request, or it is not pending any more."""

    code = "IL541"


class ReplicaWarning(UserWarning):
    """A version was put and is acknowledged, but the vault's replica does not hold it yet."""


class HealthWarning(UserWarning):
    """A query reads what broke: which columns of which table, since when, and what to do.

    ``columns`` are those that the query reads, none where the table as a whole is broken;
    ``since`` is the first broken partition, ``alert`` the id to ask for. Each is None where it is not known.
    """

    def __init__(
        self,
        message: str,
        *,
        table: str | None = None,
        columns: Iterable[str] = (),
        since: str | None = None,
        alert: str | None = None,
    ) -> None:
        super().__init__(printable(message))
        self.table, self.columns, self.since, self.alert = table, tuple(columns), since, alert

    def show(self) -> None:
        """Warn in the reader's own line of code, and every time, unless the reader has a filter of their own.

        Python shows a text once a line: a cell that runs again, or another one, would say nothing.
        """
        warnings.filterwarnings("always", category=HealthWarning, append=True)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_back is not None and _library(frame) in _BETWEEN:
            frame = frame.f_back
        assert frame is not None
        registry = frame.f_globals.setdefault("__warningregistry__", {})
        where = (frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__"), registry)
        warnings.warn_explicit(self, HealthWarning, *where)


# --- 6xx: the ledger ------------------------------------------------------------------


class LedgerError(InterlockError):
    """The ledger cannot be read or extended."""

    code = "IL600"
    exit_status = 1


class LedgerWarning(UserWarning):
    """Something was committed, but the ledger's files could not be extended yet."""


class LedgerTampered(LedgerError):
    """The ledger's files do not agree with themselves or with the catalog."""

    code = "IL601"


# --- 7xx: triggers --------------------------------------------------------------------


class TriggerFailed(InterlockError):
    """An action on a verdict failed; recorded and retried, never changes the verdict."""

    code = "IL700"


# --- 8xx: optional parts --------------------------------------------------------------


class ExtraMissing(InterlockError):
    """A feature needs an optional dependency; the message names the extra to install."""

    code = "IL800"


# --- 9xx: databases of other people ---------------------------------------------------


class DatabaseError(InterlockError):
    """A database did not do what was asked."""

    code = "IL900"


class DatabaseUnreachable(DatabaseError):
    """No connection to the database, or it was lost; what was begun is rolled back."""

    code = "IL901"


class DatabaseBusy(DatabaseError):
    """Somebody holds a lock and did not let go in time; nothing was changed."""

    code = "IL902"


class DatabaseRefused(DatabaseError):
    """The database refused a statement (missing rights, too old a version); nothing was changed."""

    code = "IL903"


class RelationNotFound(DatabaseError):
    """The database holds no such table, or none that rules can stand on."""

    code = "IL904"
