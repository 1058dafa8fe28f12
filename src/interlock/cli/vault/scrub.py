"""``interlock vault scrub``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json, progress
from interlock.cli.vault.words import moment, size
from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.vault.damage import Finding, Report

_SHOWN = 50


def scrub(
    repair: Annotated[
        bool, typer.Option("--repair", help="Put what is damaged right, from the other store.")
    ] = False,
    rate: Annotated[float | None, typer.Option("--rate", help="Read at most so many MB a second.")] = None,
    store: Annotated[str | None, typer.Option("--store", help="Only main, or only replica.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Leave out what was read since then: 2026-01-31, or 7d.")
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Read every object again and compare it with what was put. Exit 1 if anything is damaged and was not repaired.

    One that was stopped goes on where it was.
    """
    if rate is not None and rate <= 0:
        raise UsageError("--rate is a number of MB a second, above 0")
    after = moment(since, "--since")
    with existing(workspace) as ws, progress("reading", quiet=as_json) as advance:
        report = ws.vault.scrub(repair=repair, store=store, since=after, rate_mb_s=rate, progress=advance)
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)
    return 0 if report.ok else 1


def _print(report: Report) -> None:
    out = console()
    for finding in report.findings[:_SHOWN]:
        mark = ("✗ ", "bold red") if finding.left else ("✓ ", "green") if finding.repaired else ("· ", "dim")
        out.print(Text.assemble(mark, plain(_line(finding))))
    found = sum(report.counts.values())
    if found > _SHOWN:
        out.print(f"… and {found - _SHOWN:,} more; --json lists them", style="dim")
    for name in report.began_at:
        read = f"{report.objects[name]:,} objects, {size(report.size_bytes[name])}"
        unused = f"; {report.unused[name]:,} that nothing needs" if report.unused[name] else ""
        out.print(
            plain(f"{name}: {read} read since {report.began_at[name]:%Y-%m-%d %H:%M} UTC{unused}"),
            markup=False,
        )
    if report.repaired:
        out.print(f"{report.repaired:,} repaired", style="green")
    if report.left:
        out.print(f"{report.left:,} damaged", style="bold red")
    for note in report.notes:
        out.print(plain(note), style="dim", markup=False)


def _line(finding: Finding) -> str:
    line = f"{finding.store}: {finding.key} {finding.what}: {finding.detail}"
    line += f"; needed by {', '.join(finding.versions)}" if finding.versions else ""
    line += f"; repaired from {finding.repaired}" if finding.repaired else ""
    return line + (f"; not repaired: {finding.why}" if finding.why else "")
