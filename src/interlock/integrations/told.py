"""What an orchestrator is told of a verdict: small, plain JSON, and whether what follows may run."""

from __future__ import annotations

import html
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from interlock.errors import PartitionNotFound
from interlock.gates.verdict import Verdict
from interlock.names import Decision, Outcome, Severity, partition_label
from interlock.settings import current
from interlock.words import count

if TYPE_CHECKING:
    from interlock.workspace import Table, Workspace

Document = Mapping[str, Any]
HELD = (Decision.QUARANTINED.value, Decision.REFUSED.value)
WORKSPACE = "INTERLOCK_WORKSPACE"
_MARKED = re.compile(r"([\\`*_{}\[\]#|~!])")


# --- asking ---------------------------------------------------------------------------


def opened(workspace: str | os.PathLike[str] | None = None) -> Workspace:
    """The workspace at this path, else at ``$INTERLOCK_WORKSPACE``, else here; never a new one."""
    from interlock.workspace import (
        open as open_workspace,  # what it needs, `interlock check` of a file does not
    )

    return open_workspace(workspace or os.environ.get(WORKSPACE) or None, create=False)


def written(table: Table, data: object, partition: object = None) -> dict[str, Any]:
    """Put data through the write gate; the verdict's document."""
    return table.write(data, partition).to_dict()


def checked(table: Table, data: object = None, partition: object = None) -> dict[str, Any]:
    """The document of one verdict, the loudest: nothing is stored but what an attached table's new files get.

    With ``data``, what the gate would say of it. Else the verdict that stands on
    ``partition``, after an attached table's new files were judged; without a
    partition that of the new files, or of what was judged last. Raises
    `PartitionNotFound` where there is none.
    """
    if data is not None:
        return table.check(data, partition).to_dict()
    new = [v.to_dict() for v in table.judge_new()] if table.attached else []
    if partition is None and new:
        return min(reversed(new), key=_loudness)
    return standing(table, partition)


def standing(table: Table, partition: object = None) -> dict[str, Any]:
    """The document of the verdict that stands. Raises `PartitionNotFound` where nothing was judged."""
    found = table.verdict(partition)
    if found is None:
        place = table.name if partition is None else f"{table.name}@{partition_label(partition)}"
        raise PartitionNotFound(f"{place} has not been judged", hint="without a verdict nothing may follow")
    return found


def _loudness(document: Document) -> tuple[bool, int]:
    loudest = min((Severity(a["severity"]).rank for a in document["alerts"]), default=len(Severity))
    return document["decision"] not in HELD, loudest


# --- telling --------------------------------------------------------------------------


def document_of(verdict: Verdict | Document) -> Document:
    """A verdict's document, or the document itself."""
    return verdict.to_dict() if isinstance(verdict, Verdict) else verdict


def brief(document: Document) -> dict[str, Any]:
    """A verdict as an orchestrator stores it: plain JSON without violations and without a row's key.

    At most `settings.told_alerts` alerts; ``alerts_more`` says how many were left out.
    """
    most = current().told_alerts
    kept = ("id", "table", "partition", "outcome", "decision", "stored", "rows", "constraints", "judged_at")
    alerts = [
        {key: a[key] for key in ("id", "severity", "title", "columns", "advice")} | {"blocks": blocks(a)}
        for a in document["alerts"][:most]
    ]
    more = max(0, len(document["alerts"]) - most)
    said = {"alerts": alerts, "alerts_more": more, "notes": [str(n) for n in document["notes"]]}
    return {key: document[key] for key in kept} | {"released": document.get("released", False)} | said


def blocks(alert: Document) -> bool:
    """Whether an alert holds back its partition."""
    return any(v["blocking"] and v["outcome"] == Outcome.FAIL.value for v in alert["violations"])


def refusal(document: Document, *, strict: bool = False) -> str | None:
    """Why what follows must not run, in a sentence; None where it may.

    What was quarantined or refused holds it; inconclusive does not, since that
    publishes. ``strict`` is that of the command line: a ticket, a page and
    inconclusive hold it too.
    """
    place = f"{document['table']}@{document['partition']}"
    loud = [a for a in document["alerts"] if a["severity"] != Severity.INFO.value]
    if document["decision"] in HELD:
        said = (
            document["decision"]
            if document["stored"]
            else f"not to be stored: would be {document['decision']}"
        )
        return f"{place} is {said}: {_why(document)}"
    if strict and loud:
        counts = Counter(a["severity"] for a in loud)
        told = ", ".join(count(n, s) for s, n in counts.items())
        return f"{place} has {told}: {in_words(loud[0])}"
    if strict and document["outcome"] == Outcome.INCONCLUSIVE.value:
        return f"{place} is inconclusive: there is not enough evidence to judge it"
    return None


def _why(document: Document) -> str:
    holding = next((a for a in document["alerts"] if blocks(a)), None)
    if holding is not None:
        return in_words(holding)
    broken = [v["constraint"] for v in document["violations"] if v["blocking"]]
    return "; ".join([*broken, *document["notes"]]) or "see the verdict"


def in_words(alert: Document) -> str:
    """``age is negative in 150 rows → interlock …``"""
    return f"{alert['title']}" + (f" → {alert['advice']}" if alert["advice"] else "")


def markdown(documents: Sequence[Document]) -> str:
    """Verdicts for a page of an orchestrator: a line each, and below it its alerts, with what to do."""
    most = current().told_alerts
    lines: list[str] = []
    for d in documents:
        counted = f"{d['rows']:,} rows, {d['constraints']:,} constraints judged"
        lines.append(
            f"**{escaped(d['table'] + '@' + d['partition'])}** {d['decision']}, {d['outcome']}: {counted}\n"
        )
        for alert in d["alerts"][:most]:
            lines.append(f"- **{alert['severity']}** {escaped(alert['title'])}")
            if alert["advice"]:
                lines.append(f"  next: {escaped(alert['advice'])}")
        if len(d["alerts"]) > most:
            lines.append(f"- … and {len(d['alerts']) - most:,} more")
        lines.extend(f"- {escaped(note)}" for note in d["notes"])
        lines.append("")
    return "\n".join(lines).strip()


def escaped(text: object) -> str:
    """Text that is only text in Markdown, and in HTML within it."""
    return _MARKED.sub(r"\\\1", html.escape(" ".join(str(text).split()), quote=False))
