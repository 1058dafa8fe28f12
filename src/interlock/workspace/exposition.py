"""The Prometheus text exposition format, version 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/. Written here and not
with the client library, which keeps counters of a living process: these numbers
are read from the catalog, and twenty lines spell them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_IN_VALUES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One number and what it is of."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Metric:
    """A name with its samples. ``type`` is ``gauge`` or ``counter``; the unit ends the name."""

    name: str
    type: str
    help: str
    samples: tuple[Sample, ...]

    def to_dict(self) -> dict[str, Any]:
        samples = [{"labels": dict(s.labels), "value": s.value} for s in self.samples]
        return {"name": self.name, "type": self.type, "help": self.help, "samples": samples}


def text(metrics: Iterable[Metric]) -> str:
    """The metrics as text that ends with a line feed. One without samples is left out."""
    return "".join(_metric(m) for m in metrics if m.samples)


def _metric(metric: Metric) -> str:
    lines = [
        f"# HELP {metric.name} {metric.help.translate(_IN_HELP)}",
        f"# TYPE {metric.name} {metric.type}",
        *(f"{metric.name}{_labels(s.labels)} {_number(s.value)}" for s in metric.samples),
    ]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    spelled = ",".join(f'{name}="{_plain(value)}"' for name, value in labels.items())
    return f"{{{spelled}}}" if spelled else ""


def _plain(value: str) -> str:
    """A label's value: escaped, and without the halves of characters that a path may hold."""
    return value.encode("utf-8", "replace").decode().translate(_IN_VALUES)


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
