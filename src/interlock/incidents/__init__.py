"""The failures of the past as stories that run, with the gate and without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.incidents import alert_fatigue, ceo_report, lite_models, negative_ages


@dataclass(frozen=True, slots=True)
class Incident:
    """A story: the ``question`` it answers and how to ``run`` it."""

    question: str
    run: Callable[[], Any]


INCIDENTS: Mapping[str, Incident] = {
    "negative-ages": Incident(
        "Half of an age column turned negative and the average went to the chief executive: who would have known?",
        negative_ages.run,
    ),
    "ceo-report": Incident(
        "An analyst who never heard of Interlock asks for the average of a poisoned column: who says a word?",
        ceo_report.run,
    ),
    "alert-fatigue": Incident(
        "A limit on every column cried wolf until nobody read its alerts: what would you have been sent?",
        alert_fatigue.run,
    ),
    "lite-models": Incident(
        "Somebody removes the parent folder of every small model, and then the backup's: what is left?",
        lite_models.run,
    ),
}
