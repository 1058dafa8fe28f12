"""Airflow 3: operators that put data through the write gate or ask for a verdict, and a sensor that waits for one.

A verdict that holds what follows fails the task for good (`AirflowFailException`):
the same data would fail again, so no retry is spent on it. Anything else that
goes wrong, a busy workspace or a file that is not there yet, is retried as the
DAG says.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from interlock.gates.verdict import Verdict
from interlock.integrations import missing, told
from interlock.names import Severity

try:
    from airflow.sdk import Asset, BaseOperator, BaseSensorOperator
    from airflow.sdk.exceptions import AirflowFailException
except ImportError as error:
    raise missing("Airflow", "airflow", error) from None

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["InterlockCheckOperator", "InterlockSensor", "InterlockWriteOperator", "admit"]

_LEVEL = {Severity.PAGE: logging.ERROR, Severity.TICKET: logging.WARNING, Severity.INFO: logging.INFO}
_log = logging.getLogger(__name__)


def admit(verdict: Verdict | told.Document, *, strict: bool = False) -> dict[str, Any]:
    """Let what follows run, or fail the task for good; returns the verdict as small plain JSON.

    For tasks that write through the gate themselves. Alerts are logged: pages as
    errors, tickets as warnings. ``strict``: a ticket, a page or inconclusive fails
    it too. Raises `AirflowFailException`.
    """
    document = told.document_of(verdict)
    for alert in document["alerts"]:
        _log.log(_LEVEL[Severity(alert["severity"])], "[%s] %s", alert["severity"], told.in_words(alert))
    why = told.refusal(document, strict=strict)
    if why is not None:
        raise AirflowFailException(why)
    brief = told.brief(document)
    _log.info("%s@%s is %s", brief["table"], brief["partition"], brief["decision"])
    return brief


class _Gate(BaseOperator):
    """What the operators share: the workspace, and the verdict handed on.

    The verdict goes to XCom, and as ``interlock`` into the event of each asset in
    ``outlets``; on a refusal no asset is updated, so no DAG that waits for it starts.
    """

    template_fields: Sequence[str] = ("table", "data", "partition", "workspace")
    ui_color = "#dfe8d8"

    def __init__(
        self,
        *,
        table: str,
        data: str | None = None,
        partition: str | None = None,
        workspace: str | os.PathLike[str] | None = None,
        strict: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table = table
        self.data = data
        self.partition = partition
        self.workspace = None if workspace is None else os.fspath(workspace)
        self.strict = strict

    def execute(self, context: Context) -> dict[str, Any]:
        with told.opened(self.workspace) as ws:
            document = self.judged(ws.existing_table(self.table))
        brief = admit(document, strict=self.strict)
        for outlet in self.outlets or ():
            if isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra = {"interlock": brief}
        return brief

    def judged(self, table: Any) -> told.Document:
        raise NotImplementedError


class InterlockWriteOperator(_Gate):
    """Write – audit – publish: the task fails where the partition is quarantined.

    ``data`` is a path or glob of Parquet, CSV or JSON files; ``partition`` may be left
    out where the data says which it is. Both, ``table`` and ``workspace`` are
    templates. ``workspace`` is a folder, ``$INTERLOCK_WORKSPACE`` if left out.
    """

    def __init__(self, *, table: str, data: str, **kwargs: Any) -> None:
        super().__init__(table=table, data=data, **kwargs)

    def judged(self, table: Any) -> told.Document:
        return told.written(table, self.data, self.partition)


class InterlockCheckOperator(_Gate):
    """Go on only where the verdict lets it: on ``data`` that is not written, or on what a table holds.

    With ``data``, what the write gate would say; nothing is stored. Without, an
    attached table's new files are judged first, then the verdict that stands on
    ``partition`` decides; without a partition that of the new files, the loudest, or
    of what was judged last. Where nothing was judged the task fails and may be retried.
    """

    def judged(self, table: Any) -> told.Document:
        return told.checked(table, self.data or None, self.partition)


class InterlockSensor(BaseSensorOperator):
    """Wait until a partition has a verdict that lets what follows run.

    While it is not judged, or in quarantine, the sensor waits on: somebody may
    write it again or release it. ``fail_on_quarantine`` fails at once instead, for good.
    The verdict is the task's XCom. Between two looks it gives its slot back
    (``mode="reschedule"``, unless you say otherwise). It judges nothing itself.
    """

    template_fields: Sequence[str] = ("table", "partition", "workspace")
    ui_color = "#dfe8d8"

    def __init__(
        self,
        *,
        table: str,
        partition: str,
        workspace: str | os.PathLike[str] | None = None,
        strict: bool = False,
        fail_on_quarantine: bool = False,
        mode: str = "reschedule",
        **kwargs: Any,
    ) -> None:
        super().__init__(mode=mode, **kwargs)
        self.table = table
        self.partition = partition
        self.workspace = None if workspace is None else os.fspath(workspace)
        self.strict = strict
        self.fail_on_quarantine = fail_on_quarantine

    def poke(self, context: Context) -> Any:
        from airflow.sdk import PokeReturnValue

        with told.opened(self.workspace) as ws:
            document = ws.existing_table(self.table).verdict(self.partition)
        if document is None:
            self.log.info("%s@%s has not been judged yet", self.table, self.partition)
            return PokeReturnValue(is_done=False)
        why = told.refusal(document, strict=self.strict)
        if why is None or self.fail_on_quarantine:
            return PokeReturnValue(is_done=True, xcom_value=admit(document, strict=self.strict))
        self.log.info("waiting: %s", why)
        return PokeReturnValue(is_done=False)
