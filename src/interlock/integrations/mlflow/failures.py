"""Interlock's errors as MLflow's: which HTTP status its server answers with, and whether a client tries again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from interlock.errors import (
    DataNotFound,
    GateRefused,
    InterlockError,
    UsageError,
    VersionDeleted,
    VersionNotFound,
    WorkspaceBusy,
)

# The first that fits.
_CODES: tuple[tuple[type[InterlockError], str], ...] = (
    (GateRefused, "PERMISSION_DENIED"),
    (VersionNotFound, "RESOURCE_DOES_NOT_EXIST"),
    (VersionDeleted, "RESOURCE_DOES_NOT_EXIST"),
    (DataNotFound, "RESOURCE_DOES_NOT_EXIST"),
    (UsageError, "INVALID_PARAMETER_VALUE"),
    (WorkspaceBusy, "TEMPORARILY_UNAVAILABLE"),
    (InterlockError, "INTERNAL_ERROR"),
)


@contextlib.contextmanager
def in_its_words() -> Iterator[None]:
    """Raise Interlock's errors as ``MlflowException``, with what to do in the message: clients show nothing else."""
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ErrorCode

    try:
        yield
    except InterlockError as error:
        code = next(code for kind, code in _CODES if isinstance(error, kind))
        raise MlflowException(f"{error.code}: {error}", error_code=ErrorCode.Value(code)) from error
