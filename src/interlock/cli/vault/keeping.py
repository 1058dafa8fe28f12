"""``interlock vault hold``, ``release``, ``holds``, ``alias``, ``mv`` and ``policy``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from interlock.cli import render
from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json
from interlock.cli.vault.words import ReasonOption, tell
from interlock.errors import UsageError
from interlock.words import count


def hold(
    what: Annotated[str, typer.Argument(help="A version, a name or a folder; / is everything.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; recorded in the ledger.")],
    service: Annotated[
        bool, typer.Option("--service", help="Something that runs reads it; else it is a legal hold.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Keep something from being purged, and from being deleted by one person."""
    with existing(workspace) as ws:
        made = ws.vault.hold(what, reason, service=service)
    if as_json:
        print_json({"id": made.ref, **asdict(made)})
    else:
        console().print(plain(f"{made.ref}: {made.kind} hold on {made.name or '/'}"), markup=False)
    return 0


def release(
    hold: Annotated[str, typer.Argument(metavar="ID", help="The hold, such as H4.")],
    reason: ReasonOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """End a hold. A legal one waits for a second person."""
    with existing(workspace) as ws:
        outcome = ws.vault.release(hold, reason)
    return tell(outcome, f"{hold} released", as_json)


def holds(
    everything: Annotated[bool, typer.Option("--all", help="Released ones too.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """What is held, by whom and why."""
    with existing(workspace) as ws:
        found = ws.vault.holds(released=everything)
    if as_json:
        print_json([{"id": h.ref, **asdict(h)} for h in found])
        return 0
    if not found:
        console().print("nothing is held", style="dim")
        return 0
    grid = render.grid("id", "what", "kind", "by", "since (UTC)", "reason")
    for h in found:
        what = (h.name or "/") + (f"@v{h.version}" if h.version is not None else "")
        released = f" (released by {h.released_by})" if h.released_at else ""
        cells = (what, h.kind.value, h.who, f"{h.at:%Y-%m-%d %H:%M}", f"{h.reason}{released}")
        grid.add_row(h.ref, *(Text(plain(cell)) for cell in cells))
    console().print(grid)
    return 0


def alias(
    ref: Annotated[str, typer.Argument(help="The version, such as ranker@v41; with --remove the name.")],
    alias: Annotated[str, typer.Argument(help="Such as champion.")],
    remove: Annotated[bool, typer.Option("--remove", help="Let it stand for nothing.")] = False,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Let NAME@ALIAS stand for a version."""
    with existing(workspace) as ws:
        outcome = ws.vault.unalias(ref, alias, reason) if remove else ws.vault.alias(ref, alias, reason)
    to = outcome.request.document["to"] if outcome.request else None
    said = outcome.request.subject if outcome.request else ""
    return tell(outcome, f"{said} stands for {'nothing' if to is None else f'v{to}'} now", as_json)


def mv(
    old: Annotated[str, typer.Argument(help="A name or a folder.")],
    new: Annotated[str, typer.Argument(help="One that was never in the vault.")],
    reason: ReasonOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Give a name, or a folder of names, another; versions, aliases, holds and lineage stay."""
    with existing(workspace) as ws:
        outcome = ws.vault.rename(old, new, reason)
    ref = outcome.request.ref if outcome.request else ""
    said = (
        f"{new} has {count(outcome.versions, 'version')} now; `interlock vault restore {ref}` takes it back"
    )
    return tell(outcome, said, as_json)


def policy(
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=NUMBER]...", help="Values to change.", show_default=False),
    ] = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """What the delete gate allows, and why. Protecting more is free; protecting less waits for a second person."""
    with existing(workspace) as ws:
        if changes:
            ws.vault.set_policy(reason=reason, **dict(_change(text) for text in changes))
        now = ws.vault.policy
    if as_json:
        print_json(now.to_dict())
        return 0
    from interlock.catalog.vault import policy as policies

    grid = render.grid("value", "", "why", right=("",))
    for name, value in now.to_dict().items():
        grid.add_row(name, f"{value:,}", Text(policies.reasons()[name], style="dim"))
    console().print(grid)
    return 0


def _change(text: str) -> tuple[str, int]:
    name, equals, value = text.partition("=")
    if not equals or not value.strip().isascii() or not value.strip().isdecimal():
        raise UsageError(f"{text!r} is no change", hint="write NAME=NUMBER, such as retention_days=60")
    return name.strip(), int(value)
