"""Every page says what is so: blocks run, links lead somewhere, generated pages are fresh."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests import s3, spark
from tests.docs.page import blocks, run
from tests.integrations.environments import APART, LIMIT_S, environment
from tests.postgres import Server

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
README_LINES = 30
GENERATED = [
    "../threat-model.md",
    "cli.md",
    "errors.md",
    "expressions.md",
    "python.md",
    "settings.md",
    "statistics.md",
]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def with_blocks(page: Path) -> bool:
    return any(
        block.title or (block.language in ("python", "console") and not block.skipped)
        for block in blocks(page.read_text(encoding="utf-8"))
    )


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUNNING = [p for p in PAGES if with_blocks(p)]


@pytest.mark.parametrize("page", [p for p in RUNNING if p.stem not in APART], ids=name)
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    more = {}
    if "$INTERLOCK_POSTGRES_URL" in page.read_text(encoding="utf-8"):
        server: Server = request.getfixturevalue("postgres")
        with server.connect() as connection:
            connection.execute("DROP DATABASE IF EXISTS shop WITH (FORCE)")  # another page's
            connection.execute("CREATE DATABASE shop")
        more = {"INTERLOCK_POSTGRES_URL": server.url("shop")}
    if "s3://team-lake" in page.read_text(encoding="utf-8"):
        store: s3.Server = request.getfixturevalue("s3")
        store.client().create_bucket(Bucket="team-lake")
        more |= store.environment | {"XDG_DATA_HOME": str(tmp_path / "home")}
    if "$ spark-submit" in page.read_text(encoding="utf-8"):
        spark.java()
        pytest.importorskip("pyspark")
        programs = f"{tmp_path / '.bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        more = {"PATH": programs, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        more |= {"SPARK_SUBMIT_OPTS": spark.JAVA_OPTIONS}
    assert run(page, tmp_path, more) > 0


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [p for p in RUNNING if p.stem in APART], ids=name)
def test_the_blocks_of_a_page_about_another_tool_run_in_its_own_environment(
    page: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    code = f"from pathlib import Path; from tests.docs.page import run; assert run(Path({str(page)!r}), Path.cwd()) > 0"
    with environment(page.stem, folder) as (python, variables):
        done = subprocess.run([str(python), "-c", code], cwd=folder, env=variables, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=LIMIT_S, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-6_000:]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", GENERATED)
def test_a_generated_page_is_what_the_code_says(page: str) -> None:
    written = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    assert written == generator().page(page), "run `make docs`"


def linked(page: Path) -> set[Path]:
    """The pages a page links to; a link to a folder is one to every page in it."""
    found = set()
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        target = (page.parent / link).resolve()
        found |= set(target.glob("*.md")) if target.is_dir() else {target}
    return {path for path in found if path.suffix == ".md" and path.exists()}


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    pending = {ROOT / "README.md"}
    while pending:
        page = pending.pop()
        reached.add(page)
        pending |= linked(page) - reached
    assert {name(page) for page in set(PAGES) - reached} == set()


def test_the_readme_gets_from_what_it_is_to_what_it_caught_in_thirty_lines() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    caught = next(number for number, line in enumerate(lines, 1) if line.startswith("[page] "))
    assert caught <= README_LINES
