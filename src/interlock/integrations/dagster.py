"""Dagster: asset checks from a table's contract, so that a bad partition stops what is downstream of it."""

# Annotations are values here: Dagster looks at that of a check's context.

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from interlock.constraints.constraint import Constraint
from interlock.integrations import missing, told
from interlock.names import Origin, Outcome, Severity, partition_label
from interlock.workspace import Table

try:
    from dagster import (
        AssetCheckExecutionContext,
        AssetCheckResult,
        AssetChecksDefinition,
        AssetCheckSeverity,
        AssetCheckSpec,
        MetadataValue,
        multi_asset_check,
    )
except ImportError as error:
    raise missing("Dagster", "dagster", error) from None

__all__ = ["asset_checks"]

VERDICT, LEARNED = "verdict", "learned"
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_]+")
Partition = Callable[[AssetCheckExecutionContext], object]


def asset_checks(
    table: str,
    *,
    asset: Any = None,
    workspace: str | os.PathLike[str] | None = None,
    partition: Partition | None = None,
    strict: bool = False,
) -> AssetChecksDefinition:
    """The asset checks of a table, made from its contract: put the value into `Definitions.asset_checks`.

    - ``verdict`` blocks: it fails where the partition is quarantined or refused, or was never
      judged, and says why and what to do.
    - One for each declared constraint. Those that block do so here too; what only alerts is
      a warning.
    - ``learned`` warns of what was learned and alarmed.

    They run after the asset, which writes through the gate (`Table.write`) or leaves files that
    an attached table is judged by. ``asset`` is its key, the table's name if left out. A
    partitioned asset's checks are about the partition of the run; where the table
    calls it otherwise than Dagster does, ``partition(context)`` says how.
    ``strict``: a ticket, a page or inconclusive fails ``verdict`` too. ``workspace`` is a folder,
    ``$INTERLOCK_WORKSPACE`` if left out; it is read now for the contract, and when the checks
    run. Raises `TableNotFound`.
    """
    with told.opened(workspace) as ws:
        declared = ws.existing_table(table).declared
        owner = ws.contract_of(table).owner
    constraints = {check_name(c.name): c for c in declared}
    key = table if asset is None else asset
    specs = [
        AssetCheckSpec(
            VERDICT, asset=key, blocking=True, description=f"What Interlock decided about {table}."
        ),
        *(
            AssetCheckSpec(name, asset=key, blocking=c.block, description=c.sql, metadata=_about(c, owner))
            for name, c in constraints.items()
        ),
        AssetCheckSpec(
            LEARNED, asset=key, description="What was learned of the table and does not block it."
        ),
    ]

    @multi_asset_check(name=check_name(f"interlock_{table}"), specs=specs)
    def interlock(context: AssetCheckExecutionContext) -> Any:
        with told.opened(workspace) as ws:
            documents = _documents(ws.existing_table(table), _labels(context, partition))
        yield _verdict(documents, strict=strict)
        yield from (_constraint(documents, name, c) for name, c in constraints.items())
        yield _learned(documents)

    return interlock


def check_name(name: str) -> str:
    """A constraint's name as Dagster can have it: as it is where it fits, else with what tells it from others.

    >>> check_name("positive"), check_name("amount > 0")
    ('positive', 'amount_0_408e2e')
    """
    if not _NOT_A_NAME.search(name) and name not in (VERDICT, LEARNED):
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{_NOT_A_NAME.sub('_', name)[:80].strip('_')}_{mark}"


def _about(constraint: Constraint, owner: str | None) -> dict[str, Any]:
    said = {
        "constraint": constraint.name,
        "sql": constraint.sql,
        "severity": constraint.severity.value,
        "tolerance": constraint.tolerance,
        "blocks": constraint.block,
    }
    return said | ({"owner": owner} if owner else {})


# --- the run --------------------------------------------------------------------------


def _labels(context: AssetCheckExecutionContext, partition: Partition | None) -> Sequence[str | None]:
    """The partitions a run is about; one None where it is about none."""
    if partition is not None:
        return [partition_label(partition(context))]
    run = context.op_execution_context
    if run.has_partition_key_range:
        return list(run.partition_keys)
    return [str(run.partition_key)] if run.has_partition_key else [None]


