"""``interlock doctor``: is the workspace itself healthy?"""

from __future__ import annotations

from rich.text import Text

from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json


def doctor(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> int:
    """Look for writes past the gate, missing or changed files, unfinished triggers, leftovers. Exit 1 if any."""
    with existing(workspace) as ws:
        findings = ws.doctor()
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
