"""MLflow with its artifacts in the vault: its own log and load pass unchanged, its deletes lose nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.cli import cli as mlflow_command
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import (
    get_registered_artifact_repositories,
)
from rich.console import Console
from sklearn.linear_model import LinearRegression

import interlock
from interlock.errors import DatabaseUnreachable, UsageError, VersionNotFound
from interlock.incidents import lite_models, mlflow_server
from interlock.integrations.mlflow import stores
from interlock.integrations.mlflow.address import Address
from interlock.integrations.mlflow.importing import import_models
from interlock.integrations.mlflow.plugin import VaultArtifactRepository
from interlock.integrations.mlflow.rows import put_back
from interlock.names import model_name

FEATURES = np.array([[0.0], [1.0], [2.0]], dtype="float32")
MODEL = LinearRegression().fit(FEATURES, [1.0, 3.0, 5.0])


@dataclass(frozen=True)
class Server:
    """A running MLflow server whose artifacts are in the vault of ``folder``, under ``mlflow``."""

    url: str
    folder: Path

    @property
    def database(self) -> str:
        return f"sqlite:///{self.folder.parent / 'mlflow.db'}"

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.url)

    def open(self) -> interlock.Workspace:
        return interlock.open(self.folder)

    def ask(self, method: str, path: str, data: bytes | None = None) -> tuple[int, Any]:
        """What anybody may ask of it without a name or a password: HTTP status and answer."""
        wanted = urllib.request.Request(f"{self.url}/api/2.0/mlflow-artifacts/{path}", data, method=method)
        try:
            with urllib.request.urlopen(wanted, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def gc(self) -> None:
        """``mlflow gc``, as an administrator runs it."""
        given = ["gc", "--backend-store-uri", f"vault:{self.database}", "--tracking-uri", self.url]
        done = CliRunner(env={"INTERLOCK_WORKSPACE": str(self.folder)}).invoke(mlflow_command, given)
        assert done.exit_code == 0, done.output

    def delete(self, path: str) -> tuple[int, str]:
        status, said = self.ask("DELETE", f"artifacts/{path}")
        return status, json.loads(said).get("message", "")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    place = folder / "workspace"
    interlock.open(place).close()
    with mlflow_server.running(folder, "vault://mlflow", {"INTERLOCK_WORKSPACE": str(place)}) as url:
        yield Server(url, place)


@pytest.fixture(autouse=True)
def here(server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """An experiment of the test's own, which is where it logs; its id."""
    mlflow.set_tracking_uri(server.url)
    yield mlflow.set_experiment(request.node.name).experiment_id
    while mlflow.active_run():
        mlflow.end_run()


def logged(name: str = "ranker", registered: str | None = None) -> Any:
    """A scikit-learn model, logged as MLflow does it."""
    with mlflow.start_run():
        mlflow.log_metric("rmse", 0.25)
        return mlflow.sklearn.log_model(
            MODEL, name=name, registered_model_name=registered, pip_requirements=["scikit-learn"]
        )


def held(ws: interlock.Workspace, folder: str) -> dict[str, str]:
    """SHA-256 of every live file under a folder of the vault."""
    return {r.name: str(r.sha256) for r in ws.vault.versions(folder)}


# --- the plugin is there ------------------------------------------------------------------


def test_mlflow_knows_the_vault_by_itself() -> None:
    assert get_registered_artifact_repositories()["vault"] is VaultArtifactRepository


# --- log and load -------------------------------------------------------------------------


def test_a_scikit_learn_model_is_logged_and_loaded_through_the_server(server: Server, here: str) -> None:
    model = logged()
    assert mlflow.sklearn.load_model(model.model_uri).predict(FEATURES) == pytest.approx([1, 3, 5])
    files = {f.path for f in server.client.list_logged_model_artifacts(model.model_id)}
    assert {"MLmodel", "requirements.txt", "conda.yaml"} < files
    with server.open() as ws:
        kept = held(ws, f"mlflow/{here}/models/{model.model_id}")
    assert {name.rpartition("/artifacts/")[2] for name in kept} == files, "each file is one of the vault's"


