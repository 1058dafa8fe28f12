"""Taking values out of what was said of a table: verdicts, alerts, and what people were told.

Only what the erased rows alone held is looked for, where it is long enough to be told from other
text. Of the verdicts on versions that are rewritten nothing is kept that quotes cells.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from interlock.catalog import Writer, alerts, triggers, verdicts

TEXT_MIN, DIGITS_MIN = 4, 6
VALUES_MAX = 10_000  # of one erasure that are looked for
PREFIX = 40  # characters of a long text by which it is known: texts are cut where they are quoted
ERASED = "[erased]"
_QUOTING = frozenset(
    ("observed", "expected", "segment", "sample", "title", "cause", "advice", "detail", "note", "notes")
    + ("constraint", "said", "shown")
)


@dataclass(frozen=True, slots=True)
class Values:
    """Texts that nobody may read any more."""

    texts: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[str]) -> Values:
        """Those that are long enough; a number also as it is written with separators."""
        found: dict[str, None] = {}
        for value in values:
            digits = sum(c.isdigit() for c in value)
            number = digits and not value.strip("+-.0123456789eE")
            if digits < DIGITS_MIN if number else len(value.strip()) < TEXT_MIN:
                continue
            found[value.strip()[:PREFIX]] = None
            if value.lstrip("-").isdecimal():
                found[f"{int(value):,}"] = None
            if len(found) >= VALUES_MAX:
                break
        return cls(tuple(found))

    def are_in(self, text: str) -> bool:
        return any(value in text for value in self.texts)

    def without(self, value: Any) -> Any:
        """A document's part with each text that quotes one replaced."""
        if isinstance(value, Mapping):
            return {key: self.without(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.without(part) for part in value]
        if value is None or isinstance(value, bool):
            return value
        return ERASED if self.are_in(str(value)) else value


def redact(tx: Writer, table: str, values: Values, rewritten: Collection[str], why: str) -> int:
    """Redact whatever was said of a table; ``rewritten`` are the verdicts that nothing may stay of.

    Returns how many verdicts were. Their entries in the ledger hold no values, and new ones vouch for the rest.
    """
    changed = 0
    for record in verdicts.list_(tx, table):
        document = _bare(record.document) if record.id in rewritten else record.document
        document = _quoting(document, values)
        if document != record.document:
            verdicts.redact(tx, replace(record, document=document), why)
            changed += 1
    _alerts(tx, table, values)
    for run in triggers.of_table(tx, table):
        told = (values.without(dict(run.trigger)), values.without(run.detail))
        if run.id is not None and told != (run.trigger, run.detail):
            triggers.redact(tx, run.id, *told)
    return changed


def _bare(value: Any) -> Any:
    """A document without samples, and without what was seen and expected."""
    if isinstance(value, Mapping):
        gone = {"sample": [], "observed": ERASED, "expected": ERASED}
        return {key: gone.get(key, _bare(part)) for key, part in value.items()}
    return [_bare(part) for part in value] if isinstance(value, list | tuple) else value


def _quoting(value: Any, values: Values) -> Any:
    """A document with values taken out of those of its parts that may quote cells."""
    if not values.are_in(_plain(value)):
        return value
    if isinstance(value, Mapping):
        return {
            key: values.without(part) if key in _QUOTING else _quoting(part, values)
            for key, part in value.items()
        }
    return [_quoting(part, values) for part in value] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> str:
    """A document's text, a quote in it as it is."""
    return json.dumps(value, ensure_ascii=False, default=str).replace('\\"', '"').replace("\\\\", "\\")


def _alerts(tx: Writer, table: str, values: Values) -> None:
    redacted = []
    for record in alerts.list_(tx, table):
        said = {
            name: values.without(getattr(record, name)) for name in ("title", "cause", "advice", "opened_as")
        }
        parts = tuple(replace(part, title=values.without(part.title)) for part in record.parts)
        hit = tuple(values.without(dict(one)) for one in record.hit)
        one = replace(record, **said, parts=parts, hit=hit)
        if one != record:
            redacted.append(one)
    alerts.put_all(tx, redacted)
