"""``interlock vault approve``, ``refuse``, ``requests`` and ``key``: the second person."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from interlock.cli import render
from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json, stderr
from interlock.cli.vault.words import ReasonOption, RequestArgument, request_to_dict, tell
from interlock.errors import UsageError
from interlock.words import count

if TYPE_CHECKING:
    from interlock.catalog.vault.records import RequestRecord

STATE = {"pending": "bold yellow", "refused": "red", "approved": "green", "undone": "dim", "expired": "dim"}
VERSIONS_MAX = 20  # listed of one request

keys = typer.Typer(
    help="Second keys: by which somebody approves who has no login of their own here.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def approve(
    request: RequestArgument,
    key: Annotated[
        bool,
        typer.Option(
            "--key", help="With a second key: its secret is asked for, or read from standard input."
        ),
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Let somebody else's request pass: what it lists, but for what changed since. Never one's own."""
    secret = _secret() if key else None
    with existing(workspace) as ws:
        outcome = ws.vault.approve(request, key=secret)
    assert outcome.request is not None
    done = f", {count(outcome.versions, 'version')}" if outcome.versions else ""
    said = f"{outcome.request.ref} approved by {outcome.request.decided_by}: {outcome.request.action} of "
    return tell(outcome, f"{said}{outcome.request.subject}{done}", as_json)


def refuse(
    request: RequestArgument,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Let a request not pass, or take one's own back."""
    with existing(workspace) as ws:
        refused = ws.vault.refuse(request, reason)
    if as_json:
        print_json(request_to_dict(refused))
    else:
        said = f"{refused.ref} refused: {refused.action} of {refused.subject}; nothing was done"
        console().print(plain(said), markup=False)
    return 0


def requests(
    request: Annotated[str | None, typer.Argument(metavar="[ID]", help="One request, such as D17.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what does not wait any more.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most N.")] = 50,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """What waits for a second person; or one request, with what exactly it is about."""
    with existing(workspace) as ws:
        if request is not None:
            one = ws.vault.request(request)
            ids = list(one.document.get("versions", ()))
            refs = [r.ref for r in ws.vault.by_id(ids[:VERSIONS_MAX])]
        else:
            found = ws.vault.requests(pending=not everything, limit=limit)
    if request is not None:
        if as_json:
            print_json(request_to_dict(one))
        else:
            _show(one, refs, len(ids))
        return 0
    if as_json:
        print_json([request_to_dict(r) for r in found])
        return 0
    if not found:
        console().print("nothing was asked for" if everything else "nothing waits", style="dim")
        return 0
    grid = render.grid("id", "state", "by", "when (UTC)", "what", "models", right=("models",))
    for r in found:
        state = Text(r.state.value, style=STATE.get(r.state, ""))
        what = Text(plain(f"{r.action} of {r.subject}"))
        grid.add_row(r.ref, state, Text(plain(r.who)), f"{r.at:%Y-%m-%d %H:%M}", what, f"{r.models:,}")
    console().print(grid)
    return 0


def _show(request: RequestRecord, refs: list[str], count: int) -> None:
    out = console()
    out.print(plain(f"{request.ref}  {request.action} of {request.subject}"), markup=False, style="bold")
    facts = {
        "state": request.state.value,
        "asked by": f"{request.who}, {request.at:%Y-%m-%d %H:%M} UTC",
        "reason": request.reason,
        "waits because": request.why,
        "models": f"{request.models:,}" if request.models else None,
        "decided by": request.decided_by,
    }
    for name, said in facts.items():
        if said:
            out.print(plain(f"  {name}: {said}"), markup=False)
    for ref in refs:
        out.print(plain(f"    {ref}"), markup=False)
    if count > len(refs):
        out.print(f"    and {count - len(refs):,} more")


@keys.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Whose it is.")],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """A new key. Its secret is shown this once: hand it to somebody else. Later keys have to be approved."""
    with existing(workspace) as ws:
        made = ws.vault.add_key(name)
    if as_json:
        print_json({"name": made.name, "secret": made.secret, "request": made.request})
        return 0
    console().print(plain(made.secret), markup=False)
    waits = f" It counts once {made.request} is approved." if made.request else ""
    stderr().print(f"This is shown once. Hand it to somebody else.{waits}", style="yellow")
    return 0


@keys.command("retire")
def retire(name: Annotated[str, typer.Argument(help="The key.")], workspace: WorkspaceOption = None) -> int:
    """Let a key count no longer."""
    with existing(workspace) as ws:
        ws.vault.retire_key(name)
    console().print(plain(f"key {name} counts no longer"), markup=False)
    return 0


@keys.command("list")
def list_(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> int:
    """Every key there ever was."""
    with existing(workspace) as ws:
        found = ws.vault.keys()
    if as_json:
        print_json([{"name": k.name, "by": k.who, "at": k.at, "retired_at": k.retired_at} for k in found])
        return 0
    if not found:
        console().print("there is no key", style="dim")
        return 0
    grid = render.grid("key", "added (UTC)", "by", "")
    for k in found:
        retired = f"retired {k.retired_at:%Y-%m-%d %H:%M}" if k.retired_at else ""
        grid.add_row(Text(plain(k.name)), f"{k.at:%Y-%m-%d %H:%M}", Text(plain(k.who)), retired)
    console().print(grid)
    return 0


def _secret() -> str:
    """Never an argument: those are in the shell's history and in everybody's list of processes."""
    if sys.stdin.isatty():
        import getpass

        text = getpass.getpass("secret of the second key: ")
    else:
        text = sys.stdin.readline()
    if not text.strip():
        raise UsageError("no secret was given", hint="type it, or: interlock vault approve D17 --key < FILE")
    return text.strip()
