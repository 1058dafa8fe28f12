"""What docs/formats/vault-v1.md says a shell can get back, a shell gets back."""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import interlock
from interlock.catalog.vault.records import Kind
from interlock.names import Digest
from interlock.vault import chunks, layout
from interlock.vault.manifest import File, Manifest, Stored
from interlock.vault.stores.local import LocalStore
from tests.docs.page import blocks
from tests.vault.model_files import noise

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "vault-v1.md"
LINES_MAX = 20
ODD = [
    "plain", "a b", " lead", "trail ", 'q"uo"te', "it's", "$dollar", "$$two", "-dash", "*", "?", "[x]", "~", "#hash",
    "!x", "&", "a;b", "`id`", "$(id)", "%20", "%s", "a},{b", '},{"path":"p","sha256":"q', '","sha256":"', "ü/ñ☃",
    'a\u2028b', "x\x80y", "..x", "...", "deep/er/$x", '],"format":"interlock-vault"', "sub/same", "same",
]  # fmt: skip
NAME, ENCODED = "team é/ran ker$", "'team%20%C3%A9/ran%20ker%24'"


def script(title: str, **settings: str) -> str:
    """The block of the page of this title, with other settings in its first line."""
    (block,) = [b for b in blocks(PAGE.read_text(encoding="utf-8")) if b.title == title]
    text = block.text
    for name, value in settings.items():
        text, changed = re.subn(rf"\b{name}=\S+", lambda _: f"{name}={value}", text, count=1)  # noqa: B023
        assert changed
    return text


def run(shell: str, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run with nothing but what a bare system has."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    for name in ("cat", "cp", "dirname", "grep", "mkdir", "sed", "sha256sum", "tr", "zstd", shell):
        if not (tools / name).exists():
            _tool(tools / name)
    return subprocess.run([str(tools / shell), "-c", text], cwd=folder, env={"PATH": str(tools)}, text=True,
                          capture_output=True, check=False)  # fmt: skip


def _tool(path: Path) -> None:
    program = shutil.which(path.name)
    if program is not None:
        path.symlink_to(program)
        return
    assert path.name == "zstd", f"no {path.name}"
    path.write_text(
        f"#!{sys.executable}\nimport sys, zstandard\n"
        "sys.stdout.buffer.write(zstandard.decompress(open(sys.argv[-1], 'rb').read()))\n"
    )
    path.chmod(0o755)


def found(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def files() -> dict[str, bytes]:
    return {path: os.urandom(30) for path in ODD} | {"sub/same": b"same", "same": b"same", "empty": b""}


@pytest.fixture
def lost(tmp_path: Path, files: dict[str, bytes]) -> Path:
    """A folder with a vault of two models, and no catalog."""
    with interlock.open(tmp_path / ".interlock") as ws:
        ws.vault.put("team/ranker", {"weights": b"1"})
        for _ in range(2):
            ws.vault.put(
                NAME, files, metadata={"files": [{"path": "no", "sha256": "0" * 64}], 'x"': '],"format":"'}
            )
    for path in (tmp_path / ".interlock").iterdir():
        if path.name != "vault":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return tmp_path


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_model_is_recovered_with_cp_and_sha256sum(shell: str, lost: Path, files: dict[str, bytes]) -> None:
    done = run(shell, script("recover.sh", name=ENCODED, version="2", out="'my files'"), lost)
    assert (done.returncode, done.stderr) == (0, "")
    assert found(lost / "my files") == files
    assert done.stdout.count(": OK\n") == len(files) == done.stdout.count("\n")


def test_what_is_damaged_or_gone_is_said(lost: Path, files: dict[str, bytes]) -> None:
    rotten, gone = (
        lost / ".interlock/vault" / layout.object_key(Digest.of(files[path]).hex) for path in ("plain", "a b")
    )
    rotten.chmod(0o644)
    rotten.write_bytes(b"rotten")
    gone.unlink()
    done = run("sh", script("recover.sh", name=ENCODED, version="2"), lost)
    assert done.returncode == 1 and "No such file" in done.stderr
    assert (
        "recovered/plain: FAILED\n" in done.stdout and "recovered/a b: FAILED open or read\n" in done.stdout
    )
    assert done.stdout.count(": OK\n") == len(files) - 2


def test_a_file_kept_in_chunks_is_put_together(tmp_path: Path) -> None:
    """Text shrinks and noise does not: chunks of both kinds."""
    source = tmp_path / "source"
    source.write_bytes(b"interlock " * 500_000 + noise(1, 10 << 20) + b"interlock " * 500_000)
    store = LocalStore(tmp_path / ".interlock/vault")
    stored = chunks.store_in_chunks(store, source, known=lambda _: {}, lease=lambda _: ())
    assert {chunk.compressed for chunk in stored.recipe.chunks} == {True, False}
    file = File("a/b", stored.recipe.sha256, stored.recipe.size_bytes, Stored.RECIPE)
    at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    made = Manifest(Kind.MODEL, "team/ranker", 41, at, "kim", (file,))
    store.put(made.key, made.encode())
    done = run("sh", script("recover.sh"), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "recovered/a/b").read_bytes() == source.read_bytes()
    assert done.stdout.endswith(".json: OK\n")


def test_what_lies_elsewhere_or_leads_out_is_said_and_left(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / ".interlock/vault")
    inside = store.keep(store.take(io.BytesIO(b"x")), layout.object_key(Digest.of(b"x").hex))
    paths = ["../out", "a/../../out", "/etc/out", ".."]
    files = [File(path, Digest.of(b"x").hex, inside.size_bytes) for path in paths]
    files += [
        File("part.parquet", "0" * 64, 1, Stored.LAKE, "data/main/t/1.parquet"),
        File("in", files[0].sha256, 1),
    ]
    at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    made = Manifest(Kind.MODEL, "team/ranker", 41, at, "kim", tuple(files))
    store.put(made.key, made.encode())
    before = {p for p in tmp_path.rglob("*") if "tools" not in p.parts}
    done = run("sh", script("recover.sh"), tmp_path)
    assert done.stderr.count("refused: ") == len(paths) and "part.parquet lies elsewhere" in done.stderr
    after = {p for p in tmp_path.rglob("*") if "tools" not in p.parts}
    new = {p.relative_to(tmp_path).as_posix() for p in after - before}
    assert new == {"recovered", "recovered/in", "recovered.sha256"}


def test_the_ledger_says_whether_a_manifest_was_acknowledged(tmp_path: Path) -> None:
    with interlock.open(tmp_path / ".interlock") as ws:
        for _ in range(41):
            record = ws.vault.put_file("log", b"x")
        assert record.version == 41
    text = script("acknowledged.sh").replace("team/ranker", "log")
    done = run("sh", text, tmp_path)
    said, is_ = done.stdout.splitlines()
    assert record.manifest is not None
    assert f'"manifest":"{record.manifest}"' in said and is_.startswith(record.manifest)


def test_it_takes_twenty_lines() -> None:
    text = script("recover.sh").strip()
    assert len(text.splitlines()) <= LINES_MAX
    assert not re.search(r"jq|python|perl|awk|interlock ", text)
