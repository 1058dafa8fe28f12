"""dbt: the verdicts that stand, as a macro of a project, and the test that reads it.

dbt and Interlock share two files and no environment: dbt never imports
Interlock, and no adapter has to reach the workspace. What is generated is data
written as a macro, since that is all a dbt test can read of a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from interlock import durable
from interlock.errors import UsageError
from interlock.integrations import told

PROJECT = "dbt_project.yml"
TEST, VERDICTS = "interlock.sql", "interlock_verdicts.sql"
_HEAD = (
    "{# The verdicts that stand, written by `interlock dbt`: leave it out of version control. #}\n"
    "{% macro interlock_verdicts() %}\n"
)
# Anything else could mean something to Jinja, or to the pieces dbt cuts a file into before Jinja sees it.
_PLAIN = re.compile(r"[A-Za-z0-9 .,:_/@+-]")


def write(project: Path, verdicts: Mapping[str, Sequence[told.Document]], told_at: int) -> list[Path]:
    """Write a project's macros: the test ``interlock_published``, and what it reads.

    ``verdicts`` by table, the one judged last first; ``told_at`` are seconds since
    1970. A file whose text stays the same is not touched. Returns both files. Raises
    `UsageError` where there is no dbt project, `StorageFailed`.
    """
    folder = _macros(project)
    test = resources.files(__package__).joinpath(TEST).read_bytes()
    if not (folder / TEST).is_file() or (folder / TEST).read_bytes() != test:
        durable.write(folder / TEST, test)
    durable.write(folder / VERDICTS, macro(verdicts, told_at).encode("ascii"))
    return [folder / TEST, folder / VERDICTS]


def macro(verdicts: Mapping[str, Sequence[told.Document]], told_at: int) -> str:
    """The macro ``interlock_verdicts``: ``[told_at, [[table, [[partition, decision, refused, refused if strict]]]]]``.

    ASCII, whatever tables, partitions and alerts are called. Both refusals are empty where what follows may run.
    """
    tables = ",\n".join(
        f"[{_text(table)}, [\n" + ",\n".join(map(_row, documents)) + "]]"
        for table, documents in verdicts.items()
    )
    return f"{_HEAD}{{% do return([{told_at}, [\n{tables}]]) %}}\n{{% endmacro %}}\n"


def _row(document: told.Document) -> str:
    refusals = (told.refusal(document), told.refusal(document, strict=True))
    cells = (document["partition"], document["decision"], *(why or "" for why in refusals))
    return f"[{', '.join(map(_text, cells))}]"


def _text(text: str) -> str:
    """A text as Jinja reads it."""
    return "'" + "".join(c if _PLAIN.match(c) else _escape(c) for c in text) + "'"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _macros(project: Path) -> Path:
    """The folder of a project's macros."""
    from ruamel.yaml import YAML  # needed here only
    from ruamel.yaml.error import YAMLError

    file = project / PROJECT
    if not file.is_file():
        raise UsageError(f"no dbt project in {project}", hint=f"give the folder that holds {PROJECT}")
    with durable.refusals(file):
        text = file.read_bytes()
    try:
        said = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, UnicodeDecodeError):
        raise UsageError(f"{file} is not YAML", hint="`dbt parse` says where") from None
    paths = said.get("macro-paths") if isinstance(said, dict) else None
    first = paths[0] if isinstance(paths, list) and paths else paths
    return project / (first if isinstance(first, str) else "macros")