def test_a_torch_model_is_logged_and_loaded_through_the_server() -> None:
    torch = pytest.importorskip("torch", reason="no build of torch for CPUs", exc_type=ImportError)
    net = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    with mlflow.start_run():
        model = mlflow.pytorch.log_model(net, name="net", input_example=FEATURES, pip_requirements=["torch"])
    loaded = mlflow.pytorch.load_model(model.model_uri)
    given = torch.tensor(FEATURES)
    assert torch.equal(loaded(given), net(given))


def test_what_is_downloaded_is_byte_for_byte_what_was_logged(tmp_path: Path) -> None:
    sent = {"a.txt": b"", "deep/er/b.bin": os.urandom(3_000_000), "deep/ü mlaut & co.txt": b"text"}
    sent |= {"odd/mail@home.csv": b"at", "odd/key%step%0.png": b"image"}
    for path, data in sent.items():
        (tmp_path / "in" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / path).write_bytes(data)
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(tmp_path / "in"), "some")
    got = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path / "out")))
    assert {
        p.relative_to(got / "some").as_posix(): p.read_bytes() for p in got.rglob("*") if p.is_file()
    } == sent


def test_an_artifact_that_is_logged_again_is_a_new_version_and_the_old_one_stays(
    server: Server, here: str
) -> None:
    with mlflow.start_run() as run:
        mlflow.log_text("first", "notes.txt")
        mlflow.log_text("second", "notes.txt")
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/notes.txt") == "second"
    with server.open() as ws, ws.vault.open(f"mlflow/{here}/{run.info.run_id}/artifacts/notes.txt@v1") as old:
        assert old.read() == b"first"


def test_clients_write_to_the_vault_without_the_server_between(server: Server, tmp_path: Path) -> None:
    root = f"vault://direct/team?workspace={server.folder}"
    mlflow.set_experiment(experiment_id=server.client.create_experiment("direct", artifact_location=root))
    model = logged()
    assert mlflow.sklearn.load_model(model.model_uri).predict(FEATURES) == pytest.approx([1, 3, 5])
    with server.open() as ws:
        assert any(name.endswith("/artifacts/MLmodel") for name in held(ws, "direct/team"))


def test_a_large_file_goes_through_where_a_client_asks_for_an_upload_in_parts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1000000")
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "true")
    large = tmp_path / "weights.bin"
    large.write_bytes(os.urandom(6_000_000))
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(large))
    got = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="weights.bin")
    assert Path(got).read_bytes() == large.read_bytes()


def test_many_clients_write_at_once(server: Server, here: str) -> None:
    def put(n: int) -> int:
        return server.ask("PUT", f"artifacts/{here}/many/{n}.txt", b"%d" % n)[0]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(put, range(24))) == {200}
    with server.open() as ws:
        assert held(ws, f"mlflow/{here}/many") == {
            f"mlflow/{here}/many/{n}.txt": hashlib.sha256(b"%d" % n).hexdigest() for n in range(24)
        }


# --- deletes ------------------------------------------------------------------------------


def test_a_delete_of_the_parent_of_many_models_is_refused_and_says_who_can_let_it_pass(
    server: Server, here: str
) -> None:
    for n in range(11):
        server.ask("PUT", f"artifacts/{here}/models/m-{n}/artifacts/MLmodel", b"model %d" % n)
    status, said = server.delete(f"{here}/models")
    assert status == 403
    assert "IL540" in said and "11 models" in said
    with server.open() as ws:
        assert len(held(ws, f"mlflow/{here}/models")) == 11
        waiting = next(r for r in ws.vault.requests() if r.subject == f"mlflow/{here}/models")
    assert waiting.state == "pending"
    assert f"interlock vault approve {waiting.ref}" in said


