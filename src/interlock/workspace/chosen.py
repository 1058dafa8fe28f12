"""Which sensitivity a table has, who chose it, and what it means in false alarms."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from interlock import detect
from interlock.detect.rate import partitions_per_year
from interlock.detect.sensitivity import share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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


def chosen(value: detect.Sensitivity, origin: Origin, labels: Sequence[str]) -> Chosen:
    """What a sensitivity means for a table with partitions of these labels."""
    return Chosen(value, origin, share(value, labels), partitions_per_year(labels))
