"""What `import interlock` brings, and what it does not."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import interlock

SOURCE = Path(interlock.__file__).parent
HEAVY = {"alembic", "apprise", "duckdb", "numpy", "pandas", "polars", "pyarrow", "pydantic", "rich", "ruamel",
         "sqlalchemy", "sqlglot", "typer"}  # fmt: skip
OPTIONAL = {"apprise", "boto3", "botocore", "fsspec", "pandas", "polars", "psycopg", "pyarrow"}
ORCHESTRATORS = {
    "airflow",
    "dagster",
    "mlflow",
    "prefect",
}  # each imported by its own module, and nothing else
OF_AN_ORCHESTRATOR = {
    ("integrations", "airflow"): "airflow",
    ("integrations", "dagster"): "dagster",
    ("integrations", "prefect"): "prefect",
    ("mlflow", "plugin"): "mlflow",
}

SUBCLASSING = {("integrations", "filesystem"): "fsspec"}  # what stands on classes of an optional package

PUBLIC = [
    "Alert", "Constraint", "Decision", "HealthWarning", "InterlockError", "KnownAlert", "Outcome", "Profile",
    "Severity", "Table", "Verdict", "Violation", "Workspace", "__version__", "check", "fresh", "in_set", "matches",
    "not_null", "open", "profile", "references", "show_warnings", "unique",
]  # fmt: skip


def modules_after(statement: str) -> set[str]:
    """The top-level modules a fresh interpreter holds after ``statement``."""
    code = (
        f"import json, sys; {statement}; print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                         env={"PYTHONPATH": str(SOURCE.parent)})  # fmt: skip
    return set(json.loads(out.stdout.splitlines()[-1]))


def module_level_imports(path: Path) -> set[str]:
    """Top-level packages a file imports when it is imported (so not inside a function or TYPE_CHECKING)."""
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
        pending.extend(ast.iter_child_nodes(node))
    return found


def test_importing_interlock_imports_no_heavy_module() -> None:
    assert not HEAVY & modules_after("import interlock")


def test_the_public_names_are_these_and_each_can_be_had() -> None:
    assert sorted(interlock.__all__) == PUBLIC
    assert [name for name in PUBLIC if getattr(interlock, name, None) is None] == []
    assert dir(interlock) == PUBLIC


@pytest.mark.parametrize("name", ["check", "fresh", "in_set", "matches", "open", "profile", "unique"])
def test_a_public_function_is_never_hidden_by_a_package_of_its_name(name: str) -> None:
    importlib.import_module("interlock.cli.app")
    assert inspect.isfunction(getattr(interlock, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'chek'"):
        interlock.chek  # noqa: B018


def test_no_module_imports_an_optional_package_before_it_is_asked_to() -> None:
    importers = {
        (path.parent.name, path.stem): found
        for path in SOURCE.rglob("*.py")
        if (found := module_level_imports(path) & OPTIONAL)
    }
    assert importers == {place: {name} for place, name in SUBCLASSING.items()}


def test_an_orchestrator_is_imported_by_its_own_module_only() -> None:
    importers = {
        (path.parent.name, path.stem): found
        for path in SOURCE.rglob("*.py")
        if (found := module_level_imports(path) & ORCHESTRATORS)
    }
    assert importers == {place: {name} for place, name in OF_AN_ORCHESTRATOR.items()}


def test_every_module_can_be_imported_without_the_optional_packages() -> None:
    names = sorted(
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCE.rglob("*.py")
        if path.stem != "__main__" and "testing" not in path.parts and "versions" not in path.parts
        and path.name != "env.py" and (path.parent.name, path.stem) not in OF_AN_ORCHESTRATOR | SUBCLASSING
    )  # fmt: skip
    blocked = "; ".join(f"sys.modules[{name!r}] = None" for name in sorted(OPTIONAL))
    code = f"import importlib, sys; {blocked}; [importlib.import_module(n) for n in {names!r}]"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                         env={"PYTHONPATH": str(SOURCE.parent)})  # fmt: skip
    assert out.returncode == 0, out.stderr
