"""What a gate's decision leaves: verdict and profile rows with their ledger entries, then triggers and ledger files."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from interlock import detect
from interlock.catalog import VerdictRecord, Writer, verdicts
from interlock.constraints.constraint import Violation
from interlock.constraints.table_contract import Trigger
from interlock.errors import InterlockError, LedgerWarning
from interlock.gates import projection, trigger
from interlock.gates.judge import Rules
from interlock.gates.request import Request
from interlock.gates.site import Site
from interlock.gates.verdict import Verdict
from interlock.names import Origin
from interlock.profiles import Profile, mask, to_document


def store_verdicts(tx: Writer, judged_: Sequence[Verdict], triggers: Sequence[Trigger]) -> None:
    """Verdicts, each with its ledger entry and the triggers it sets off.

    Their alerts must have been followed before (`alerting.follow`).
    """
    rows: list[tuple[VerdictRecord, Mapping[str, Any] | None]] = []
    for v in judged_:
        record = VerdictRecord(
            v.id,
            v.table,
            v.partition,
            v.gate,
            v.outcome.value,
            v.decision.value,
            v.judged_at,
            plain(v.to_dict()),
        )
        rows.append((record, {"rows": v.profile.rows, "broken": [_named(x) for x in v.violations][:50]}))
    verdicts.put_all(tx, rows)
    trigger.put_all(tx, judged_, triggers)


def _named(violation: Violation) -> str:
    """What the ledger calls a broken constraint: a learned one's own name may end in a cell's value."""
    if violation.origin is not Origin.LEARNED:
        return violation.constraint
    return f"learned: {violation.statistic} of {violation.column or 'the table'}"


def plain(document: Any) -> Any:
    """Plain JSON values: what a sample row holds may be a date or a decimal."""
    if isinstance(document, Mapping):
        return {str(k): plain(v) for k, v in document.items()}
    if isinstance(document, list | tuple):
        return [plain(v) for v in document]
    if isinstance(document, float) and (document != document or document in (float("inf"), float("-inf"))):
        return str(document)
    if document is None or isinstance(document, bool | int | float | str):
        return document
    return str(document)


def after(site: Site, request: Request, judged_: Sequence[Verdict]) -> None:
    """What follows a commit: the ledger's files and the triggers. Failing here changes no verdict."""
    projection.project(site)
    try:
        trigger.run_pending(site, request.table.name, request.triggers, {v.id: v for v in judged_})
    except InterlockError as error:
        warnings.warn(
            f"committed, but its triggers wait for the next write: {error}", LedgerWarning, stacklevel=2
        )


def profile_row(
    partition_id: int, profiled: Profile, features: detect.Features, rules: Rules
) -> tuple[int, Mapping[str, Any], bytes, Sequence[str], Mapping[str, Any]]:
    """A profile as the catalog keeps it: without the values of sensitive columns."""
    names, vector, domains = features.pack()
    kept = {column: values for column, values in domains.items() if not rules.hides(column)}
    document = to_document(mask(profiled, rules.sensitive))
    return partition_id, document, vector, names, kept
