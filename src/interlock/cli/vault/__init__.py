"""``interlock vault``: model versions and dataset snapshots that can't be lost."""

from __future__ import annotations

import typer

from interlock.cli.vault import keep, look, snapshot

app = typer.Typer(
    help="Keep model versions and dataset snapshots; nothing in it can be lost by one person.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.command("store")(keep.store)
app.command("put")(keep.put)
app.command("get")(keep.get)
app.command("ls")(look.ls)
app.command("show")(look.show)
app.command("snapshot")(snapshot.snapshot)
