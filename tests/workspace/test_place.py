"""Which folder is meant by a path."""

from __future__ import annotations

from pathlib import Path

import pytest

import interlock
from interlock.errors import UsageError, WorkspaceNotFound, WorkspaceVersion
from interlock.workspace import place


def opened(path: Path | str | None) -> Path:
    with interlock.open(path) as ws:
        return ws.path


def test_a_new_or_empty_folder_becomes_a_workspace(tmp_path: Path) -> None:
    assert opened(tmp_path / "a" / "new") == tmp_path / "a" / "new"
    (tmp_path / "empty").mkdir()
    assert opened(tmp_path / "empty") == tmp_path / "empty"
    assert opened(tmp_path / "empty") == tmp_path / "empty", "and stays it"


def test_a_folder_with_other_files_keeps_its_workspace_inside(tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    assert opened(tmp_path) == tmp_path / ".interlock"
    assert opened(tmp_path) == tmp_path / ".interlock"
    assert opened(tmp_path / ".interlock") == tmp_path / ".interlock"


def test_a_folder_of_data_is_a_project_too(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert opened(tmp_path) == tmp_path / ".interlock"


def test_the_current_folder_is_always_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert opened(None) == tmp_path / ".interlock"
    assert opened(".interlock") == tmp_path / ".interlock"


def test_a_contract_means_the_project_around_it(tmp_path: Path) -> None:
    contract = tmp_path / "interlock.yaml"
    contract.write_text("version: 1\ntables: {flights: {partition: day}}\n")
    assert opened(contract) == opened(tmp_path) == tmp_path / ".interlock"
    with interlock.open(tmp_path / ".interlock") as ws:
        assert ws.contract_path == contract
        assert [t.name for t in ws.tables()] == ["flights"]


@pytest.mark.parametrize("looks", range(1, 6))
def test_a_workspace_that_another_process_makes_during_the_search_is_found(
    looks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_after = iter([False] * (looks - 1) + [True])

    def looked(name: str) -> None:
        real = getattr(Path, name)

        def look(path: Path) -> object:
            found = list(real(path)) if name == "iterdir" else real(path)
            if next(made_after, False):
                (tmp_path / "catalog.sqlite").touch()
            return iter(found) if name == "iterdir" else found

        monkeypatch.setattr(Path, name, look)

    for name in ("is_file", "is_dir", "iterdir"):
        looked(name)
    assert place.find(tmp_path).folder == tmp_path


def test_what_cannot_be_a_workspace_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch()
    with pytest.raises(UsageError, match="is a file"):
        interlock.open(tmp_path / "x.csv")
    with pytest.raises(UsageError, match="local folder"):
        interlock.open("s3://bucket/workspace")
    with pytest.raises(WorkspaceNotFound, match="interlock init"):
        interlock.open(tmp_path / "none", create=False)
    assert not (tmp_path / "none").exists()


def test_a_folder_cut_off_in_making_is_the_same_workspace(tmp_path: Path) -> None:
    (tmp_path / place.CATALOG).touch()
    assert opened(tmp_path) == tmp_path


def test_somebody_elses_lake_is_left_alone(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / place.CATALOG) as connection:
        connection.execute("CREATE TABLE ducklake_metadata (key, value, scope, scope_id)")
    with pytest.raises(WorkspaceVersion, match="no Interlock workspace"):
        interlock.open(tmp_path)
