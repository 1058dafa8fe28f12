"""``interlock doctor``: is the workspace itself healthy?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json, progress

DataOption = Annotated[
    bool, typer.Option("--data", help="Read every data file and compare it with what was judged.")
]


def doctor(data: DataOption = False, as_json: JsonOption = False, workspace: WorkspaceOption = None) -> int:
    """Look for writes past the gate, missing or changed files, unfinished triggers, leftovers. Exit 1 if any.

    Tables attached in PostgreSQL are compared with the contract, as `interlock install --check` does.
    Files are looked for and measured; with --data they are read as well, so that a change that keeps the size is found.
    """
    with existing(workspace) as ws, progress("reading the data files", quiet=as_json) as advance:
        findings = ws.doctor(data=data, progress=advance)
    bad = [f for f in findings if not f.ok]
    if as_json:
        print_json([f.to_dict() for f in findings])
    else:
        for f in findings:
            mark = ("✓ ", "green") if f.ok else ("✗ ", "bold red")
            console().print(Text.assemble(mark, plain(f"{f.what}: {f.detail}")))
            if f.advice:
                console().print(plain(f"    {f.advice}"), style="dim", markup=False)
    return 1 if bad else 0