def test_a_deleted_model_is_not_found_any_more_and_comes_back_whole(server: Server, here: str) -> None:
    model = logged()
    folder = f"{here}/models/{model.model_id}"
    with server.open() as ws:
        before = held(ws, f"mlflow/{folder}")
    assert server.delete(folder) == (200, "")
    with pytest.raises(MlflowException, match=r"IL442.*interlock vault restore"):
        mlflow.artifacts.download_artifacts(f"mlflow-artifacts:/{folder}/artifacts/MLmodel")
    assert server.client.list_logged_model_artifacts(model.model_id) == []
    with server.open() as ws:
        assert held(ws, f"mlflow/{folder}") == {}
        ws.vault.restore(f"mlflow/{folder}")
        assert held(ws, f"mlflow/{folder}") == before
    assert mlflow.sklearn.load_model(model.model_uri).predict(FEATURES) == pytest.approx([1, 3, 5])


def test_a_folder_is_deleted_in_one_request_and_only_what_is_in_it(server: Server, here: str) -> None:
    for path in ("run/a", "run/deep/b", "runs"):
        server.ask("PUT", f"artifacts/{here}/{path}", b"x")
    assert server.delete(f"{here}/run")[0] == 200
    with server.open() as ws:
        gone = [r for r in ws.vault.versions(f"mlflow/{here}", deleted=True) if r.state == "deleted"]
        assert [r.name.removeprefix(f"mlflow/{here}/") for r in gone] == ["run/a", "run/deep/b"]
        assert len({r.request_id for r in gone}) == 1
    assert server.delete(f"{here}/run")[0] == 200, "again is no error"


def test_a_deleted_path_can_be_written_again_and_the_old_bytes_stay(server: Server, here: str) -> None:
    server.ask("PUT", f"artifacts/{here}/a", b"old")
    server.delete(f"{here}/a")
    assert server.ask("PUT", f"artifacts/{here}/a", b"new")[0] == 200
    assert server.ask("GET", f"artifacts/{here}/a") == (200, b"new")
    with server.open() as ws, ws.vault.open(f"mlflow/{here}/a@v1", deleted=True) as old:
        assert old.read() == b"old"


def test_what_mlflow_gc_deletes_for_good_comes_back(server: Server, here: str) -> None:
    model = logged()
    with mlflow.start_run() as run:
        mlflow.log_text("a report", "report.txt")
        mlflow.log_param("depth", 3)
        for step, loss in ((1, 0.75), (2, 0.5)):
            mlflow.log_metric("loss", loss, step=step)
    server.client.delete_logged_model(model.model_id)
    server.client.delete_run(run.info.run_id)
    server.gc()
    with pytest.raises(MlflowException):
        server.client.get_run(run.info.run_id)
    with server.open() as ws:
        assert held(ws, f"mlflow/{here}") == {}
        ws.vault.restore(f"mlflow/{here}")
        put_back(ws.vault, server.database, [f"runs/{run.info.run_id}", f"logged_models/{model.model_id}"])
    again = server.client.get_run(run.info.run_id)
    assert again.info.lifecycle_stage == "active"
    assert (again.data.metrics, again.data.params) == ({"loss": 0.5}, {"depth": "3"})
    assert [m.step for m in server.client.get_metric_history(run.info.run_id, "loss")] == [1, 2]
    assert server.client.get_logged_model(model.model_id).name == "ranker"
    assert server.ask("GET", f"artifacts/{here}/{run.info.run_id}/artifacts/report.txt") == (200, b"a report")
    loaded = mlflow.sklearn.load_model(f"mlflow-artifacts:/{here}/models/{model.model_id}/artifacts")
    assert loaded.predict(FEATURES) == pytest.approx([1, 3, 5])


def test_a_registered_model_that_was_deleted_comes_back_with_its_versions_aliases_and_tags(
    server: Server,
) -> None:
    client, name = server.client, "it's a ranker"
    for tag in ("first", "second"):
        logged(registered=name)
        client.set_model_version_tag(name, str(len(client.search_model_versions())), "data", tag)
    client.set_registered_model_alias(name, "champion", "1")
    client.update_registered_model(name, description="ranks")
    before = registry(client)
    client.delete_model_version(name, "1")
    client.delete_registered_model(name)
    assert registry(client) == []
    with server.open() as ws:
        put_back(ws.vault, server.database, [f"registered_models/{name}"])
        assert registry(client) == before
        assert put_back(ws.vault, server.database, ["registered_models"]) == {}, "what is there is left"
    assert mlflow.sklearn.load_model(f"models:/{name}@champion").predict(FEATURES) == pytest.approx([1, 3, 5])
    client.delete_registered_model(name)


