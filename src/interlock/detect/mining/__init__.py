"""Looking for dependencies in a sample of a partition's rows.

What holds in nearly all sampled rows becomes a candidate; whether it holds in
history is learned like everything else, from how many rows of each partition
break it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import islice

from interlock.detect.invariants import AFTER
from interlock.detect.mining import arithmetic, forms, groups, lines, moments, pairs
from interlock.detect.mining.sample import ROWS, Sample, taken
from interlock.detect.watch import Watch
from interlock.engines.protocol import Afar, Engine, Relation, is_afar
from interlock.profiles.dependency import QUOTING, Dependency

__all__ = ["Sample", "asked", "candidates", "mine", "taken"]

_FORMS_MAX = 64
_ORDERS_MAX = 24
_COMPUTED_MAX = 24
_OTHERS_MAX = 16
_QUOTING_MAX = 10


def asked(
    watch: Watch | None, engine: Engine | Afar, relation: Relation, sensitive: Collection[str] = ()
) -> tuple[Dependency, ...]:
    """What a partition's rows are to be counted against.

    That is what the past has shown to hold, and for the first partitions also what
    their own rows suggest; nothing that the partition's columns do not fit, and
    nothing that would write down values of ``sensitive`` columns.
    """
    hidden = {name.casefold() for name in sensitive}
    known = watch.dependencies if watch is not None else ()
    if watch is None or watch.partitions < AFTER:
        known = tuple(dict.fromkeys((*known, *mine(*_near(engine, relation)))))
    return tuple(d for d in known if d.fits(relation.schema) and not _quotes(d, hidden))


def _near(engine: Engine | Afar, relation: Relation) -> tuple[Engine, Relation]:
    """Rows that can be looked at here: of rows afar some that come over."""
    if not is_afar(engine):
        return engine, relation
    found = engine.gather(relation, (), key=(), whole_max=ROWS, sample_rows=ROWS)
    return engine.local, found.sample


def _quotes(dependency: Dependency, hidden: Collection[str]) -> bool:
    return dependency.form in QUOTING and any(c.casefold() in hidden for c in dependency.columns)


def mine(engine: Engine, relation: Relation, *, spared: Sequence[str] = ()) -> tuple[Dependency, ...]:
    """The dependencies that a relation's rows suggest, from one statement over a sample of them."""
    schema = tuple(c for c in relation.schema if c.name not in spared)
    return candidates(taken(engine, replace(relation, schema=schema)))


def candidates(sample: Sample) -> tuple[Dependency, ...]:
    """What nearly all sampled rows keep to, the strongest kinds first."""
    found = [
        *islice(pairs.equal(sample), _OTHERS_MAX),
        *islice(moments.parts(sample), _OTHERS_MAX),
        *islice(moments.elapsed(sample), _OTHERS_MAX),
        *islice(arithmetic.computed(sample), _COMPUTED_MAX),
    ]
    computed = frozenset(d.columns[0] for d in found)
    found += islice(groups.determined(sample), _OTHERS_MAX)
    found += islice(groups.mapped(sample), _QUOTING_MAX)
    found += islice(groups.grouped(sample), _QUOTING_MAX)
    found += islice(groups.banded(sample), _QUOTING_MAX)
    found += islice(pairs.emptied(sample), _OTHERS_MAX)
    found += islice(pairs.ordered(sample), _ORDERS_MAX)
    found += islice(forms.forms(sample), _FORMS_MAX)
    found += islice(lines.near(sample, computed), _OTHERS_MAX)
    found += islice(pairs.alike(sample), _OTHERS_MAX)
    return tuple(dict.fromkeys(found))
