"""A constraint as plain JSON values, for the catalog, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.constraints.constraint import Constraint, Level
from interlock.constraints.language import VERSION
from interlock.names import Origin, Severity


def to_dict(constraint: Constraint) -> dict[str, Any]:
    """Plain JSON values; `from_dict` gives the same constraint back."""
    return {
        "language": VERSION,
        "name": constraint.name,
        "sql": constraint.sql,
        "level": constraint.level.value,
        "columns": list(constraint.columns),
        "kind": constraint.kind,
        "origin": constraint.origin.value,
        "tolerance": constraint.tolerance,
        "severity": constraint.severity.value,
        "block": constraint.block,
        "references": list(constraint.references) if constraint.references else None,
        "parameters": dict(constraint.parameters),
        "evidence": dict(constraint.evidence),
    }


def from_dict(document: Mapping[str, Any]) -> Constraint:
    """The constraint of a document of `to_dict`. Unknown keys, from later versions, are ignored."""
    references = document.get("references")
    return Constraint(
        name=document["name"],
        sql=document["sql"],
        level=Level(document["level"]),
        columns=tuple(document["columns"]),
        kind=document["kind"],
        origin=Origin(document["origin"]),
        tolerance=float(document["tolerance"]),
        severity=Severity(document["severity"]),
        block=bool(document["block"]),
        references=(references[0], references[1]) if references else None,
        parameters=dict(document.get("parameters") or {}),
        evidence=dict(document.get("evidence") or {}),
    )
