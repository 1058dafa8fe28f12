"""What a user installs: everything it needs, and not much else."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
BASE_SIZE_MAX_BYTES = 400_000_000
BASE = {"alembic", "duckdb", "numpy", "pydantic", "rich", "ruamel-yaml", "sqlalchemy", "sqlglot", "typer"}


def locked(name: str) -> dict[str, str]:
    """Package → version of a lock, for this interpreter and platform."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    found = {}
    for line in re.sub(r"#.*", "", text).replace("\\\n", "").splitlines():
        requirement = Requirement(line.split("--hash")[0]) if line.strip() else None
        if requirement and (requirement.marker is None or requirement.marker.evaluate()):
            found[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return found


def size_bytes(package: str) -> int:
    """Bytes on disk of an installed distribution, compiled Python left out."""
    files = metadata.distribution(package).files
    assert files, f"{package} has no record of its files"
    return sum(
        p.stat().st_size for f in files if (p := Path(str(f.locate()))).is_file() and p.suffix != ".pyc"
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    into = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)], cwd=ROOT,
                   check=True, capture_output=True)  # fmt: skip
    (path,) = into.glob("interlock-*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_file_of_the_package_and_the_licence(wheel: zipfile.ZipFile) -> None:
    source = ROOT / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "interlock").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    held = set(wheel.namelist())
    assert expected - held == set()
    assert any(name.endswith(".parquet") for name in expected), "the demo's data is missing from the package"
    assert {name for name in held - expected if ".dist-info/" not in name} == set()
    assert any(name.endswith("licenses/LICENSE") for name in held)


def test_the_wheel_offers_the_command_and_its_types(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "interlock = interlock.cli:main" in wheel.read(entry_points).decode()
    assert "interlock/py.typed" in wheel.namelist()


def test_the_base_install_asks_for_nine_packages(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    lines = wheel.read(name).decode().splitlines()
    asked = [
        Requirement(line.removeprefix("Requires-Dist: "))
        for line in lines
        if line.startswith("Requires-Dist")
    ]
    assert {canonicalize_name(r.name) for r in asked if "extra" not in str(r.marker)} == BASE


def test_what_runs_is_what_is_locked() -> None:
    installed = {}
    for name in locked("dev.lock"):
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed: this environment was not made by make")
    assert installed == locked("dev.lock")


def test_the_base_install_stays_under_400_mb() -> None:
    sizes = {name: size_bytes(name) for name in locked("base.lock")}
    assert sum(sizes.values()) < BASE_SIZE_MAX_BYTES, sorted(sizes.items(), key=lambda item: -item[1])[:5]
