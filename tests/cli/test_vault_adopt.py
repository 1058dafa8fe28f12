"""``interlock vault adopt``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    (folder / "ranker").mkdir(parents=True)
    (folder / "ranker" / "weights.bin").write_bytes(b"x" * 2_048)
    (folder / "lite.pkl").write_bytes(b"lite")
    return folder


def test_a_folder_of_models_is_adopted_and_outlived(run: Run, models: Path, tmp_path: Path) -> None:
    ran = run("vault", "adopt", models, "-w", tmp_path / "ws")
    assert ran.status == 0
    assert ran.out.splitlines() == [
        "2 adopted, 2.0 KiB; 0 were known",
        "  models/lite.pkl@v1  1 file, 4 bytes",
        "  models/ranker@v1  1 file, 2.0 KiB",
        "Removing an original loses nothing now. Writing into one still changes its bytes here,",
        "which `interlock vault scrub` finds; --read-only or --copy prevents it.",
    ]
    ran = run("vault", "adopt", models, "-w", tmp_path / "ws")
    assert ran.out.startswith("0 adopted, 0 bytes; 2 were known\n")
    shutil.rmtree(models)
    run("vault", "get", "models/ranker", tmp_path / "out", "-w", tmp_path / "ws")
    assert (tmp_path / "out" / "weights.bin").read_bytes() == b"x" * 2_048


def test_what_is_left_out_is_told_and_the_exit_status_says_so(run: Run, models: Path, tmp_path: Path) -> None:
    (models / "gone").symlink_to(models / "nowhere")
    (models / "many").mkdir()
    for number in range(22):
        (models / "many" / f"{number:02}").write_bytes(b"%d" % number)
    ran = run(
        "vault",
        "adopt",
        models,
        "--name",
        "team",
        "--each",
        "file",
        "--copy",
        "-w",
        tmp_path / "ws",
        columns=300,
    )
    assert ran.status == 1
    assert ran.out.splitlines()[-2:] == [
        "  … and 4 more: interlock vault ls",
        f"left out: team/gone: {models}/gone is not there",
    ]
    told = run("vault", "adopt", models, "--name", "team", "--each", "file", "--json", "-w", tmp_path / "ws")
    assert told.status == 1
    assert (told.json["adopted"], len(told.json["known"])) == ([], 24)
    assert set(told.json["protection"].values()) == {"kept"}
    assert told.json["left_out"] == [{"name": "team/gone", "why": f"{models}/gone is not there"}]


def test_what_is_not_protected_is_told(run: Run, elsewhere: Path, tmp_path: Path) -> None:
    for number in range(5):
        (elsewhere / f"{number}").write_bytes(b"%d" % number)
    ran = run("vault", "adopt", elsewhere, "--name", "m", "-w", tmp_path / "ws", columns=200)
    said = "not protected until replicated or copied (--copy): m/0@v1, m/1@v1, m/2@v1 and 2 more"
    assert ran.out.splitlines()[-1] == said
    assert ran.status == 0


def test_a_word_it_does_not_know_is_one_line(run: Run, models: Path, tmp_path: Path) -> None:
    ran = run("vault", "adopt", models, "--each", "model", "-w", tmp_path / "ws")
    assert ran.status == 2
    assert ran.err.startswith("error[IL100]: each='model' means nothing\n")
