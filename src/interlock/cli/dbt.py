"""``interlock dbt``: give a dbt project the verdicts its models wait for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.options import JsonOption, WorkspaceOption, existing
from interlock.cli.output import console, plain, print_json
from interlock.settings import current
from interlock.words import count


def dbt(
    project: Annotated[str, typer.Argument(help="The folder of the dbt project.")],
    table: Annotated[list[str] | None, typer.Argument(help="The tables; all if left out.")] = None,
    partitions: Annotated[
        int | None,
        typer.Option("--partitions", min=1, help="Of each table so many, those judged last [default: 60]."),
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> int:
    """Write the verdicts that stand into a dbt project, whose tests read them.

    Run it before `dbt build`. The project needs nothing else: a source or model with the test
    `interlock_published` holds back what is downstream of it until the verdict lets it run.
    """
    from interlock.integrations import dbt as macros

    most = partitions or current().dbt_partitions
    with existing(workspace) as ws:
        chosen = [ws.existing_table(name) for name in table] if table else ws.tables()
        verdicts = {t.name: t.verdicts(most) for t in chosen}
    files = macros.write(Path(project), verdicts, int(time.time()))
    total = sum(map(len, verdicts.values()))
    if as_json:
        print_json({"files": [str(f) for f in files], "tables": list(verdicts), "verdicts": total})
    else:
        said = f"{count(total, 'verdict')} of {count(len(verdicts), 'table')} in {files[1]}"
        console().print(plain(said), markup=False)
    return 0