def _documents(table: Table, labels: Sequence[str | None]) -> Mapping[str, told.Document | None]:
    """By partition the verdict that stands, None where there is none; new files are judged first."""
    new = {v.partition: v.to_dict() for v in table.judge_new()} if table.attached else {}
    if list(labels) == [None]:
        return new or {d["partition"]: d for d in table.verdicts(1)} or dict[str, None]({"": None})
    return {label: table.verdict(label) for label in labels if label is not None}


# --- the results ----------------------------------------------------------------------


def _verdict(documents: Mapping[str, told.Document | None], *, strict: bool) -> AssetCheckResult:
    known = [d for d in documents.values() if d is not None]
    why = [
        f"{label or 'the table'} has not been judged: without a verdict nothing may follow"
        if d is None
        else told.refusal(d, strict=strict)
        for label, d in documents.items()
    ]
    refused = [reason for reason in why if reason is not None]
    advice = [a["advice"] for d in known for a in d["alerts"] if a["advice"]]
    metadata: dict[str, Any] = {
        "rows": sum(d["rows"] for d in known),
        "partitions": ", ".join(documents) or "none",
        "outcome": ", ".join(dict.fromkeys(d["outcome"] for d in known)) or "none",
        "decision": ", ".join(dict.fromkeys(d["decision"] for d in known)) or "none",
        "alerts": MetadataValue.md(told.markdown(known) or "none"),
    }
    if advice:
        metadata["what to do"] = advice[0]
    return AssetCheckResult(
        check_name=VERDICT,
        passed=not refused,
        severity=AssetCheckSeverity.ERROR,
        description="; ".join(refused) or "what follows may run",
        metadata=metadata,
    )


def _constraint(
    documents: Mapping[str, told.Document | None], name: str, constraint: Constraint
) -> AssetCheckResult:
    """A broken one is an error where it holds its partition, else a warning; so is what nobody judged."""
    found = list(_found(documents, lambda v: v["constraint"] == constraint.name))
    unknown = [label for label, d in documents.items() if d is None]
    held = any(v["blocking"] and v["outcome"] == Outcome.FAIL.value for d, v, _ in found if _is_held(d))
    said = [f"{d['partition']}: {v['observed']}, expected {v['expected']}" for d, v, _ in found]
    metadata: dict[str, Any] = {"constraint": constraint.name, "severity": constraint.severity.value}
    if rows := [v["rows"] for _, v, _ in found if v["rows"] is not None]:
        metadata["rows"] = sum(rows)
    if advice := [a["advice"] for _, _, a in found if a is not None and a["advice"]]:
        metadata["what to do"] = advice[0]
    return AssetCheckResult(
        check_name=name,
        passed=not found and not unknown,
        severity=AssetCheckSeverity.ERROR if held else AssetCheckSeverity.WARN,
        description="; ".join([*said, *(f"{u or 'the table'} has not been judged" for u in unknown)])
        or "holds",
        metadata=metadata,
    )


def _learned(documents: Mapping[str, told.Document | None]) -> AssetCheckResult:
    """Alerts of what was learned; those that hold their partition make ``verdict`` fail."""
    alerts = [a for d in documents.values() if d is not None for a in d["alerts"] if _is_learned(a)]
    loud = [a for a in alerts if a["severity"] != Severity.INFO.value]
    return AssetCheckResult(
        check_name=LEARNED,
        passed=not loud,
        severity=AssetCheckSeverity.WARN,
        description="; ".join(map(told.in_words, loud)) or "nothing alarmed",
        metadata={s.value: sum(a["severity"] == s.value for a in alerts) for s in Severity},
    )


def _is_held(document: told.Document) -> bool:
    """Whether readers are kept from it; a partition that somebody released is not held by what it broke."""
    return document["decision"] in told.HELD


def _is_learned(alert: told.Document) -> bool:
    return all(v["origin"] == Origin.LEARNED.value for v in alert["violations"])


def _found(
    documents: Mapping[str, told.Document | None], wanted: Callable[[told.Document], bool]
) -> Iterator[tuple[told.Document, told.Document, told.Document | None]]:
    """Each violation that is wanted, with the verdict and the alert it is part of."""
    for document in documents.values():
        if document is None:
            continue
        for violation in filter(wanted, document["violations"]):
            yield (
                document,
                violation,
                next((a for a in document["alerts"] if violation in a["violations"]), None),
            )
