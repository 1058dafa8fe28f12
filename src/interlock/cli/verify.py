"""``interlock verify``: catalog, ledger and vault in one, by other code than writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from interlock.cli.options import JsonOption, WorkspaceOption
from interlock.cli.output import console, plain, print_json, progress

if TYPE_CHECKING:
    from interlock.verify.report import Report

_SHOWN = 50


def verify(
    data: Annotated[
        bool, typer.Option("--data", help="Read every file of the vault too, not only its size.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Compare catalog, ledger and vault with each other; exit 1 and name the place if anything does not hold.

    Nothing is written, and none of the code that writes them is used.
    """
    from interlock import verify as verification
    from interlock.workspace import place

    found = place.existing(workspace)
    where = found.address if isinstance(found, place.SharedPlace) else str(found.folder)
    with progress("verifying", quiet=as_json) as advance:
        report = verification.verify(where, data=data, progress=advance)
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)
    return 0 if report.ok else 1


def _print(report: Report) -> None:
    out = console()
    for problem in report.problems[:_SHOWN]:
        out.print(Text.assemble(("✗ ", "bold red"), plain(problem)))
    if report.found > _SHOWN:
        out.print(f"… and {report.found - _SHOWN:,} more; --json lists them", style="dim")
    said = f"{report.entries:,} entries, {report.versions:,} versions with {report.files:,} files"
    if report.ok:
        out.print(f"verified: {said}, root {report.root}", style="green", markup=False, soft_wrap=True)
    else:
        out.print(f"{report.found:,} problems; {said}", style="bold red", markup=False)
    for note in report.notes:
        out.print(plain(note), style="dim", markup=False)
