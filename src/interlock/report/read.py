"""Reading what a report tells: the catalog's rows once, however many partitions there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interlock import detect
from interlock.alerts import impact
from interlock.catalog import PartitionRecord, Reader, State, VerdictRecord, partitions, profiles, verdicts
from interlock.catalog.records import CURRENT
from interlock.names import Decision, Outcome, Severity
from interlock.report.facts import Finding, Load, Partition, Standing, Subject, Told

HIDDEN = "(hidden)"
_SCORE_MAX = 1e6  # louder says no more, and infinity is no JSON
_STANDING = {
    State.QUARANTINED: Standing.QUARANTINED,
    State.REPLACED: Standing.REPLACED,
    State.DROPPED: Standing.DROPPED,
    State.PUBLISHED: Standing.PUBLISHED,
    State.CHECKED: Standing.ADMITTED,
}
_STOPPED = (Decision.QUARANTINED, Decision.REFUSED)

Vectors = Mapping[int, Mapping[detect.Key, float]]


@dataclass(frozen=True, slots=True)
class Past:
    """What the catalog says of a table's last partitions.

    ``before`` holds ids of current versions older than ``partitions``, oldest
    first. ``vectors`` maps a version's id to its features.
    """

    partitions: tuple[Partition, ...]
    before: tuple[int, ...]
    vectors: Vectors
    published: int
    quarantined: int
    types: Mapping[str, str]


def read(rx: Reader, subject: Subject, *, most: int, before: int) -> Past:
    """The last ``most`` partitions of a table, and the features of ``before`` more."""
    versions = partitions.all_(rx, subject.name)
    by_label: dict[str, list[PartitionRecord]] = {}
    for version in versions:
        by_label.setdefault(version.label, []).append(version)
    order = sorted(by_label, key=partitions.label_order)
    chosen, older = order[-most:], order[:-most][-before:]
    judged = _judged(verdicts.of_labels(rx, subject.name, chosen))
    found = tuple(Partition(label, _loads(by_label[label], judged, subject)) for label in chosen)
    earlier = tuple(v.id for label in older for v in by_label[label] if v.state in CURRENT and v.id)
    ids = [*earlier, *(load.id for p in found for load in p.loads)]
    return Past(
        found,
        earlier,
        _vectors(rx, ids),
        sum(v.state in CURRENT for v in versions),
        sum(v.state is State.QUARANTINED for v in versions),
        _types(by_label[label][-1] for label in chosen),
    )


def _types(versions: Iterable[PartitionRecord]) -> dict[str, str]:
    """Every column of these versions with its newest type, in the newest order."""
    found: dict[str, str] = {}
    for version in reversed(list(versions)):
        for name, type_ in version.schema:
            found.setdefault(name, type_)
    return found


def _vectors(rx: Reader, ids: Sequence[int]) -> Vectors:
    keys: dict[tuple[str, ...], tuple[detect.Key, ...]] = {}
    found = {}
    for id_, (names, packed) in profiles.vectors(rx, ids).items():
        features = detect.Features.unpack(names, packed, {})
        chosen = keys.setdefault(names, features.keys)
        values = features.values.tolist()
        found[id_] = {
            k: v for k, v in zip(chosen, values, strict=True) if k.segment is None and v == v
        }  # fmt: skip
    return found


# --- verdicts -------------------------------------------------------------------------


def _judged(found: Sequence[VerdictRecord]) -> Mapping[str, list[VerdictRecord]]:
    """Verdicts by label, oldest first."""
    by_label: dict[str, list[VerdictRecord]] = {}
    for record in found:
        by_label.setdefault(record.label, []).append(record)
    return by_label


def _loads(
    versions: Sequence[PartitionRecord], judged: Mapping[str, list[VerdictRecord]], subject: Subject
) -> tuple[Load, ...]:
    """A partition's versions with their verdicts; what left quarantine is one load, not two."""
    known = judged.get(versions[0].label, [])
    by_id = {record.id: record for record in known}
    cited = {version.verdict_id for version in versions}
    again = [record for record in known if record.id not in cited]  # a later verdict on the same data
    loads = []
    for version in versions:
        if version.state is State.RELEASED:
            continue
        verdict = by_id.get(version.verdict_id or "")
        if version.state in CURRENT and again:
            verdict = again[-1]
        loads.append(_load(version, verdict, subject))
    return tuple(loads) or (_load(versions[-1], by_id.get(versions[-1].verdict_id or ""), subject),)


def _load(version: PartitionRecord, verdict: VerdictRecord | None, subject: Subject) -> Load:
    document: Mapping[str, Any] = verdict.document if verdict is not None else {}
    decision = Decision(verdict.decision) if verdict is not None else None
    standing = _STANDING.get(version.state, Standing.REPLACED)
    if standing.read and decision in _STOPPED:
        standing = Standing.RELEASED
    name = f"{version.table}@{version.label}: "
    findings = tuple(sorted((_finding(v, subject) for v in document.get("violations", ())), key=_loudness))
    return Load(
        id=version.id or 0,
        label=version.label,
        standing=standing,
        rows=version.rows,
        loaded_at=version.loaded_at,
        outcome=Outcome(verdict.outcome) if verdict is not None else None,
        decision=decision,
        findings=findings,
        alerts=tuple(_told(a, name, subject) for a in document.get("alerts", ())),
        notes=tuple(document.get("notes", ())),
    )


def _loudness(finding: Finding) -> tuple[int, int, float]:
    return finding.loudness


def _finding(stored: Mapping[str, Any], subject: Subject) -> Finding:
    columns = tuple(stored["columns"]) or ((stored["column"],) if stored["column"] else ())
    segment = stored["segment"]
    found = Finding(
        constraint=stored["constraint"],
        columns=columns,
        statistic=stored["statistic"],
        observed=stored["observed"],
        expected=stored["expected"],
        severity=Severity(stored["severity"]),
        score=min(float(stored["score"]), _SCORE_MAX),
        since=stored["since"],
        inconclusive=stored["outcome"] == Outcome.INCONCLUSIVE.value,
        blocking=bool(stored["blocking"]),
        segment=(segment[0], segment[1]) if segment else None,
    )
    counted = stored["origin"] != "learned" and stored["rows"] is not None
    return found if counted else _masked(found, subject)


def _masked(found: Finding, subject: Subject) -> Finding:
    """Without the values of columns that are sensitive today, even if they were not when it was judged."""
    touched = [*found.columns, *(found.segment[:1] if found.segment else ())]
    if not any(subject.hides(column) for column in touched):
        return found
    name = " ".join([*found.columns, found.statistic])  # a learned name may end in a value
    return replace(found, constraint=name, observed=HIDDEN, expected=HIDDEN, segment=None)


def _told(stored: Mapping[str, Any], name: str, subject: Subject) -> Told:
    findings = tuple(_finding(v, subject) for v in stored["violations"])
    told = Told(
        title=stored["title"].removeprefix(name),
        severity=Severity(stored["severity"]),
        columns=tuple(stored["columns"]),
        findings=findings,
        since=stored["since"],
        cause=stored["cause"],
        advice=stored["advice"],
        hit=tuple(impact.in_words(h) for h in map(impact.from_dict, stored.get("hit", ())) if h.hurts),
    )
    quoted = {v["observed"] for v in stored["violations"]} | {v["expected"] for v in stored["violations"]}
    said = {f.observed for f in findings} | {f.expected for f in findings}
    if quoted <= said:
        return told
    return replace(told, title=f"what is expected of {', '.join(told.columns)} was broken", cause=None)
