"""``interlock vault ls`` and ``show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from interlock.cli import render
from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json
from interlock.cli.vault.words import Reference, size, to_dict

if TYPE_CHECKING:
    from interlock.vault.tree import Entry
    from interlock.workspace import Workspace


def ls(
    folder: Annotated[str, typer.Argument(help="A folder of names, or a name.")] = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="Tombstones too.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most N.")] = 1_000,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """What lies in a folder; the versions of a name."""
    with existing(workspace) as ws:
        entries = ws.vault.ls(folder, deleted=deleted, limit=limit)
        if not entries and folder:
            return _versions(ws, folder, deleted, limit, as_json)
    if as_json:
        print_json([_entry(e) for e in entries])
        return 0
    if not entries:
        console().print("the vault is empty", style="dim")
        return 0
    grid = render.grid("name", "newest", "size", "by", right=("size",))
    for e in entries:
        r = e.record
        row = ("", "", "") if r is None else (f"v{r.version}{_mark(r.state)}", size(r.size_bytes), r.who)
        grid.add_row(Text(plain(f"{e.name}{'/' if e.is_folder else ''}")), *(Text(plain(x)) for x in row))
    console().print(grid)
    return 0


def _versions(ws: Workspace, name: str, deleted: bool, limit: int, as_json: bool) -> int:
    ws.vault.show(name, deleted=deleted)  # says so where there is none
    records = ws.vault.versions(name, deleted=deleted, limit=limit)
    aliases = {a.version: a.alias for a in ws.vault.aliases(name)}
    if as_json:
        print_json([{**to_dict(r), "alias": aliases.get(r.version)} for r in records])
        return 0
    grid = render.grid("version", "alias", "files", "size", "put", "by", right=("files", "size"))
    for r in records:
        cells = (
            f"{r.ref}{_mark(r.state)}",
            aliases.get(r.version, ""),
            f"{r.files:,}",
            size(r.size_bytes),
            f"{r.created_at:%Y-%m-%d %H:%M}",
            r.who,
        )
        grid.add_row(*(Text(plain(cell)) for cell in cells))
    console().print(grid)
    return 0


def show(ref: Reference, as_json: JsonOption = False, workspace: WorkspaceOption = None) -> int:
    """A version: its files with their digests, where it came from, where it stands."""
    with existing(workspace) as ws:
        record, manifest = ws.vault.show(ref), ws.vault.manifest(ref)
    if as_json:
        print_json({**to_dict(record), "listed": [f.to_dict() for f in manifest.files]})
        return 0
    out = console()
    since = f"by {record.who}, {record.created_at:%Y-%m-%d %H:%M} UTC"
    out.print(plain(f"{record.ref}  {record.state}  {size(record.size_bytes)}  {since}"), markup=False)
    for title, said in (("metadata", record.metadata), ("lineage", record.lineage)):
        for key, value in said.items():
            out.print(plain(f"  {title}: {key} = {value}"), markup=False, style="dim")
    grid = render.grid("file", "size", "sha256", right=("size",))
    for file in manifest.files:
        grid.add_row(Text(plain(file.path)), size(file.size_bytes), file.sha256)
    out.print(grid)
    return 0


def _mark(state: str) -> str:
    return "" if state == "live" else f" ({state})"


def _entry(entry: Entry) -> dict[str, object]:
    if entry.record is None:
        return {"name": entry.name, "folder": True}
    return {"name": entry.name, "folder": False, "newest": to_dict(entry.record)}
