"""Which sensitivity a table has, who chose it, and what it means in false alarms."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from interlock import detect
from interlock.detect.rate import partitions_per_year
from interlock.detect.sensitivity import share
from interlock.errors import UsageError
from interlock.workspace import own

if TYPE_CHECKING:
    from collections.abc import Mapping

    from interlock.workspace.table import Table


class Origin(StrEnum):
    """Where a table's sensitivity comes from; the first that says one is heard."""

    CONTRACT = "contract"
    WORKSPACE = "workspace"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A table's sensitivity. ``share`` (0 … 1) is how many of its clean partitions may alarm.

    ``partitions_per_year`` comes from its labels; 365 where they are no dates.
    """

    sensitivity: detect.Sensitivity
    origin: Origin
    share: float
    partitions_per_year: float

    @property
    def false_alarms_per_year(self) -> float:
        """What is aimed at, not what was measured."""
        return self.share * self.partitions_per_year

    def to_dict(self) -> dict[str, Any]:
        return {
            "sensitivity": self.sensitivity,
            "from": self.origin.value,
            "false_alarms_per_year": round(self.false_alarms_per_year, 3),
            "partitions_per_year": round(self.partitions_per_year, 1),
        }


def sensitivity(written: object | None, settings: Mapping[str, Any]) -> tuple[detect.Sensitivity, Origin]:
    """The contract's (None where it says nothing), else the workspace's own, else normal."""
    if written is not None:
        return detect.as_sensitivity(written), Origin.CONTRACT
    if "sensitivity" in settings:
        return detect.as_sensitivity(settings["sensitivity"]), Origin.WORKSPACE
    return detect.NORMAL, Origin.DEFAULT


def in_force(table: Table) -> tuple[detect.Sensitivity, Origin]:
    """A table's sensitivity, and who chose it."""
    return sensitivity(table.workspace.contract_of(table.name).sensitivity, table.record.settings)


def of(table: Table) -> Chosen:
    """What is in force, and what it means for a table with its partitions' labels."""
    value, origin = in_force(table)
    labels = [p.label for p in table.partitions()]
    return Chosen(value, origin, share(value, labels), partitions_per_year(labels))


def choose(table: Table, value: detect.Sensitivity) -> None:
    """Set it in the workspace. Raises `UsageError` where that is none, and where the contract would be heard first."""
    wanted, workspace = detect.as_sensitivity(value), table.workspace
    written = workspace.contract_of(table.name).sensitivity
    if written is not None and detect.as_sensitivity(written) != wanted:
        raise UsageError(
            f"{workspace.contract_path.name} sets the sensitivity of {table.name} to {written}",
            hint=f"write `sensitivity: {wanted}` under {table.name} there, or take the line out",
        )
    own.put(workspace.site, table.name, entry="sensitivity", sensitivity=wanted)
