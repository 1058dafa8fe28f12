"""``vault:sqlite:///mlflow.db``: MLflow's own database, whose rows are kept before MLflow deletes them for good.

Files are one half of what MLflow knows; the other is in its database: names, versions, aliases, metrics.
``delete_registered_model`` and ``mlflow gc`` remove those rows at once. With ``--backend-store-uri vault:…`` they
are written to the vault first; where that fails, nothing is deleted. `interlock.integrations.mlflow.rows` puts them
back. MLflow loads this module in every process, so it imports what it needs when it needs it.
"""

from __future__ import annotations

import datetime as dt
import functools
import tempfile
from typing import Any

SCHEME = "vault:"

# MLflow's method → the table, and its column, whose row it deletes or blanks, with all that hangs on it.
TRACKING = {
    "_hard_delete_run": ("runs", "run_uuid"),
    "_hard_delete_experiment": ("experiments", "experiment_id"),
    "_hard_delete_logged_model": ("logged_models", "model_id"),
}
REGISTRY = {
    "delete_registered_model": ("registered_models", "name"),
    "delete_model_version": ("registered_models", "name"),
}


def tracking(store_uri: str, artifact_uri: str | None = None) -> Any:
    """MLflow's tracking store of a database, keeping what it deletes. Entry point ``mlflow.tracking_store``."""
    from mlflow.server.handlers import TrackingStoreRegistryWrapper

    bare = store_uri.removeprefix(SCHEME)
    return _keeping(TrackingStoreRegistryWrapper._get_sqlalchemy_store(bare, artifact_uri), TRACKING)


def registry(store_uri: str) -> Any:
    """MLflow's model registry in a database, likewise. Entry point ``mlflow.model_registry_store``."""
    from mlflow.server.handlers import ModelRegistryStoreRegistryWrapper

    bare = store_uri.removeprefix(SCHEME)
    return _keeping(ModelRegistryStoreRegistryWrapper._get_sqlalchemy_store(bare), REGISTRY)


def _keeping(store: Any, methods: dict[str, tuple[str, str]]) -> Any:
    for name, (table, column) in methods.items():
        # An MLflow without the method is one we do not protect: better no server than one that seems to be.
        setattr(store, name, _kept_first(store, getattr(store, name), table, column))
    return store


def _kept_first(store: Any, delete: Any, table: str, column: str) -> Any:
    from interlock.integrations.mlflow.failures import in_its_words

    @functools.wraps(delete)
    def kept_first(*args: Any, **kwargs: Any) -> Any:
        with in_its_words():
            keep(store.engine, table, column, args[0] if args else next(iter(kwargs.values())))
        return delete(*args, **kwargs)

    return kept_first


def keep(engine: Any, table: str, column: str, value: Any) -> None:
    """Write a row of ``table``, and every row that goes with it, to the vault; nothing where there is none."""
    from mlflow.store.db.base_sql_model import Base

    from interlock.integrations.mlflow import opened, rows
    from interlock.integrations.mlflow.address import Address

    wanted = Base.metadata.tables[table].c[column]
    with engine.connect() as connection, tempfile.TemporaryFile(prefix="interlock-") as file:
        found = rows.of(connection, Base.metadata, table, wanted == wanted.type.python_type(value))
        if rows.write(found, file):
            file.seek(0)
            moment = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
            folder = Address(f"{rows.FOLDER}/{table}", None).name(str(value).replace("/", "%2F"))
            opened.vault().put_file(f"{folder}/{moment}.jsonl", file)
