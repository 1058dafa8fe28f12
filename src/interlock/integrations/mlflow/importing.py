"""Taking an MLflow server's registered models into the vault: versions, aliases, tags, and the runs they come from.

Nothing is changed in MLflow. What is in the vault already is left as it is, so an import that was
cut short, or is made every night, takes what is new.
"""

from __future__ import annotations

import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interlock.errors import DatabaseRefused, DatabaseUnreachable, InterlockError, VersionNotFound, nearest
from interlock.integrations import missing
from interlock.integrations.mlflow.address import Address

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

    from interlock.workspace import Workspace

READY = "READY"
REACH_S = 20
Progress = Callable[[int, int], None]  # (versions looked at, versions in all)


@dataclass(slots=True)
class Imported:
    """What an import did: references of versions ``taken``, how many were ``there`` before, aliases ``moved``.

    ``left`` says what could not be taken, and why: the next import tries again.
    """

    taken: list[str] = field(default_factory=list)
    there: int = 0
    moved: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def import_models(
    ws: Workspace, url: str, names: Sequence[str] = (), under: str = "", progress: Progress | None = None
) -> Imported:
    """Take the registered models of the MLflow server at ``url``, or those of ``names``, into the folder ``under``.

    Each version becomes one of the kind ``model``; what MLflow knows of it is in its ``metadata``, its
    run in its ``lineage``. Raises `ExtraMissing`, `VersionNotFound` for a name MLflow does not have,
    `DatabaseUnreachable`, `DatabaseRefused`.
    """
    client = _client(url)
    try:
        models = _chosen({m.name: m for m in _all(client.search_registered_models)}, names, url)
        wanted = [v for v in _all(client.search_model_versions) if v.name in models]
    except _mlflow_error() as error:
        raise DatabaseRefused(f"MLflow at {url}: {error}", hint="is this the server's address?") from error
    done, place = Imported(), Address(under.strip("/"), None)
    known = {name: _numbers(ws, place.name(name), url) for name in models}
    for looked_at, version in enumerate(sorted(wanted, key=lambda v: (v.name, int(v.version))), 1):
        _take(ws, client, url, place.name(version.name), models[version.name], version, known, done)
        if progress is not None:
            progress(looked_at, len(wanted))
    for name, model in models.items():
        _name(ws, place.name(name), model, known[name], done)
    return done


def _client(url: str) -> MlflowClient:
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise missing("MLflow", "mlflow", error) from error
    if url.startswith(("http://", "https://")):
        _reach(url)  # MLflow itself would try for minutes
    return MlflowClient(url, url)


def _reach(url: str) -> None:
    try:
        urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=REACH_S).close()
    except urllib.error.HTTPError:
        return  # somebody answers
    except OSError as error:
        raise DatabaseUnreachable(f"MLflow does not answer at {url}: {error}") from error


def _mlflow_error() -> type[Exception]:
    from mlflow.exceptions import MlflowException

    kind: type[Exception] = MlflowException
    return kind


def _all(search: Callable[..., Any]) -> Iterator[Any]:
    """Every page of what MLflow lists."""
    token = None
    while True:
        page = search(page_token=token)
        yield from page
        if not (token := page.token):
            return


def _chosen(models: dict[str, RegisteredModel], names: Sequence[str], url: str) -> dict[str, RegisteredModel]:
    for name in names:
        if name not in models:
            raise VersionNotFound(f"MLflow at {url} has no model {name!r}", hint=nearest(name, models))
    return {name: models[name] for name in names or sorted(models)}


def _numbers(ws: Workspace, name: str, url: str) -> dict[int, int]:
    """MLflow's number → the vault's, of versions taken from this server before, deleted ones too."""
    said = [(r.version, r.metadata.get("mlflow", {})) for r in ws.vault.versions(name, deleted=True)]
    return {of["version"]: number for number, of in said if of.get("server") == url}


def _take(
    ws: Workspace, client: MlflowClient, url: str, name: str, model: RegisteredModel, version: ModelVersion,
    known: Mapping[str, dict[int, int]], done: Imported,
) -> None:  # fmt: skip
    number = int(version.version)
    if number in known[version.name]:
        done.there += 1
        return
    if version.status != READY:
        done.left.append(f"{version.name} {number}: MLflow says it is {version.status}")
        return
    metadata, lineage = _said(client, url, model, version)
    try:
        with tempfile.TemporaryDirectory(prefix="interlock-") as folder:
            record = ws.vault.put(
                name, _downloaded(client, url, version, folder), metadata=metadata, lineage=lineage
            )
    except (_mlflow_error(), InterlockError, OSError) as error:
        done.left.append(f"{version.name} {number}: {error}")
        return
    known[version.name][number] = record.version
    done.taken.append(record.ref)


def _downloaded(client: MlflowClient, url: str, version: ModelVersion, folder: str) -> Path:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    source = client.get_model_version_download_uri(version.name, version.version)
    return Path(get_artifact_repository(source, url, url).download_artifacts("", folder))


def _said(
    client: MlflowClient, url: str, model: RegisteredModel, version: ModelVersion
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What MLflow knows of a version: metadata and lineage."""
    of = {
        "server": url,
        "version": int(version.version),
        "source": version.source,
        "logged_model": getattr(version, "model_id", None),
        "created_ms": version.creation_timestamp,
        "user": version.user_id,
        "description": version.description,
        "tags": dict(version.tags),
        "model": {"description": model.description, "tags": dict(model.tags)},
    }
    if not version.run_id:
        return {"mlflow": _known(of)}, {}
    try:
        run = client.get_run(version.run_id)
    except _mlflow_error():  # its run was purged: the model is still one
        return {"mlflow": _known(of)}, {"run": version.run_id}
    own = {k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")}
    of["run"] = _known(
        {
            "experiment": run.info.experiment_id,
            "name": run.info.run_name,
            "started_ms": run.info.start_time,
            "ended_ms": run.info.end_time,
            "git_commit": run.data.tags.get("mlflow.source.git.commit"),
            "metrics": dict(run.data.metrics),
            "params": dict(run.data.params),
            "tags": own,
            "data": [
                _known({"name": d.dataset.name, "digest": d.dataset.digest})
                for d in run.inputs.dataset_inputs
            ],
        }
    )
    return {"mlflow": _known(of)}, {"run": version.run_id}


def _known(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value not in (None, "", {}, [])}


def _name(ws: Workspace, name: str, model: RegisteredModel, numbers: dict[int, int], done: Imported) -> None:
    """Let aliases stand where they stand in MLflow; moving one passes the delete gate, as for anybody."""
    standing = {a.alias: a.version for a in ws.vault.aliases(name)}
    for alias, at in sorted(model.aliases.items()):
        number = numbers.get(int(at))
        if number is None or standing.get(alias) == number:
            continue
        try:
            ws.vault.alias(f"{name}@v{number}", alias)
            done.moved.append(f"{name}@{alias} → v{number}")
        except InterlockError as error:
            done.left.append(f"{name}@{alias}: {error}")
