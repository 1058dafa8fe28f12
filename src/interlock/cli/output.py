"""How every command speaks: Rich for people, JSON for machines, and the exit status.

Exit status: 0 published or would be; 1 refused, quarantined, or (with
``--strict``) an alert; 2 usage or an error; 3 inconclusive (with ``--strict``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from interlock.gates.verdict import Verdict
from interlock.names import Decision, Outcome, Severity

EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_INCONCLUSIVE = 3


def console() -> Console:
    return Console(highlight=False, soft_wrap=False)


def stderr() -> Console:
    return Console(stderr=True, highlight=False)


def print_json(document: Any) -> None:
    """One JSON document on standard output; dates as ISO text, never NaN."""
    sys.stdout.write(json.dumps(_finite(document), ensure_ascii=False, indent=2, default=str) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value


def exit_status(verdicts: Iterable[Verdict], *, strict: bool = False) -> int:
    """The loudest verdict's exit status."""
    seen = list(verdicts)
    if any(v.decision in (Decision.QUARANTINED, Decision.REFUSED) for v in seen):
        return EXIT_REFUSED
    if strict and any(a.severity is not Severity.INFO for v in seen for a in v.alerts):
        return EXIT_REFUSED
    if strict and any(v.outcome is Outcome.INCONCLUSIVE for v in seen):
        return EXIT_INCONCLUSIVE
    return EXIT_OK


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Any]:
    """A progress bar on standard error; gives ``advance(done, total)``. Gone when done."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with Progress(
        TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=stderr(), transient=True
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
