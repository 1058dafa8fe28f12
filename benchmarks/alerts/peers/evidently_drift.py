"""Evidently's drift of each column as its ``DataDriftPreset`` finds it, against the thirty partitions before.

The preset alarms where half of the columns have drifted. One broken column can never do that, so
the score is that of the column that drifted most, in multiples of the test's own threshold. What
the preset's columns call is called here directly: drawing its charts takes ten times as long as the tests.
"""

from __future__ import annotations

import math

import pandas as pd
from evidently.legacy.calculations.data_drift import get_one_column_drift
from evidently.legacy.core import ColumnType
from evidently.legacy.metric_results import DatasetColumns, DatasetUtilityColumns
from evidently.legacy.options.data_drift import DataDriftOptions

PACKAGE = "evidently"
REFERENCE = 30
DRIFTED = 0.5  # of the columns, the preset's default


class Peer:
    """Identifiers are left out: a test of drift finds them new every time."""

    def __init__(self, partitions: list[pd.DataFrame]) -> None:
        first = pd.concat(partitions[:REFERENCE], ignore_index=True)
        texts = [c for c in first if first[c].dtype.kind not in "if"]
        self._unique = [c for c in texts if first[c].nunique() > 0.5 * first[c].count()]
        self._partitions = [p.drop(columns=self._unique) for p in partitions]

    def judge(self, at: int, frame: pd.DataFrame) -> tuple[float, bool, str]:
        """Score, alarm and first column of ``frame`` as partition ``at``."""
        past = pd.concat(self._partitions[max(0, at - REFERENCE) : at], ignore_index=True)
        excess: dict[str, float] = {}
        for column in (c for c in past if past[c].notna().any()):
            # it refuses a column without values
            excess[column] = _drift(past, frame, column) if frame[column].notna().any() else 1e6
        column = max(excess, key=lambda c: excess[c], default="")
        drifted = sum(e >= 1 for e in excess.values())
        return excess.get(column, 0.0), drifted >= DRIFTED * len(excess), column


def _drift(past: pd.DataFrame, frame: pd.DataFrame, column: str) -> float:
    """In multiples of the test's threshold; on a logarithmic scale where the test gives a p value."""
    number = past[column].dtype.kind in "if"
    found = get_one_column_drift(
        current_data=frame[[column]],
        reference_data=past[[column]],
        column_name=column,
        options=DataDriftOptions(),
        dataset_columns=_columns(column, number=number),
        column_type=ColumnType.Numerical if number else ColumnType.Categorical,
        agg_data=True,
    )
    score, threshold = float(found.drift_score), float(found.stattest_threshold)
    if math.isnan(score):
        return 0.0
    if "p_value" in found.stattest_name:
        return math.log(max(score, 1e-300)) / math.log(threshold)
    return score / threshold


def _columns(column: str, *, number: bool) -> DatasetColumns:
    return DatasetColumns(
        utility_columns=DatasetUtilityColumns(date=None, id=None, target=None, prediction=None),
        target_type=None,
        task=None,
        num_feature_names=[column] if number else [],
        cat_feature_names=[] if number else [column],
        text_feature_names=[],
        datetime_feature_names=[],
        target_names=None,
    )
