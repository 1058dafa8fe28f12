"""The top of the page: how the table is, in a sentence, and the last partitions' outcomes counted."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from interlock.names import Severity
from interlock.report.facts import SPANS, Answer, Partition, Report, Standing
from interlock.report.markup import Markup, el
from interlock.report.words import ANSWERS, age, brief, span
from interlock.words import count

_BAR = 1_000  # units of an outcome bar's width
_NAMED = 3  # partitions in quarantine that the sentence names
_GAPS = 7  # times between loads from which a usual one is known
_OFTEN_S = 1_800.0  # loads that come oftener are those of a backfill
_LATE = 3.0  # usual times without a load that are worth a word


def headline(report: Report) -> Markup:
    """The sentence, the facts and the outcomes."""
    mood, sentence = _sentence(report)
    return el(
        "section",
        el("h1", report.subject.name),
        el("p", el("span", _MOODS[mood], class_=f"mood {mood}"), " ", sentence, class_="sentence"),
        _facts(report),
        el("div", *(_outcomes(report, n) for n in _spans(report)), class_="outcomes"),
        class_="headline",
        id="top",
    )


_MOODS = {"fail": "Needs a decision", "alerted": "Worth a look", "pass": "All quiet"}


def _sentence(report: Report) -> tuple[str, str]:
    """How it is, and what a tired person should know of it."""
    newest = report.last
    came = f"{newest.label}, came {age(newest.loads[-1].loaded_at, report.made_at)}"
    if report.quarantined:
        return "fail", f"{_held(report)} The newest partition, {came}; {_became(newest)}."
    if newest.answer is not Answer.PASS:
        return "alerted", f"The newest partition, {came}; {_became(newest)}: {_why(newest)}."
    if (usual := _late(report)) is not None:
        return (
            "alerted",
            f"Nothing came lately: the newest partition, {came}. The next one usually takes {usual}.",
        )
    quiet = _quiet(report)
    since = (
        "" if quiet < 2 else f", like the {quiet - 1} before it" if quiet > 2 else ", like the one before it"
    )
    return "pass", f"The newest partition, {came} and passed{since}. Nothing is in quarantine."


def _held(report: Report) -> str:
    names = [p.label for p in reversed(report.recent) if p.quarantined]
    more = report.quarantined - len(names[:_NAMED])
    said = ", ".join(names[:_NAMED]) + (f" and {more:,} more" if names and more > 0 else "")
    verb = "is" if report.quarantined == 1 else "are"
    return f"{count(report.quarantined, 'partition')} {verb} in quarantine" + (f": {said}." if said else ".")


def _became(partition: Partition) -> str:
    load = partition.loads[-1]
    if load.standing is Standing.QUARANTINED:
        return "the gate stopped it, and readers do not see it"
    if load.standing is Standing.DROPPED:
        return "the gate stopped it and a person dropped it"
    if load.standing is Standing.RELEASED:
        return "the gate stopped it and a person released it"
    if partition.answer is Answer.FAIL:
        return "an earlier load of it was stopped, and what readers see is a later one"
    return "it passed" if partition.answer is Answer.PASS else f"it was {ANSWERS[partition.answer]}"


def _why(partition: Partition) -> str:
    loud = sorted(
        (a for load in partition.loads for a in load.alerts), key=lambda a: list(Severity).index(a.severity)
    )
    return brief(loud[0].title) if loud else "some of what it promises could not be judged"


def _late(report: Report) -> str | None:
    """The usual time between two loads, where the next one is long overdue by it; None where it is not."""
    came = sorted(load.loaded_at for p in report.recent for load in p.loads[:1])
    gaps = [(b - a).total_seconds() for a, b in pairwise(came)]
    usual = median(gaps) if len(gaps) >= _GAPS else 0.0
    waited = (report.made_at - came[-1]).total_seconds()
    return span(usual) if usual >= _OFTEN_S and waited > _LATE * usual else None


def _quiet(report: Report) -> int:
    """How many of the newest partitions passed in a row."""
    quiet = 0
    for partition in reversed(report.recent):
        if partition.answer is not Answer.PASS:
            break
        quiet += 1
    return quiet


def _facts(report: Report) -> Markup:
    subject = report.subject
    pairs = (
        ("Owner", subject.owner or "nobody is named"),
        ("Key", ", ".join(subject.key) or "none"),
        ("Split by", subject.partition or ("file" if subject.attached else "load")),
        ("Published", count(report.published, "partition")),
        ("In quarantine", f"{report.quarantined:,}"),
        ("Newest", report.last.label),
    )
    return el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in pairs), class_="facts")


def _spans(report: Report) -> list[int]:
    """How many partitions are counted: 30 and 90, or as many as there are."""
    return list(dict.fromkeys(min(span, len(report.recent)) for span in SPANS))


def _outcomes(report: Report, most: int) -> Markup:
    answers = report.answers(most)
    legend = [
        el(
            "li",
            el("i", class_=f"key {a.value}"),
            f"{answers[a]:,} {_WORD[a]}",
            class_=None if answers[a] else "none",
        )
        for a in reversed(Answer)
    ]
    return el(
        "figure",
        el("figcaption", f"Last {count(most, 'partition')}"),
        _bar({a: answers[a] for a in reversed(Answer)}, most),
        el("ul", *legend),
    )


_WORD = {**{a: a.value for a in Answer}, Answer.PASS: "passed", Answer.FAIL: "failed"}


def _bar(answers: dict[Answer, int], total: int) -> Markup:
    parts, x = [], 0.0
    for answer, how_many in answers.items():
        width = _BAR * how_many / total
        if how_many:
            parts.append(el("rect", x=f"{x:.1f}", y=0, width=f"{width:.1f}", height=12, class_=answer.value))
        x += width
    return el(
        "svg", *parts, viewBox=f"0 0 {_BAR} 12", preserveAspectRatio="none", class_="bar", aria_hidden="true"
    )
