"""What must not happen has no method: nothing but the bins can remove an object of a store."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock

SOURCE = Path(interlock.__file__).parent
REMOVING = {
    "unlink", "remove", "removedirs", "rmdir", "rmtree", "truncate", "rename", "renames", "replace", "move",
    "move_all", "delete", "delete_object", "delete_objects", "delete_object_version", "rm", "rm_file",
}  # fmt: skip
OF_FILES = {
    "os",
    "shutil",
    "durable",
    "path",
    "root",
    "client",
    "store",
    "fs",
    "_client",
    "s3",
    "obstore",
    "self",
}

# Where the vault, its gate, or who serves it removes or replaces a file, and why it is no object of a store.
ALLOWED = {
    "vault/stores/local.py": {
        "drop",
        "take",
        "mend",
    },  # temporary files; mend replaces bytes that are not whole
    "vault/stores/linked.py": {"possible"},  # a temporary second name
    "vault/materialise.py": {"_write"},  # what `get` writes, outside the store
    "gates/delete/bins.py": {"remove", "sweep_temporary"},
}


def removals(path: Path) -> Iterator[tuple[str, int]]:
    """(function, line) of each call that could remove a file or an object."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and _removes(node.func)
                ):
                    yield function.name, node.lineno


def _removes(called: ast.Attribute) -> bool:
    holder = called.value
    name = holder.attr if isinstance(holder, ast.Attribute) else getattr(holder, "id", "")
    return called.attr in REMOVING and (
        name in OF_FILES or called.attr in {"unlink", "rmtree", "delete_object"}
    )


@pytest.mark.parametrize("folder", ["vault", "gates/delete", "catalog/vault", "cli/vault"])
def test_nothing_else_removes_what_is_in_a_store(folder: str) -> None:
    found = {
        f"{path.relative_to(SOURCE)}:{line} in {function}"
        for path in (SOURCE / folder).rglob("*.py")
        for function, line in removals(path)
        if function not in ALLOWED.get(str(path.relative_to(SOURCE)), set())
    }
    assert found == set()


def test_only_the_collector_takes_a_bin() -> None:
    users = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if path.name != "bins.py" and "bins" in _imported(path)
    }
    assert users == {"gates/delete/collector.py"}


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names} | {(node.module or "").rpartition(".")[2]}
        elif isinstance(node, ast.Import):
            names |= {alias.name.rpartition(".")[2] for alias in node.names}
    return names


def test_no_store_has_a_delete() -> None:
    from interlock.vault.stores.local import LocalStore
    from interlock.vault.stores.protocol import Store

    for kind in (Store, LocalStore):
        assert not {name for name in dir(kind) if any(w in name for w in ("delete", "remove", "unlink"))}


def test_what_is_looked_for_would_be_found(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text("import os\ndef f(p):\n    os.unlink(p)\ndef g(p):\n    p.unlink()\n"
                    "def h(self):\n    self.client.delete_object(Key='k')\n")  # fmt: skip
    assert [name for name, _ in removals(file)] == ["f", "g", "h"]
