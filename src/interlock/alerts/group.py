"""One cause, one alert: violations of a partition put together and ranked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from interlock.alerts import broad, cause, identity, spelling
from interlock.alerts.alert import Alert
from interlock.alerts.cause import Cause, Recogniser, named
from interlock.constraints.constraint import Violation
from interlock.detect import Learned
from interlock.names import Origin, Outcome, Severity
from interlock.profiles.profile import Profile

_VERY_LOUD = 19.0  # beyond, scores tell columns no better apart than their order does
_RELATED = 0.35  # correlation of two columns' past surprises from which they are taken to move together

# Those that see the whole partition come before those of one column, which would take a part of it.
RECOGNISERS: tuple[Recogniser, ...] = (
    cause.drifted,
    cause.copied,
    broad.emptied,
    broad.defaulted,
    broad.frozen,
    cause.duplicated,
    cause.swapped,
    cause.unit,
    cause.negated,
    spelling.recased,
    cause.lost,
    spelling.shifted,
    spelling.late,
    cause.empty,
    spelling.short,
)


def group(
    violations: Sequence[Violation],
    *,
    table: str,
    label: str,
    learned: Learned | None,
    profile: Profile,
    sensitive: Collection[str] = (),
    key: tuple[str, ...] = (),
) -> tuple[Alert, ...]:
    """Alerts for one partition's violations, the most surprising first.

    Violations join when one cause explains them (a duplicated load moves every
    count) or when their columns have moved together before. Each alert names
    its columns, likeliest culprit first, and the next command to type. Values of
    ``sensitive`` columns are not quoted. ``key`` is what identifies a row.
    """
    failed = [v for v in violations if v.outcome is Outcome.FAIL]
    if not failed:
        return ()
    context = cause.Context(tuple(failed), learned, profile, label, sensitive, key)
    alerts = [_alert(found, context, table, label) for found in _causes(context, learned)]
    return tuple(sorted(alerts, key=lambda a: (a.severity.rank, -a.score, a.title)))


def _causes(context: cause.Context, learned: Learned | None) -> list[Cause]:
    """Recognised causes with what they explain, then the rest by related columns, then what models lose by them."""
    costly = tuple(v for v in context.violations if v.statistic == "loss")
    rest = [v for v in context.violations if v.statistic != "loss"]
    found: list[Cause] = []
    for recognise in RECOGNISERS:
        for candidate in recognise(context, tuple(rest)):
            if not candidate.violations:
                continue
            found.append(candidate)
            taken = set(map(id, candidate.violations))
            rest = [v for v in rest if id(v) not in taken]
    for related in _related(rest, learned):
        found.append(Cause(None, related))
    return _with_losses(_at_once(_joined(found, learned)), costly)


def _with_losses(causes: list[Cause], costly: tuple[Violation, ...]) -> list[Cause]:
    """A model's loss is a consequence of what is louder; where nothing is, it is news of its own."""
    if not costly:
        return causes
    told = [c for c in causes if any(v.severity is not Severity.INFO for v in c.violations)]
    first = max(told, key=_loudness, default=None)
    words = "; ".join(v.observed for v in costly)
    alone = Cause(f"{words}; nothing in the data says why" if first is None else words, costly, kind="loss")
    if first is None or _loudness(first) < _loudness(alone):
        return [*causes, alone]
    joined = replace(first, violations=(*first.violations, *costly))
    return [joined if c is first else c for c in causes]


def _loudness(cause: Cause) -> float:
    return max(v.score for v in cause.violations)


def _at_once(causes: list[Cause]) -> list[Cause]:
    """What nobody explains joins a cause of many columns that broke in the same way; many such are one."""
    named_ = [c for c in causes if c.words is not None]
    alone = [c for c in causes if c.words is None]
    for wide in [c for c in named_ if len(c.columns) >= broad.BROAD]:
        ways = {identity.aspect(v) for v in wide.violations}
        alike = [c for c in alone if {identity.aspect(v) for v in c.violations} <= ways]
        mine = (*wide.violations, *(v for c in alike for v in c.violations))
        named_[named_.index(wide)] = replace(wide, violations=mine)
        alone = [c for c in alone if c not in alike]
    ways_of: dict[str, list[Cause]] = {}
    for c in alone:
        ways_of.setdefault(identity.aspect(max(c.violations, key=lambda v: v.score)), []).append(c)
    for way, together in ways_of.items():
        columns = tuple(dict.fromkeys(n for c in together for n in sorted(_columns(c.violations))))
        if len(together) < 2 or len(columns) < broad.BROAD:
            continue
        words = (
            f"{named(columns)} changed at once, in their {way}: one change upstream, or an event in the world"
        )
        one = Cause(words, tuple(v for c in together for v in c.violations), kind="shift")
        codes = [
            c for c in named_ if c.kind == "values" and way in {identity.aspect(v) for v in c.violations}
        ]
        one = replace(one, violations=(*one.violations, *(v for c in codes for v in c.violations)))
        named_ = [c for c in named_ if c not in codes]
        alone = [c for c in alone if c not in together] + [one]
    return named_ + alone


