"""How every command speaks: Rich for people, JSON for machines, and the exit status.

Exit status: 0 published or would be; 1 refused, quarantined, or (with
``--strict``) an alert; 2 usage or an error; 3 inconclusive (with ``--strict``).
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from interlock.names import Decision, Outcome, Severity

if TYPE_CHECKING:
    from interlock.gates.verdict import Verdict

EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_INCONCLUSIVE = 3

WIDTH_PIPED = 120  # columns where no terminal says how many it has
PATIENCE_S = 1.0  # a bar appears only for what takes longer


def console() -> Console:
    """Standard output; colours only on a terminal and without ``NO_COLOR``."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return Console(highlight=False, emoji=False)
    return Console(highlight=False, emoji=False, width=WIDTH_PIPED)


def stderr() -> Console:
    return Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def plain(text: object) -> str:
    """Text that cannot command the terminal: control characters as their escapes, broken ones replaced.

    >>> plain("a\\x1b[31mb\\n")
    'a\\\\x1b[31mb\\\\n'
    """
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in str(text)
    )
    return shown.encode(sys.stdout.encoding or "utf-8", "replace").decode(sys.stdout.encoding or "utf-8")


def print_json(document: Any) -> None:
    """One JSON document on standard output; dates as ISO text, NaN and infinities as text."""
    text = json.dumps(_finite(document), ensure_ascii=False, indent=2, default=_other)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(_finite(document), indent=2, default=_other)
    sys.stdout.write(text + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value


def _other(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


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
def progress(title: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, for what takes over a second on a terminal; gives ``advance(done, total)``."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=stderr(), transient=True)
    task, since = bar.add_task(title, total=None), time.monotonic()

    def advance(done: int, total: int) -> None:
        if time.monotonic() - since > PATIENCE_S:
            bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield advance
    finally:
        bar.stop()


@contextmanager
def working(title: str, *, quiet: bool = False) -> Iterator[None]:
    """A sign of life on a terminal, where nobody knows how long it takes."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    with stderr().status(plain(title)):
        yield
