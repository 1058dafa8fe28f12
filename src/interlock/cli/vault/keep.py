"""``interlock vault put``, ``get`` and ``store``."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli.options import JsonOption, WorkspaceOption, created, existing
from interlock.cli.output import console, plain, print_json, progress
from interlock.cli.vault.words import Reference, size, to_dict


def put(
    name: Annotated[str, typer.Argument(help="What it is called: a path such as team/ranker.")],
    source: Annotated[str, typer.Argument(help="A file, or a folder.")],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Keep a file or folder as the next version of NAME."""
    with created(workspace) as ws, progress(f"putting {name}", quiet=as_json) as advance:
        record = ws.vault.put(name, source, progress=advance)
    if as_json:
        print_json(to_dict(record))
    else:
        console().print(
            plain(f"{record.ref}: {record.files:,} files, {size(record.size_bytes)}"), markup=False
        )
    return 0


def store(
    address: Annotated[
        str, typer.Argument(help="A folder, or s3://BUCKET/PREFIX?profile=NAME&endpoint=URL&region=REGION.")
    ],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Say where versions are kept, before the first of them."""
    with created(workspace) as ws:
        ws.vault.keep_in(address)
        where = ws.vault.stores.main
        said = "objects are locked until their retention is over" if where.locks else "objects are not locked"
    if as_json:
        print_json({"store": where.where, "locks": where.locks})
        return 0
    console().print(plain(f"versions go to {where.where}; {said}"), markup=False)
    return 0


def get(
    ref: Reference,
    into: Annotated[str, typer.Argument(help="The folder to write to; made if need be.")] = ".",
    deleted: Annotated[bool, typer.Option("--deleted", help="Even if it was deleted.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Write a version's files into a folder; each is verified first."""
    with existing(workspace) as ws, progress(f"getting {ref}", quiet=as_json) as advance:
        written = ws.vault.get(ref, into, deleted=deleted, progress=advance)
    if as_json:
        print_json([str(path) for path in written])
    else:
        console().print(plain(f"{len(written):,} files in {into}, verified"), markup=False, soft_wrap=True)
    return 0
