"""``interlock watch``: judge what changes in PostgreSQL, after each commit."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli import render
from interlock.cli.native import UrlOption
from interlock.cli.options import AllOption, JsonOption, StrictOption, WorkspaceOption, existing
from interlock.cli.output import console, exit_status, plain, print_json, stderr

if TYPE_CHECKING:
    from interlock.gates.verdict import Verdict


def watch(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TABLE]...", help="Tables; all that are in PostgreSQL if left out."),
    ] = None,
    on: UrlOption = None,
    once: Annotated[bool, typer.Option("--once", help="Judge what has changed by now, and end.")] = False,
    strict: StrictOption = False,
    everything: AllOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Judge each partition that changed in PostgreSQL, after the commit, until interrupted.

    Needs the marks that `interlock install` makes. With --once it ends as `interlock check` does; without, --json
    prints a verdict a line.
    """
    from interlock.workspace import watch

    verdicts: list[Verdict] = []
    with existing(workspace) as ws:
        chosen = watch.tables(ws, names or ())
        for found in watch.rounds(chosen, watch.url(chosen, on), once=once):
            for note in found.notes:
                stderr().print(plain(f"! {note}"), style="yellow", markup=False)
            if once:
                verdicts.extend(found.verdicts)
            for verdict in found.verdicts:
                if not as_json:
                    console().print(render.verdict(verdict, everything=everything))
                elif not once:
                    sys.stdout.write(json.dumps(verdict.to_dict(), default=str) + "\n")
            sys.stdout.flush()
        if as_json:
            print_json({"verdicts": [v.to_dict() for v in verdicts]})
        elif not verdicts:
            console().print("nothing new to judge", style="dim")
    return exit_status(verdicts, strict=strict)
