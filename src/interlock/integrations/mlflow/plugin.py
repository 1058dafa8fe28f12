"""MLflow's artifact repository for ``vault://``: every file a version, every delete a tombstone.

Named in the entry point group ``mlflow.artifact_repository``, so MLflow's server (``--artifacts-destination``)
and its clients (``--default-artifact-root``) find it by themselves.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow.store.artifact.artifact_repo import ArtifactRepository, verify_artifact_path

from interlock.errors import VersionDeleted, VersionNotFound
from interlock.integrations.mlflow.failures import in_its_words

if TYPE_CHECKING:
    from mlflow.entities import FileInfo

    from interlock.workspace.vault import Vault


class VaultArtifactRepository(ArtifactRepository):
    """Artifacts in the vault of a workspace, under a prefix.

    ``vault://PREFIX?workspace=PLACE``; without ``workspace`` the one that ``INTERLOCK_WORKSPACE`` names,
    else the current folder's. An artifact that is written again becomes a new version of itself. What the
    delete gate refuses is ``PERMISSION_DENIED`` (403), says what to do, and changed nothing.
    """

    def __init__(
        self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ) -> None:
        from interlock.integrations.mlflow.address import Address

        super().__init__(artifact_uri, tracking_uri, registry_uri)
        with in_its_words():
            self.address = Address.of(artifact_uri)

    @property
    def _vault(self) -> Vault:
        from interlock.integrations.mlflow import opened

        return opened.vault(self.address.workspace)

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Keep a file in the folder ``artifact_path``."""
        verify_artifact_path(artifact_path)
        name = self.address.name(f"{artifact_path or ''}/{os.path.basename(local_file)}")
        with in_its_words():
            if not self._is_there(name, Path(local_file)):
                self._vault.put_file(name, os.fspath(local_file))

    def _is_there(self, name: str, file: Path) -> bool:
        """Whether the very bytes are the newest version already: who tries again makes no new one."""
        from interlock.vault.hashing import sha256_of_file

        try:
            known = self._vault.show(name)
        except VersionNotFound:
            return False
        same_size = known.state == "live" and known.size_bytes == file.stat().st_size
        return same_size and known.sha256 == sha256_of_file(file)[0]

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Keep every file of a folder, as it is laid out, in the folder ``artifact_path``."""
        top = Path(local_dir)
        for file in sorted(p for p in top.rglob("*") if p.is_file()):
            below = file.relative_to(top).parent.as_posix()
            path = "/".join(p for p in (artifact_path, below) if p and p != ".")
            self.log_artifact(str(file), path or None)

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """What lies directly in a folder; nothing for a file, or for what is not there."""
        from mlflow.entities import FileInfo

        with in_its_words():
            found = self._vault.ls(self.address.name(path))
        return [
            FileInfo(
                self.address.path(e.name), e.is_folder, None if e.record is None else e.record.size_bytes
            )
            for e in found
        ]

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        """Write an artifact's newest version to ``local_path``, verified before its first byte is."""
        with (
            in_its_words(),
            self._vault.open(self.address.name(remote_file_path)) as source,
            open(local_path, "wb") as to,
        ):
            shutil.copyfileobj(source, to, 1 << 20)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Turn a file, or all below a folder, into tombstones in one request; nothing if the gate refuses.

        What is not there, or was deleted before, is no error, as in MLflow's own repositories.
        """
        with in_its_words(), contextlib.suppress(VersionNotFound, VersionDeleted):
            self._vault.delete(self.address.name(artifact_path) or "/", reason="deleted through MLflow")
