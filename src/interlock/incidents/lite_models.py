"""``interlock incident lite-models``: the parent folder of every small model, removed, and its backup.

A real MLflow server, twice. On it 200 small models and, in a folder of their own, a backup of them. Somebody
without any rights sends one ``DELETE`` for the parent of the models, then one for the backup: MLflow asks nobody who
he is. Once its artifacts lie on a disk, as they do by default, once in the vault.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import interlock
from interlock.incidents import mlflow_server

if TYPE_CHECKING:
    from rich.console import RenderableType

MODELS = 200
WEIGHTS_BYTES = 4_096
ONE_BY_ONE = 20  # of them he tries singly, when the folder as a whole is refused
BACKUP = "backup"
PREFIX = "mlflow"
THREADS = 4
MLMODEL = (
    "flavors: {{python_function: {{loader_module: {module}, data: weights.bin}}}}\nmodel_id: {model_id}\n"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What MLflow's server answered to the ``DELETE`` of a folder, and how many models were whole after it."""

    status: int
    said: str
    left: int


@dataclass(frozen=True, slots=True)
class LiteModels:
    """What was lost and what came back; prints itself with Rich.

    ``one_by_one`` of the ``tried`` models went when he tried them singly, before the gate had seen enough. Then
    somebody let the whole deletions pass: ``approved_left`` models were there after it, in the folder and in its
    backup. ``restored`` versions came back in ``restore_s`` seconds, ``restored_left`` models were whole after it.
    """

    models: int
    without: Answer
    without_backup: Answer
    refused: Answer
    refused_backup: Answer
    tried: int
    one_by_one: int
    approved_left: int
    command: str
    restored: int
    restore_s: float
    restored_left: int
    restored_backup: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def __rich__(self) -> RenderableType:
        from interlock.incidents.shown import lite_models

        return lite_models(self)


def run(models: int = MODELS) -> LiteModels:
    """Tell the story in a temporary folder. A minute or two; needs MLflow (`ExtraMissing`)."""
    with tempfile.TemporaryDirectory(prefix="interlock-") as top, ThreadPoolExecutor(1) as meanwhile:
        on_a_disk = meanwhile.submit(_on_a_disk, Path(top, "disk"), models)
        folder = Path(top, "vault")
        folder.mkdir()
        with interlock.open(folder / "workspace") as ws:
            more = {"INTERLOCK_WORKSPACE": str(ws.path)}
            with mlflow_server.running(folder, f"vault://{PREFIX}", more) as url:
                return _in_the_vault(ws, _Server(url, models), *on_a_disk.result())


def _on_a_disk(folder: Path, models: int) -> tuple[Answer, Answer]:
    folder.mkdir()
    with mlflow_server.running(folder, str(folder / "artifacts")) as url:
        server = _Server(url, models)
        return server.delete(server.prepare()), server.delete(BACKUP)


def _in_the_vault(
    ws: interlock.Workspace, server: _Server, without: Answer, without_backup: Answer
) -> LiteModels:
    key = ws.vault.add_key("colleague").secret
    parent = server.prepare()
    began = dt.datetime.now(dt.UTC)
    refused, refused_backup = server.delete(parent), server.delete(BACKUP)
    singly = [server.ask("DELETE", f"{parent}/{model}")[0] for model in list(server.made)[:ONE_BY_ONE]]
    for request in ws.vault.requests(pending=True):
        if request.subject in (f"{PREFIX}/{parent}", f"{PREFIX}/{BACKUP}"):
            ws.vault.approve(request.ref, key=key)
    approved_left = server.whole(parent) + server.whole(BACKUP)
    started = time.perf_counter()
    outcome = ws.vault.restore(by=ws.identity, since=began)
    return LiteModels(
        models=server.models,
        without=without,
        without_backup=without_backup,
        refused=refused,
        refused_backup=refused_backup,
        tried=len(singly),
        one_by_one=singly.count(200),
        approved_left=approved_left,
        command=f"interlock vault restore --by {ws.identity} --since {began:%Y-%m-%dT%H:%M:%S}",
        restored=outcome.versions,
        restore_s=time.perf_counter() - started,
        restored_left=server.whole(parent),
        restored_backup=server.whole(BACKUP),
    )


