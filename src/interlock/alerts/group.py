"""One cause, one alert: violations of a partition put together and ranked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

from interlock.alerts import broad, cause, identity, root, spelling
from interlock.alerts.alert import Alert
from interlock.alerts.cause import Cause, Recogniser, named
from interlock.constraints.constraint import Violation
from interlock.detect import Learned
from interlock.names import Origin, Outcome, Severity
from interlock.profiles.profile import Profile

# Recognised by more than which columns broke how much: these know whose fault it is.
_CERTAIN = frozenset({"swapped", "lost", "nulls", "duplicated", "spelling", "shifted"})
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
# What broke in a few columns; the others are of the whole partition.
_OF_COLUMNS = frozenset(
    {"unexplained", "negated", "default", "unit", "frozen", "nulls", "spelling", "shifted", "values"}
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
    made = root.made(context.violations, {c for v in context.violations for c in v.about}, learned)
    return _with_losses(_at_once(_joined(_folded(found, made), learned)), costly)


def _folded(causes: list[Cause], made: Mapping[str, frozenset[str]]) -> list[Cause]:
    """What broke only in columns that are made from those of another cause, and still are, is a part of it."""
    while (pair := _part_of_another(causes, made)) is not None:
        part, home = pair
        known = home if home.words is not None else part
        whole = replace(known, violations=(*home.violations, *part.violations))
        causes = [whole if c is home else c for c in causes if c is not part]
    return causes


def _part_of_another(causes: list[Cause], made: Mapping[str, frozenset[str]]) -> tuple[Cause, Cause] | None:
    for part, home in permutations((c for c in causes if c.kind in _OF_COLUMNS), 2):
        if _is_made(part, home, made):
            return part, home
    return None


def _is_made(part: Cause, of: Cause, made: Mapping[str, frozenset[str]]) -> bool:
    mine, theirs = _columns(part.violations), _columns(of.violations)
    return mine <= theirs.union(*(made.get(c, frozenset()) for c in theirs))


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
    return {c for v in violations for c in v.about} or {""}


def _together(first: set[str], second: set[str], learned: Learned | None) -> bool:
    if first & second or "" in first or "" in second:
        return True
    if learned is None:
        return False
    return any(learned.related(a, b) >= _RELATED for a in first for b in second)


def _alert(found: Cause, context: cause.Context, table: str, label: str) -> Alert:
    violations = tuple(sorted(found.violations, key=lambda v: (v.statistic == "loss", -v.score)))
    columns = _columns_of(found, violations, context)
    loudest = min((v.severity for v in violations), key=lambda s: s.rank)
    since = min((v.since for v in violations if v.since), default=None)
    title = _title(found, columns) if found.words else _plain(violations, columns)
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


def _columns_of(found: Cause, violations: Sequence[Violation], context: cause.Context) -> tuple[str, ...]:
    """The likeliest root first; those that a cause is certain of before all others."""
    certain = found.columns if found.kind in _CERTAIN else ()
    if found.kind == "duplicated" and context.suspicion is not None:
        # of a key any column may be the broken one
        certain = tuple(sorted(certain, key=context.suspicion.of, reverse=True))
    order = root.ranked(violations, context.learned, context.suspicion)
    return tuple(dict.fromkeys((*certain, *order, *found.columns)))


def _kind(found: Cause, violations: Sequence[Violation]) -> str:
    """The recognised kind; a single column that came, went or changed its type is drift too."""
    return "drift" if violations[0].statistic == "schema" else found.kind


def _title(found: Cause, columns: tuple[str, ...]) -> str:
    """What was recognised, and where it comes from if that is in other columns."""
    elsewhere = found.columns and columns[0] not in found.columns
    return f"{found.words}; it seems to begin in {columns[0]}" if elsewhere else f"{found.words}"


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