def registry(client: MlflowClient) -> list[Any]:
    """Everything the registry knows, less when it last changed."""
    models = [
        (m.name, m.description, dict(m.aliases), dict(m.tags)) for m in client.search_registered_models()
    ]
    versions = [
        (v.name, int(v.version), v.source, v.run_id, v.status, dict(v.tags))
        for v in client.search_model_versions()
    ]
    return models + sorted(versions)


def test_rows_that_cannot_be_kept_are_not_deleted(server: Server, tmp_path: Path) -> None:
    registered = stores.registry(f"vault:{server.database}")
    registered.create_registered_model("precious")
    (tmp_path / "file").touch()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("INTERLOCK_WORKSPACE", str(tmp_path / "file"))  # where no workspace can be
        with pytest.raises(MlflowException, match=r"IL100.*not a workspace"):
            registered.delete_registered_model("precious")
    assert registered.get_registered_model("precious").name == "precious"


def test_rows_that_nobody_deleted_cannot_be_put_back(server: Server) -> None:
    with server.open() as ws, pytest.raises(VersionNotFound, match="registered_models/nobody"):
        put_back(ws.vault, server.database, ["registered_models/nobody"])


# --- an import ----------------------------------------------------------------------------


def test_registered_models_are_taken_into_the_vault_with_what_mlflow_knows_of_them(
    server: Server, tmp_path: Path
) -> None:
    client = server.client
    for _ in range(2):
        model = logged(registered="churn")
    client.set_registered_model_alias("churn", "champion", "1")
    client.set_model_version_tag("churn", "2", "data", "2026-03")
    logged(registered="ranker")
    client.delete_model_version("churn", "1")
    client.set_registered_model_alias("churn", "champion", "2")
    with interlock.open(tmp_path / "other") as ws:
        done = import_models(ws, server.url, under="imported")
        assert (done.taken, done.there, done.left) == (["imported/churn@v1", "imported/ranker@v1"], 0, [])
        record = ws.vault.show("imported/churn@champion")
        said = record.metadata["mlflow"]
        assert (said["server"], said["version"], said["tags"]) == (server.url, 2, {"data": "2026-03"})
        assert said["run"]["metrics"] == {"rmse": 0.25}
        assert record.lineage == {"run": model.run_id}
        ws.vault.get("imported/churn@champion", tmp_path / "churn")
        assert mlflow.sklearn.load_model(str(tmp_path / "churn")).predict(FEATURES) == pytest.approx(
            [1, 3, 5]
        )
        again = import_models(ws, server.url, under="imported")
        assert (again.taken, again.there, again.moved, again.left) == ([], 2, [], [])
        logged(registered="churn")
        assert import_models(ws, server.url, ["churn"], "imported").taken == ["imported/churn@v2"]


def test_an_import_goes_on_past_a_version_whose_files_are_gone_and_takes_it_the_next_time(
    server: Server, tmp_path: Path, here: str
) -> None:
    lost, kept = logged(registered="lost"), logged(registered="kept")
    server.delete(f"{here}/models/{lost.model_id}")
    with interlock.open(tmp_path / "other") as ws:
        done = import_models(ws, server.url, ["lost", "kept"])
        assert done.taken == ["kept@v1"]
        assert [line.split(":")[0] for line in done.left] == ["lost 1"]
        with server.open() as its:
            its.vault.restore(f"mlflow/{here}/models/{lost.model_id}")
        assert import_models(ws, server.url, ["lost", "kept"]).taken == ["lost@v1"]
        assert kept.model_id in ws.vault.show("kept").metadata["mlflow"]["source"]


