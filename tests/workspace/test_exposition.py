"""The text Prometheus reads, and whether its own parser reads the same."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from interlock.workspace.exposition import Metric, Sample, text

HARD = 'a "quoted"\\back\nnew {label="x"} # é 🙂'


def one(value: float, **labels: str) -> Metric:
    return Metric("interlock_x", "gauge", "What\nit \\is.", (Sample(labels, value),))


def test_help_type_and_samples_are_spelled_as_the_format_says() -> None:
    assert text([one(1.0, table=HARD), Metric("interlock_none", "gauge", "Nothing.", ())]) == (
        "# HELP interlock_x What\\nit \\\\is.\n"
        "# TYPE interlock_x gauge\n"
        'interlock_x{table="a \\"quoted\\"\\\\back\\nnew {label=\\"x\\"} # é 🙂"} 1\n'
    )


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (0.1, "0.1"),
        (True, "1"),
        (1_388_448_000, "1388448000"),
        (2.0**60, "1.152921504606847e+18"),
        (-0.25, "-0.25"),
    ],
)
def test_numbers_are_whole_where_they_can_be(value: float, spelled: str) -> None:
    assert text([one(value)]).splitlines()[-1] == f"interlock_x {spelled}"


def test_a_path_that_is_no_unicode_has_gaps_instead() -> None:
    assert 'workspace="/data/?"' in text([one(1, workspace="/data/\udcff")])


@given(
    value=st.floats(),
    labels=st.dictionaries(
        st.sampled_from(["workspace", "table", "state"]),
        st.text(st.characters(exclude_categories=["Cs"])),
        min_size=1,
    ),
)
def test_prometheus_own_parser_reads_back_what_was_written(value: float, labels: dict[str, str]) -> None:
    (family,) = text_string_to_metric_families(text([one(value, **labels)]))
    (sample,) = family.samples
    assert sample.labels == labels
    assert sample.value == value or (math.isnan(value) and math.isnan(sample.value))
