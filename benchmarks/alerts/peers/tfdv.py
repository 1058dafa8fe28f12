"""TensorFlow Data Validation: a schema inferred from the first partitions, and drift against the partition before.

A schema has no score: it is the number of features with an anomaly; drift, which has no default
threshold, orders partitions that have as many. Alarms where the schema is broken.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd
import tensorflow_data_validation as tfdv

PACKAGE = "tensorflow-data-validation"
LEARNED_FROM = 60


class Peer:
    def __init__(self, partitions: list[pd.DataFrame]) -> None:
        self._partitions = [_known(p) for p in partitions]
        first = pd.concat(self._partitions[:LEARNED_FROM], ignore_index=True)
        self._schema = tfdv.infer_schema(tfdv.generate_statistics_from_dataframe(first, n_jobs=1))
        for feature in self._schema.feature:
            comparator = feature.drift_comparator
            if feature.type == 1:  # BYTES
                comparator.infinity_norm.threshold = 1e-9
            else:
                comparator.jensen_shannon_divergence.threshold = 1e-9
        self._before = lru_cache(maxsize=None)(self._statistics)

    def _statistics(self, at: int) -> Any:
        return tfdv.generate_statistics_from_dataframe(self._partitions[at], n_jobs=1)

    def judge(self, at: int, frame: pd.DataFrame) -> tuple[float, bool, str]:
        """Score, alarm and first column of ``frame`` as partition ``at``."""
        now = tfdv.generate_statistics_from_dataframe(_known(frame), n_jobs=1)
        found = tfdv.validate_statistics(now, self._schema, previous_statistics=self._before(at - 1))
        drift = {
            i.path.step[0]: max((m.value for m in i.drift_measurements), default=0.0)
            for i in found.drift_skew_info
        }
        broken = [name for name, info in found.anomaly_info.items() if _schema_broken(info)]
        far = max(drift, key=lambda c: drift[c], default="")
        column = max(broken, key=lambda c: drift.get(c, 0.0)) if broken else far
        return len(broken) + min(drift.get(far, 0.0), 0.999), bool(broken), column


def _schema_broken(info: Any) -> bool:
    """An anomaly that is more than drift."""
    kinds = {type(info).Type.Name(reason.type) for reason in info.reason}
    return any("DRIFT" not in k and "COMPARATOR" not in k for k in kinds)


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.dropna(axis=1, how="all")