def test_an_import_says_what_is_wrong_with_its_address_or_its_names(server: Server, tmp_path: Path) -> None:
    with interlock.open(tmp_path / "other") as ws:
        with pytest.raises(DatabaseUnreachable, match="does not answer"):
            import_models(ws, "http://127.0.0.1:9")
        with pytest.raises(VersionNotFound, match="no model 'rank'"):
            import_models(ws, server.url, ["rank"])


# --- what cannot be -----------------------------------------------------------------------


def test_what_is_not_there_is_not_found(server: Server, here: str) -> None:
    status, said = server.ask("GET", f"artifacts/{here}/nothing.txt")
    assert (status, json.loads(said)["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert server.ask("GET", f"artifacts?path={here}/nothing") == (200, b"{}")
    assert server.delete(f"{here}/nothing")[0] == 200


def test_an_upload_that_was_cut_short_leaves_nothing(server: Server, here: str) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    path = f"/api/2.0/mlflow-artifacts/artifacts/{here}/half"
    head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b"not all of it")
    assert server.ask("GET", f"artifacts/{here}/half")[0] == 404
    with server.open() as ws:
        assert ws.vault.versions(f"mlflow/{here}", deleted=True) == []


def test_a_workspace_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(MlflowException, match="IL401"):
        VaultArtifactRepository(f"vault://mlflow?workspace={tmp_path / 'typo'}").list_artifacts()
    assert list(tmp_path.iterdir()) == []


def test_a_path_leads_nowhere_else(server: Server) -> None:
    for path in ("../x", "a/../../x", "%2e%2e/x"):
        assert server.ask("PUT", f"artifacts/{path}", b"no")[0] in (400, 404), path


def test_a_file_cannot_be_a_folder_too(server: Server, here: str) -> None:
    assert server.ask("PUT", f"artifacts/{here}/a", b"file")[0] == 200
    status, said = server.ask("PUT", f"artifacts/{here}/a/b", b"below it")
    assert status >= 400
    assert "IL440" in json.loads(said)["message"]


def test_bytes_that_changed_in_the_store_are_not_handed_out(server: Server, here: str) -> None:
    server.ask("PUT", f"artifacts/{here}/weights", b"as they were")
    sha256 = hashlib.sha256(b"as they were").hexdigest()
    (stored,) = server.folder.rglob(f"objects/{sha256[:2]}/{sha256}")
    stored.chmod(0o600)
    stored.write_bytes(b"as they are!")
    status, said = server.ask("GET", f"artifacts/{here}/weights")
    assert (status, b"as they are" in said) == (500, False)
    assert "IL444" in json.loads(said)["message"]


@pytest.mark.parametrize(
    "path", ["a b/ü#c.txt", "m@1", "m%401", "%", "%@", "a\\b", "%2540", "%25", "100%/5C"]
)
def test_every_path_has_a_name_of_its_own_and_comes_back_from_it(path: str) -> None:
    for prefix in ("", "team/mlflow"):
        address = Address(prefix, None)
        assert model_name(address.name(path)).startswith(prefix)
        assert address.path(address.name(path)) == path


@pytest.mark.parametrize("uri", ["vault://a?workspac=x", "vault://a#b", "s3://a"])
def test_an_address_that_is_none_says_how_it_is_written(uri: str) -> None:
    with pytest.raises(UsageError, match=r"vault://PREFIX\?workspace=FOLDER"):
        Address.of(uri)
    with pytest.raises(MlflowException, match="IL100"):
        VaultArtifactRepository(uri)


# --- the story ----------------------------------------------------------------------------


def test_the_parent_of_every_small_model_is_removed_and_its_backup_and_one_command_brings_them_back() -> None:
    story = lite_models.run(12)
    assert (story.without.status, story.without.left, story.without_backup.left) == (200, 0, 0)
    assert (story.refused.status, story.refused.left, story.refused_backup.left) == (403, 12, 12)
    assert "12 models" in story.refused.said
    assert (story.tried, story.one_by_one) == (12, 10)
    assert story.approved_left == 0
    assert story.restored == 2 * 12 * 2
    assert (story.restored_left, story.restored_backup) == (12, 12)
    json.dumps(story.to_dict())
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(story)
    assert story.command in console.export_text()
