"""``interlock vault adopt``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from interlock.cli.options import JsonOption, WorkspaceOption, created
from interlock.cli.output import EXIT_OK, EXIT_REFUSED, console, plain, print_json, progress
from interlock.cli.vault.words import size, to_dict
from interlock.words import count

if TYPE_CHECKING:
    from interlock.vault.adopt import Adopted

_SHOWN = 20
_SAID = {
    "locked": "locked where they are",
    "pinned": "pinned by version, so that a delete leaves them; who may delete versions can",
    "bare": "not protected until replicated or copied (--copy)",
}


def adopt(
    source: Annotated[str, typer.Argument(help="The folder that holds the models, or s3://BUCKET/PREFIX.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What names begin with [default: the folder's own].")
    ] = None,
    each: Annotated[
        str,
        typer.Option("--each", help="What becomes a model: whatever lies in the folder, every file, or all."),
    ] = "folder",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the bytes into the vault.")] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Take everybody's right to write from the originals.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Take over models that exist, without moving them; again later for what is new. 1 if any was left out."""
    with created(workspace) as ws, progress(f"adopting {source}", quiet=as_json) as advance:
        made = ws.vault.adopt(source, name, each=each, copy=copy, read_only=read_only, progress=advance)
    if as_json:
        print_json(_document(made))
    else:
        _tell(made, linked=not copy)
    return EXIT_REFUSED if made.left_out else EXIT_OK


def _document(made: Adopted) -> dict[str, object]:
    return {
        "adopted": [to_dict(record) for record in made.versions],
        "known": [record.ref for record in made.known],
        "protection": {ref: found.value for ref, found in made.protection.items()},
        "left_out": [{"name": one.name, "why": one.problem} for one in made.left_out],
    }


def _tell(made: Adopted, *, linked: bool) -> None:
    def say(text: str, style: str | None = None) -> None:
        console().print(plain(text), markup=False, style=style)

    held = size(sum(record.size_bytes for record in made.versions))
    say(f"{len(made.versions):,} adopted, {held}; {len(made.known):,} were known")
    for record in made.versions[:_SHOWN]:
        say(f"  {record.ref}  {count(record.files, 'file')}, {size(record.size_bytes)}")
    if len(made.versions) > _SHOWN:
        say(f"  … and {len(made.versions) - _SHOWN:,} more: interlock vault ls")
    for one in made.left_out:
        say(f"left out: {one.name}: {one.problem}", "yellow")
    for protection, text in _SAID.items():
        refs = made.by(protection)
        more = f" and {len(refs) - 3:,} more" if len(refs) > 3 else ""
        if refs:
            say(f"{text}: {', '.join(refs[:3])}{more}", "yellow")
    if linked and made.by("kept"):
        say("Removing an original loses nothing now. Writing into one still changes its bytes here,", "dim")
        say("which `interlock vault scrub` finds; --read-only or --copy prevents it.", "dim")