def _joined(causes: list[Cause], learned: Learned | None) -> list[Cause]:
    """Unexplained groups join a recognised cause whose columns they move with."""
    named = [c for c in causes if c.words is not None]
    if not named:
        return causes
    alone = []
    for other in (c for c in causes if c.words is None):
        home = next(
            (n for n in named if _together(_columns(n.violations), _columns(other.violations), learned)), None
        )
        if home is None:
            alone.append(other)
            continue
        named[named.index(home)] = replace(home, violations=(*home.violations, *other.violations))
    return named + alone


def _related(violations: Sequence[Violation], learned: Learned | None) -> list[tuple[Violation, ...]]:
    """Connected by shared columns, or by columns that moved together in the past."""
    groups: list[tuple[set[str], list[Violation]]] = []
    for violation in violations:
        columns = set(_columns([violation]))
        joined = [g for g in groups if _together(g[0], columns, learned)]
        merged = (columns.union(*(g[0] for g in joined)), [v for g in joined for v in g[1]] + [violation])
        groups = [g for g in groups if all(g is not j for j in joined)] + [merged]
    return [tuple(g[1]) for g in groups]


def _columns(violations: Sequence[Violation]) -> set[str]:
    return {c for v in violations for c in (v.columns or ((v.column,) if v.column else ()))} or {""}


def _together(first: set[str], second: set[str], learned: Learned | None) -> bool:
    if first & second or "" in first or "" in second:
        return True
    if learned is None:
        return False
    return any(learned.related(a, b) >= _RELATED for a in first for b in second)


def _alert(found: Cause, context: cause.Context, table: str, label: str) -> Alert:
    violations = tuple(sorted(found.violations, key=lambda v: (v.statistic == "loss", -v.score)))
    columns = _ranked(violations, found.columns, context.learned)
    loudest = min((v.severity for v in violations), key=lambda s: s.rank)
    since = min((v.since for v in violations if v.since), default=None)
    title = found.words or _plain(violations, columns)
    return Alert(
        title=f"{table}@{label}: {title}",
        severity=loudest,
        columns=columns,
        violations=violations,
        score=violations[0].score,
        since=since,
        cause=found.words,
        advice=_advice(violations, loudest, table, label, since),
        kind=_kind(found, violations),
        detail=found.detail,
    )


def _kind(found: Cause, violations: Sequence[Violation]) -> str:
    """The recognised kind; a single column that came, went or changed its type is drift too."""
    return "drift" if violations[0].statistic == "schema" else found.kind


def _ranked(
    violations: Sequence[Violation], first: tuple[str, ...], learned: Learned | None
) -> tuple[str, ...]:
    """Columns by their loudest violation; of columns that are all very loud the one that stands first.

    A column goes before those that follow from it, where they still do: they were made
    from its broken values.
    """
    weight: dict[str, list[float]] = {}
    for v in violations:
        for place, column in enumerate(v.columns or ((v.column,) if v.column else ())):
            weight.setdefault(column, []).append(min(v.score, _VERY_LOUD) * (1.0 if place == 0 else 0.5))
    stands = learned.place if learned is not None else lambda column: 0

    def rank(column: str) -> tuple[object, ...]:
        return -max(weight[column]), stands(column), -sum(weight[column]), column

    order = (*first, *sorted((c for c in weight if c not in first), key=rank))
    return _sources_first(order, violations, learned) if learned is not None and order else order


def _sources_first(
    order: tuple[str, ...], violations: Sequence[Violation], learned: Learned
) -> tuple[str, ...]:
    """The first column's source before it, and that one's, where it is broken in itself and what ties the two holds."""
    broken = {v.constraint for v in violations}
    alone = {v.columns[0] for v in violations if v.columns}
    for _ in range(len(order) - 1):
        sources = learned.sources.get(order[0], {})
        found = next((c for c in order if c in sources and c in alone and not sources[c] & broken), None)
        if found is None:
            break
        alone.discard(order[0])  # what is made of another in turn is no source of it
        order = (found, *(c for c in order if c != found))
    return order


def _plain(violations: Sequence[Violation], columns: tuple[str, ...]) -> str:
    """What broke, where no cause was recognised."""
    top = violations[0]
    text = f"{top.observed}; expected {top.expected}"
    others = len(columns) - 1
    return text + (f" (and {others} more column{'s' if others > 1 else ''})" if others > 0 else "")


def _advice(
    violations: Sequence[Violation], severity: Severity, table: str, label: str, since: str | None
) -> str:
    """The next command to type."""
    if any(v.blocking for v in violations):
        return f"interlock quarantine show {table}@{label}"
    if severity is Severity.INFO:
        return f"interlock profile {table}@{label}"
    if all(v.origin is Origin.LEARNED for v in violations):
        return (
            f"interlock profile {table}@{label}; if this is the new normal: "
            f"interlock accept {table} --since {since or label} --reason '…'"
        )
    return f"interlock profile {table}@{label}"
