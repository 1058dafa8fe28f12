"""``interlock vault``: model versions and dataset snapshots that can't be lost."""

from __future__ import annotations

import typer

from interlock.cli.vault import adopt, approve, keep, keeping, look, mlflow, remove, scrub, second, snapshot

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
app.command("rm")(remove.rm)
app.command("restore")(remove.restore)
app.command("purge")(remove.purge)
app.command("approve")(approve.approve)
app.command("refuse")(approve.refuse)
app.command("requests")(approve.requests)
app.command("hold")(keeping.hold)
app.command("release")(keeping.release)
app.command("holds")(keeping.holds)
app.command("alias")(keeping.alias)
app.command("mv")(keeping.mv)
app.command("policy")(keeping.policy)
app.add_typer(approve.keys, name="key")
app.command("collect")(remove.collect)
app.command("adopt")(adopt.adopt)
app.command("import-mlflow")(mlflow.import_mlflow)
app.command("restore-mlflow")(mlflow.restore_mlflow)
app.command("scrub")(scrub.scrub)
app.command("status")(second.status)
app.command("replicate")(second.replicate)
app.command("renew")(second.renew)
app.add_typer(second.replica, name="replica")
