"""``interlock contract``: contracts of the Open Data Contract Standard, in and out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from interlock import durable
from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import plain, print_json, stderr
from interlock.errors import UsageError

app = typer.Typer(
    help="The Open Data Contract Standard, in and out.", no_args_is_help=True, rich_markup_mode=None
)
OutputOption = Annotated[
    str | None, typer.Option("--output", "-o", help="The file to write; printed if left out.")
]


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="A contract of the standard, version 3.")],
    output: OutputOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of -o where there is one.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 where something has no counterpart.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """The interlock.yaml that says the same; what it cannot say is listed with its place."""
    from interlock.constraints import odcs
    from interlock.constraints.contract import text_of

    found = odcs.loads(text_of(Path(file)), file)
    if as_json:
        left = [{"path": u.path, "line": u.line, "why": u.why} for u in found.unmapped]
        print_json({"contract": found.to_yaml(), "unmapped": left})
    _put(output, found.to_yaml(), force, quiet=as_json)
    if found.unmapped and not as_json:
        sys.stdout.flush()  # the contract first, whatever reads both
        stderr().print(f"{len(found.unmapped)} parts have no counterpart:", style="yellow", markup=False)
        for part in found.unmapped:
            stderr().print(plain(f"  {file}:{part.line}: {part.path}: {part.why}"), markup=False)
    return 1 if strict and found.unmapped else 0


@app.command()
def export(
    table: Annotated[str, typer.Argument(help="The table.")],
    output: OutputOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of -o where there is one.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> int:
    """What is declared of a table, as YAML of the standard."""
    with existing(workspace) as ws:
        text = ws.existing_table(table).to_odcs()
    if as_json:
        print_json({"contract": text})
    _put(output, text, force, quiet=as_json)
    return 0


def _put(output: str | None, text: str, force: bool, *, quiet: bool = False) -> None:
    if output is None:
        if not quiet:
            sys.stdout.write(text)
        return
    path = Path(output).absolute()
    if path.exists() and not force:
        raise UsageError(f"{output} is there already", hint="--force replaces it")
    durable.write(path, text.encode())
