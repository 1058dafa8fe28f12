"""The sentence on top: what a tired person should know."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from interlock.names import Decision, Outcome, Severity
from interlock.report.facts import Load, Partition, Report, Standing, Subject, Told
from interlock.report.headline import headline
from interlock.report.words import age, size, span
from tests.report.pages import seen

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
PASSED = Load(1, "last", Standing.PUBLISHED, 9, NOW, Outcome.PASS, Decision.PUBLISHED, (), (), ())
ALERT = Told("distance looks like another unit", Severity.TICKET, ("distance",), (), None, None, None)
STOPPED = replace(PASSED, standing=Standing.QUARANTINED, outcome=Outcome.FAIL, decision=Decision.QUARANTINED)


def said(*loads: Load, waited: dt.timedelta = dt.timedelta(hours=3), before: int = 20) -> str:
    """The sentence of a table that got a load a day, and then these of its newest partition."""
    moments = [NOW - waited - DAY * n for n in range(before, -1, -1)]
    earlier = [
        Partition(f"day {n}", (replace(PASSED, label=f"day {n}", loaded_at=m),))
        for n, m in enumerate(moments[:-1])
    ]
    newest = Partition("last", tuple(replace(load, loaded_at=moments[-1]) for load in loads))
    shown = (*earlier, newest)
    held = sum(load.standing is Standing.QUARANTINED for load in loads)
    told = Report(Subject("t", "day", ()), NOW, "1", before, held, shown, shown, (), 0, (), 0)
    sentence = seen(headline(told)).text.partition(" Owner ")[0]
    return sentence.removeprefix("t ")


@pytest.mark.parametrize(
    ("loads", "sentence"),
    [
        (
            (PASSED,),
            "All quiet The newest partition, last, came 3 hours ago and passed, like the 20 before it. "
            "Nothing is in quarantine.",
        ),
        (
            (STOPPED,),
            "Needs a decision 1 partition is in quarantine: last. The newest partition, last, came 3 hours ago; "
            "the gate stopped it, and readers do not see it.",
        ),
        (
            (replace(PASSED, alerts=(ALERT,)),),
            "Worth a look The newest partition, last, came 3 hours ago; it was published with an alert: "
            "distance looks like another unit.",
        ),
        (
            (replace(STOPPED, standing=Standing.RELEASED, alerts=(ALERT,)),),
            "Worth a look The newest partition, last, came 3 hours ago; the gate stopped it and a person released "
            "it: distance looks like another unit.",
        ),
        (
            (replace(STOPPED, standing=Standing.DROPPED, alerts=(ALERT,)),),
            "Worth a look The newest partition, last, came 3 hours ago; the gate stopped it and a person dropped "
            "it: distance looks like another unit.",
        ),
        (
            (replace(STOPPED, standing=Standing.REPLACED, alerts=(ALERT,)), PASSED),
            "Worth a look The newest partition, last, came 3 hours ago; an earlier load of it was stopped, and what "
            "readers see is a later one: distance looks like another unit.",
        ),
        (
            (replace(PASSED, outcome=Outcome.INCONCLUSIVE),),
            "Worth a look The newest partition, last, came 3 hours ago; it was inconclusive: some of what it "
            "promises could not be judged.",
        ),
    ],
    ids=["passed", "quarantined", "alerted", "released", "dropped", "came again", "inconclusive"],
)
def test_the_sentence_says_what_became_of_the_newest_partition(loads, sentence):
    assert said(*loads) == sentence


def test_a_table_that_stopped_coming_is_worth_a_look():
    assert said(PASSED, waited=4 * DAY) == (
        "Worth a look Nothing came lately: the newest partition, last, came 4 days ago. "
        "The next one usually takes 1 day."
    )
    assert said(PASSED, waited=2 * DAY).startswith("All quiet")
    assert said(PASSED, waited=9 * DAY, before=3).startswith("All quiet"), (
        "too few to know how often it comes"
    )


def test_times_and_sizes_are_words():
    assert [span(s) for s in (5, 60, 3_599, 3_600, 90_000, 9e6)] == [
        "0 minutes", "1 minute", "59 minutes", "1 hour", "1 day", "104 days",
    ]  # fmt: skip
    assert age(NOW, NOW) == "just now" and age(NOW - DAY, NOW) == "1 day ago"
    assert [size(n) for n in (1, 1_000, 412_345, 2_400_000)] == ["1 kB", "1 kB", "412 kB", "2.4 MB"]
