"""Prefect 3: tasks that put data through the write gate or ask for a verdict, and raise where it holds what follows.

A refusal is no accident, so it is not retried: the same data would be refused
again. Nor is a verdict ever taken from a cache. Each is an artifact of the run,
whatever it says.
"""

from __future__ import annotations

import logging
import os
import re
from typing import Any

from interlock.errors import GateRefused, UsageError
from interlock.gates.verdict import Verdict
from interlock.integrations import missing, told
from interlock.names import Severity

try:
    from prefect import get_run_logger, task
    from prefect.artifacts import create_markdown_artifact
    from prefect.cache_policies import NO_CACHE
    from prefect.exceptions import MissingContextError
except ImportError as error:
    raise missing("Prefect", "prefect", error) from None

__all__ = ["admit", "check", "published", "retried", "write"]

_LEVEL = {Severity.PAGE: logging.ERROR, Severity.TICKET: logging.WARNING, Severity.INFO: logging.INFO}


def admit(verdict: Verdict | told.Document, *, strict: bool = False) -> dict[str, Any]:
    """Let what follows run, or raise `GateRefused`; returns the verdict as small plain JSON.

    For flows and tasks that write through the gate themselves. The verdict becomes a Markdown
    artifact ``interlock-TABLE`` of the run; alerts are logged, pages as errors, tickets as warnings.
    ``strict``: a ticket, a page or inconclusive is a refusal too.
    """
    document = told.document_of(verdict)
    log = _kept(document)
    for alert in document["alerts"]:
        log.log(_LEVEL[Severity(alert["severity"])], "[%s] %s", alert["severity"], told.in_words(alert))
    why = told.refusal(document, strict=strict)
    if why is not None:
        raise GateRefused(why)
    return told.brief(document)


def retried(task: Any, run: Any, state: Any) -> bool:
    """Whether a task that failed should be tried again: not where a gate refused, nor where it was called wrongly.

    The ``retry_condition_fn`` of the tasks here, for those of your own that call `admit`.
    """
    try:
        state.result()
    except (GateRefused, UsageError):
        return False
    except Exception:
        return True
    return False


@task(name="interlock write", retry_condition_fn=retried, cache_policy=NO_CACHE)
def write(
    table: str,
    data: object,
    partition: object = None,
    *,
    workspace: str | os.PathLike[str] | None = None,
    strict: bool = False,
) -> dict[str, Any]:
    """Write – audit – publish one partition. Raises `GateRefused` where it is quarantined.

    ``data`` is what `Table.write` takes: a data frame, or a path or glob of files.
    ``workspace`` is a folder, ``$INTERLOCK_WORKSPACE`` if left out.
    """
    with told.opened(workspace) as ws:
        document = told.written(ws.existing_table(table), data, partition)
    return admit(document, strict=strict)


@task(name="interlock check", retry_condition_fn=retried, cache_policy=NO_CACHE)
def check(
    table: str,
    data: object = None,
    partition: object = None,
    *,
    workspace: str | os.PathLike[str] | None = None,
    strict: bool = False,
) -> dict[str, Any]:
    """Go on only where the verdict lets it: on ``data`` that is not written, or on what a table holds.

    With ``data``, what the write gate would say; nothing is stored. Without, an attached
    table's new files are judged first, then the verdict that stands on ``partition``
    decides; without a partition that of the new files, the loudest, or of what was
    judged last. Raises `GateRefused`, and `PartitionNotFound` where nothing was judged.
    """
    with told.opened(workspace) as ws:
        document = told.checked(ws.existing_table(table), data, partition)
    return admit(document, strict=strict)


@task(name="interlock published", retry_condition_fn=retried, cache_policy=NO_CACHE)
def published(
    table: str,
    partition: object = None,
    *,
    workspace: str | os.PathLike[str] | None = None,
    strict: bool = False,
) -> dict[str, Any]:
    """The verdict that stands on a partition somebody else wrote; judges nothing itself.

    Raises `GateRefused` where it holds what follows, and `PartitionNotFound` while
    nothing was judged: with ``published.with_options(retries=…, retry_delay_seconds=…)``
    it waits for it.
    """
    with told.opened(workspace) as ws:
        document = told.standing(ws.existing_table(table), partition)
    return admit(document, strict=strict)


def _key(table: str) -> str:
    """An artifact's key: lower-case letters, digits and dashes are all Prefect allows."""
    plain = re.sub(r"[^a-z0-9]+", "-", table.lower()).strip("-")
    return f"interlock-{plain}" if plain else "interlock"


def _kept(document: told.Document) -> Any:
    """Make the verdict an artifact of the run, where there is one; returns the logger to tell its alerts."""
    try:
        log = get_run_logger()
    except MissingContextError:
        return logging.getLogger(__name__)
    place = f"{document['table']}@{document['partition']}"
    create_markdown_artifact(told.markdown([document]), key=_key(document["table"]), description=place)
    return log
