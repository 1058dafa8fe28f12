"""The ages that turned negative, with the gate and without."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from interlock.incidents import INCIDENTS


def test_the_report_is_right_with_the_gate_and_wrong_without() -> None:
    story = INCIDENTS["negative-ages"].run()
    assert story.decision == "quarantined"
    assert story.broken_rows == 500
    assert abs(story.report_without - story.truth) > 10
    assert story.report_with == pytest.approx(story.truth, abs=2)
    assert "age" in story.alert
    assert "age is negative" in story.learned_alert
    json.dumps(story.to_dict())
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(story)
    assert "negative" in console.export_text()