class _Server:
    """The models of the story on a server, each known by the digests of its files; spoken to without a password."""

    def __init__(self, url: str, models: int) -> None:
        self.url, self.models = f"{url}/api/2.0", models
        self.made: dict[str, dict[str, str]] = {}  # MLflow's id → path in the model → SHA-256

    def prepare(self) -> str:
        """Log and register the models, and copy each into the backup; the parent folder of them all."""
        experiment = self.tell("POST", "mlflow/experiments/create", {"name": "lite-models"})["experiment_id"]
        with ThreadPoolExecutor(THREADS) as pool:
            for model_id, digests in pool.map(lambda n: self._log(experiment, n), range(self.models)):
                self.made[model_id] = digests
        return f"{experiment}/models"

    def _log(self, experiment: str, number: int) -> tuple[str, dict[str, str]]:
        name = f"lite-{number:03}"
        made = self.tell("POST", "mlflow/logged-models", {"experiment_id": experiment, "name": name})
        model_id = made["model"]["info"]["model_id"]
        files = {
            "MLmodel": MLMODEL.format(module=__name__, model_id=model_id).encode(),
            "weights.bin": random.Random(number).randbytes(WEIGHTS_BYTES),
        }
        for folder in (f"{experiment}/models/{model_id}", f"{BACKUP}/{model_id}"):
            for path, data in files.items():
                self.ask("PUT", f"{folder}/artifacts/{path}", data)
        self.tell(
            "PATCH",
            f"mlflow/logged-models/{model_id}",
            {"model_id": model_id, "status": "LOGGED_MODEL_READY"},
        )
        self.tell("POST", "mlflow/registered-models/create", {"name": name})
        version = {"name": name, "source": f"models:/{model_id}", "model_id": model_id}
        self.tell("POST", "mlflow/model-versions/create", version)
        return model_id, {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}

    def delete(self, folder: str) -> Answer:
        """What anybody may send."""
        status, said = self.ask("DELETE", folder)
        return Answer(status, json.loads(said or b"{}").get("message", ""), self.whole(folder))

    def whole(self, folder: str) -> int:
        """How many models of a folder come back byte for byte."""
        with ThreadPoolExecutor(THREADS) as pool:
            return sum(pool.map(lambda model: all(self._same(folder, model)), self.made))

    def _same(self, folder: str, model: str) -> Iterator[bool]:
        for path, digest in self.made[model].items():
            status, data = self.ask("GET", f"{folder}/{model}/artifacts/{path}")
            yield status == 200 and hashlib.sha256(data).hexdigest() == digest

    def tell(self, method: str, path: str, document: dict[str, Any]) -> Any:
        """Ask MLflow's own interface, which must do it."""
        status, said = self._send(method, path, json.dumps(document).encode(), "application/json")
        assert status == 200, f"MLflow answered {status} to {method} {path}: {said[:300]!r}"
        return json.loads(said or b"{}")

    def ask(self, method: str, path: str, data: bytes | None = None) -> tuple[int, bytes]:
        """Ask for an artifact's path."""
        return self._send(method, f"mlflow-artifacts/artifacts/{path}", data, "application/octet-stream")

    def _send(self, method: str, path: str, data: bytes | None, of: str) -> tuple[int, bytes]:
        wanted = urllib.request.Request(f"{self.url}/{path}", data, {"Content-Type": of}, method=method)
        try:
            with urllib.request.urlopen(wanted, timeout=600) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def _load_pyfunc(path: str) -> _Lite:
    """What MLflow calls to load one of the models."""
    return _Lite(Path(path).read_bytes())


@dataclass(frozen=True, slots=True)
class _Lite:
    """A model that needs no library: it adds the sum of its weights."""

    weights: bytes

    def predict(self, given: Any, params: Any = None) -> Any:
        """Each number and the weights' sum."""
        return given + sum(self.weights)
