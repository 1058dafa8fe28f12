"""``interlock vault import-mlflow`` and ``restore-mlflow``."""

from __future__ import annotations

from typing import Annotated

import typer

from interlock.cli.options import JsonOption, WorkspaceOption, created, existing
from interlock.cli.output import console, plain, print_json, progress


def import_mlflow(
    url: Annotated[str, typer.Argument(help="The server's address, as MLFLOW_TRACKING_URI has it.")],
    names: Annotated[
        list[str] | None, typer.Option("--names", "-n", help="Only this model; may be given again.")
    ] = None,
    under: Annotated[str, typer.Option("--under", help="The folder of names to put them in.")] = "",
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Take the registered models of an MLflow server: versions, aliases, tags, runs. Exits 1 if some are left."""
    from interlock.integrations.mlflow.importing import import_models

    with created(workspace) as ws, progress(f"importing from {url}", quiet=as_json) as advance:
        done = import_models(ws, url, names or (), under, advance)
    if as_json:
        print_json(done.to_dict())
        return int(bool(done.left))
    out = console()
    out.print(f"{len(done.taken):,} versions taken, {done.there:,} there already", markup=False)
    for said, lines in (("alias", done.moved), ("left", done.left)):
        for line in lines:
            out.print(plain(f"  {said}: {line}"), markup=False)
    return int(bool(done.left))


def restore_mlflow(
    database: Annotated[str, typer.Argument(help="MLflow's database, as --backend-store-uri has it.")],
    what: Annotated[
        list[str], typer.Argument(help="registered_models/NAME, runs/ID, logged_models/ID, experiments/ID.")
    ],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Put rows that MLflow deleted for good back into its database: names, versions, aliases, runs, metrics."""
    from interlock.integrations.mlflow.rows import put_back

    with existing(workspace) as ws:
        done = put_back(ws.vault, database, what)
    if as_json:
        print_json(done)
    else:
        for table, count in done.items():
            console().print(f"{count:,} rows of {table}", markup=False)
    return 0
