"""What the tracked files may not hold, and what they promise each other."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import interlock

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
ORCHESTRATORS = sorted((ROOT / "requirements" / "orchestrators").glob("*.lock"))

# Spelled in pieces, so that this file passes its own test.
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.*])/" + r"(root|home/\w+|work|Users/\w+|opt/\w+)/\w"),
    "a package registry's host": re.compile(
        r"\b("
        + r"|".join(
            ["py" + r"pi\.org", "python" + r"hosted\.org", r"registry\.npm" + "js", "deb" + r"\.debian"]
        )
        + r")"
    ),
    "a private key": re.compile("-----BEGIN [A-Z ]*PRIVATE" + " KEY"),
}


def tracked() -> list[Path]:
    git = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if git.returncode:
        pytest.skip("not a git checkout")
    return [path for name in git.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what: str) -> None:
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" in data[:8_192]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if FORBIDDEN[what].search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line[:120]}")
    assert found == []


def test_what_is_forbidden_would_be_found() -> None:
    assert FORBIDDEN["a path of one machine"].search("see /" + "root/notes")
    assert FORBIDDEN["a package registry's host"].search("https://files.python" + "hosted.org/packages")
    assert FORBIDDEN["a private key"].search("-----BEGIN OPENSSH PRIVATE" + " KEY-----")


def test_there_are_locks_for_the_base_the_tests_the_build_and_the_installer() -> None:
    assert [path.name for path in LOCKS] == ["base.lock", "build.lock", "dev.lock", "tools.lock"]


@pytest.mark.parametrize("lock", [*LOCKS, *ORCHESTRATORS], ids=lambda path: path.name)
def test_a_lock_names_versions_and_hashes_and_no_place_to_fetch_them_from(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    requirements = re.sub(r"#.*", "", text).replace("\\\n", "").strip().splitlines()
    for requirement in requirements:
        assert re.match(r"[\w.\[\]-]+==\S+( ; .*?)?(\s+--hash=sha256:[0-9a-f]{64})+$", requirement), (
            requirement
        )


def test_the_tests_run_on_the_versions_that_users_of_the_lock_get() -> None:
    base, dev = ({line for line in (ROOT / "requirements" / name).read_text().splitlines() if "==" in line}
                 for name in ("base.lock", "dev.lock"))  # fmt: skip
    assert base <= dev


def test_the_changelog_names_this_version() -> None:
    assert f"## {interlock.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_plain_make_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert targets
    out = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert [line.split()[1] for line in out.splitlines()] == targets[1].split()


def test_continuous_integration_runs_make_test_and_nothing_else() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in script if "make" in line] == ["exec make test"]
