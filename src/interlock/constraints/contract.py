"""``interlock.yaml``: what a team promises about its tables, written down.

Reading gives the same frozen values that Python code makes. Every mistake is
named by file, line and column, with the nearest valid name.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from interlock import durable
from interlock.catalog import ModelRecord
from interlock.constraints import models, sugar, yaml_file
from interlock.constraints.constraint import Constraint
from interlock.constraints.contract_shape import (
    FORMS,
    AlertsEntry,
    ConstraintEntry,
    MassChangeEntry,
    ModelEntry,
    SloEntry,
    TableEntry,
    TriggerEntry,
    json_schema,
)
from interlock.constraints.mass_change import document as mass_change_document
from interlock.constraints.mass_change import mass_change
from interlock.constraints.mistakes import validated
from interlock.constraints.objectives import objective
from interlock.constraints.parse import parse, short_span
from interlock.constraints.table_contract import (
    EVENTS,
    REPAIRS,
    AlertPolicy,
    MassChange,
    Quiet,
    Repair,
    Slo,
    TableContract,
    Trigger,
    notices,
)
from interlock.constraints.written import constraint_document, table_document
from interlock.engines.postgres import address
from interlock.errors import ContractError, InterlockError, nearest
from interlock.names import Origin, Severity, table_name

VERSION = 1
FILENAME = "interlock.yaml"


# --- the values -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Contract:
    """The tables a contract speaks of and the models that read them. ``notify`` addresses hear every alert.

    ``mass_change`` holds for tables it says nothing else of.
    """

    tables: Mapping[str, TableContract] = field(default_factory=dict)
    notify: tuple[str, ...] = ()
    models: tuple[ModelRecord, ...] = ()
    mass_change: MassChange | None = None

    @classmethod
    def load(cls, path: str | Path) -> Contract:
        """Read a contract file. Raises `ContractError`."""
        return cls.loads(text_of(Path(path)), str(path))

    @classmethod
    def loads(cls, text: str, filename: str = FILENAME) -> Contract:
        """Read a contract from text; ``filename`` stands in its errors."""
        document = yaml_file.load(text, filename)
        shape = validated(document, filename)
        made = _Maker(document, filename)
        notify = tuple(shape.notify)
        usual = made.mass_change(["mass_change"], shape.mass_change, None)
        tables = {
            name: made.table(name, entry or TableEntry(), notify, usual)
            for name, entry in shape.tables.items()
        }
        return cls(tables, notify, tuple(made.model(n, e) for n, e in shape.models.items()), usual)

    def table(self, name: str) -> TableContract:
        """What is said of a table: its own part, or only what holds for all."""
        return self.tables.get(name) or TableContract(
            triggers=notices(self.notify), mass_change=self.mass_change
        )

    def to_yaml(self) -> str:
        """The contract as YAML; reading it gives an equal contract."""
        document: dict[str, Any] = {"version": VERSION}
        if self.notify:
            document["notify"] = list(self.notify)
        if self.models:
            document["models"] = {m.name: models.document(m) for m in self.models}
        if self.mass_change is not None:
            document["mass_change"] = mass_change_document(self.mass_change)
        document["tables"] = {
            name: table_document(t, self.notify, self.mass_change) for name, t in self.tables.items()
        }
        out = io.StringIO()
        writer = yaml_file.reader()
        writer.indent(mapping=2, sequence=4, offset=2)
        writer.dump(document, out)
        return out.getvalue()


def text_of(path: Path) -> str:
    """A file's text; `ContractError` where it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContractError(f"{path}: not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}") from None


# --- from the shape to the values -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Maker:
    document: CommentedMap
    filename: str

    def at(self, path: list[Any], make: Callable[[], Any]) -> Any:
        """``make()``; what it refuses is said with its place in the file."""
        try:
            return make()
        except InterlockError as error:
            where = yaml_file.place(self.filename, *yaml_file.mark(self.document, path))
            raise ContractError(f"{where}: {error.message}", hint=error.hint) from None

    def model(self, name: str, entry: ModelEntry) -> ModelRecord:
        make = partial(models.declared, name, entry.reads, entry.writes, entry.importance, models.WRITTEN)
        return cast(ModelRecord, self.at(["models", name], make))

    def mass_change(
        self, path: list[Any], entry: MassChangeEntry | None, usual: MassChange | None
    ) -> MassChange | None:
        if entry is None:
            return usual
        return cast(MassChange | None, self.at(path, partial(mass_change, entry)))

    def table(
        self, name: str, entry: TableEntry, notify: tuple[str, ...], usual: MassChange | None
    ) -> TableContract:
        path = ["tables", name]
        self.at(path, lambda: table_name(name))
        found: dict[str, Constraint] = {}
        for i, item in enumerate(entry.constraints):
            place: list[str | int] = [*path, "constraints", i]
            made = self.at(place, partial(_constraint, item))
            if made.name in found:
                where = yaml_file.place(self.filename, *yaml_file.mark(self.document, place))
                raise ContractError(
                    f"{where}: a second constraint named {made.name!r}", hint="give it a name of its own"
                )
            found[made.name] = made
        triggers = [
            trigger
            for i, item in enumerate(entry.triggers)
            for trigger in self.at([*path, "triggers", i], partial(_triggers, item, found))
        ]
        self.at([*path, "attach"], lambda: address.of(entry.attach))
        return TableContract(
            partition=entry.partition,
            key=tuple(entry.key),
            owner=entry.owner,
            sensitive=tuple(entry.sensitive),
            segments=tuple(entry.segments),
            attach=entry.attach,
            postgres=self.at([*path, "postgres"], lambda: _published_to(entry)),
            source=entry.source,
            allow_samples=entry.allow_samples,
            on_violation=entry.on_violation,
            at_commit=self.at([*path, "at_commit"], partial(_at_commit, entry.at_commit, found)),
            enforce=entry.enforce if isinstance(entry.enforce, bool) else tuple(entry.enforce),
            slo=self.at([*path, "slo"], lambda: _slo(entry.slo)),
            sensitivity=entry.sensitivity,
            constraints=tuple(found.values()),
            triggers=(*triggers, *notices(notify)),
            alerts=self.at([*path, "alerts"], partial(_policy, entry.alerts)),
            mass_change=self.mass_change([*path, "mass_change"], entry.mass_change, usual),
        )


def _constraint(entry: ConstraintEntry) -> Constraint:
    given = [form for form in FORMS if getattr(entry, form) is not None]
    if len(given) != 1:
        said = " and ".join(given) or "none"
        raise ContractError(f"a constraint has one of {', '.join(FORMS)}; this has {said}")
    options: dict[str, Any] = {
        "name": entry.name,
        "tolerance": entry.tolerance,
        "severity": Severity(entry.severity),
        "block": entry.block,
    }
    form, value = given[0], getattr(entry, given[0])
    if form == "sql":
        return parse(value, **options)
    if form == "not_null":
        return sugar.not_null(value, **options)
    if form == "unique":
        return sugar.unique(*value, **options)
    if form == "in_set":
        return sugar.in_set(value.column, value.values, **options)
    if form == "references":
        return sugar.references(value.column, value.table, value.other, **options)
    if form == "matches":
        return sugar.matches(value.column, value.pattern, **options)
    return sugar.fresh(value.column, value.within, **options)


def _published_to(entry: TableEntry) -> str | None:
    if entry.attach and entry.postgres:
        raise ContractError("an attached table stays where it is", hint="leave out attach, or postgres")
    return entry.postgres


def _slo(entry: SloEntry | None) -> Slo | None:
    return None if entry is None else objective(entry.healthy, entry.window, entry.fresh, entry.zone)


def _triggers(entry: TriggerEntry, constraints: Mapping[str, Constraint]) -> tuple[Trigger, ...]:
    bounds = (entry.attempts, entry.timeout_s)
    made = [Trigger(entry.on, "notify", address, *bounds) for address in entry.notify or ()]
    if entry.webhook is not None:
        made.append(Trigger(entry.on, "webhook", entry.webhook, *bounds))
    if entry.run:
        made.append(Trigger(entry.on, "run", tuple(entry.run), *bounds))
    if entry.repair is not None:
        if entry.repair.constraint not in constraints:
            raise ContractError(
                f"no constraint named {entry.repair.constraint!r} to repair",
                hint=nearest(entry.repair.constraint, constraints),
            )
        made.append(
            Trigger(entry.on, "repair", Repair(entry.repair.constraint, entry.repair.action), *bounds)
        )
    if not made:
        raise ContractError("a trigger needs notify, webhook, run or repair")
    return tuple(made)


def _at_commit(said: bool | list[str], constraints: Mapping[str, Constraint]) -> bool | tuple[str, ...]:
    if isinstance(said, bool):
        return said
    for name in said:
        if name not in constraints:
            raise ContractError(
                f"no constraint named {name!r} to judge at commit", hint=nearest(name, constraints)
            )
    return tuple(said)


def _policy(entry: AlertsEntry) -> AlertPolicy:
    cooldown = None
    if entry.cooldown is not None:
        cooldown = short_span(entry.cooldown)
        if cooldown is None:
            raise ContractError(
                f"'cooldown': {entry.cooldown!r} is not a time span", hint="write 1d, 12h or '90 minutes'"
            )
    return AlertPolicy(entry.budget, _quiet(entry.quiet), cooldown)


def _quiet(text: str | None) -> Quiet | None:
    if text is None:
        return None
    start, _, end = text.partition("-")
    try:
        made = Quiet(dt.time.fromisoformat(start.strip()), dt.time.fromisoformat(end.strip()))
    except ValueError:
        made = None
    if made is None or made.start == made.end or made.start.tzinfo or made.end.tzinfo:
        raise ContractError(f"'quiet': {text!r} is not a span of hours", hint="write 22:00-07:00")
    return made


# --- what was learned ---------------------------------------------------------------------


def write_learned(path: str | Path, table: str, constraints: Iterable[Constraint]) -> tuple[Constraint, ...]:
    """Add learned constraints to a table of the contract file; comments, order and the rest stay.

    Those already there, by name or by SQL, are left as they are. A missing file
    or table is made. Returns what was added. The file is replaced atomically.
    """
    path = Path(path)
    text = text_of(path) if path.exists() else f"version: {VERSION}\n\ntables:\n"
    contract = Contract.loads(text, str(path))
    known = contract.tables.get(table, TableContract()).constraints
    taken = {c.name for c in known} | {c.sql for c in known}
    added = tuple(c for c in constraints if c.name not in taken and c.sql not in taken and _writable(c))
    if not added:
        return ()
    document = yaml_file.load(text, str(path))
    entries = _constraints_of(document, table_name(table))
    for constraint in added:
        entries.append(CommentedMap(constraint_document(constraint)))
        why = constraint.evidence.get("why")
        if constraint.origin is Origin.LEARNED and why:
            entries.yaml_set_comment_before_after_key(
                len(entries) - 1, before=_comment(constraint, str(why)), indent=6
            )
    out = io.StringIO()
    writer = yaml_file.reader()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.dump(document, out)
    Contract.loads(out.getvalue(), str(path))  # never leave a file that cannot be read again
    durable.write(path, out.getvalue().encode())
    return added


def _comment(constraint: Constraint, why: str) -> str:
    partitions = constraint.evidence.get("partitions")
    seen = f" in {partitions} partitions" if partitions else ""
    return f"learned{seen}: {' '.join(why.split())}"


def _writable(constraint: Constraint) -> bool:
    try:
        parse(constraint.sql)
    except InterlockError:
        return False
    return True


def _constraints_of(document: CommentedMap, table: str) -> CommentedSeq:
    """The list of a table's constraints in the document, made where it is missing."""
    if document.get("tables") is None:
        document["tables"] = CommentedMap()
    tables = document["tables"]
    if tables.get(table) is None:
        tables[table] = CommentedMap()
    entries = tables[table].get("constraints")
    if not isinstance(entries, CommentedSeq):
        entries = CommentedSeq(entries or [])
        tables[table]["constraints"] = entries
    entries.fa.set_block_style()
    return entries


__all__ = [
    "EVENTS",
    "FILENAME",
    "REPAIRS",
    "Contract",
    "Repair",
    "TableContract",
    "Trigger",
    "constraint_document",
    "json_schema",
    "table_document",
    "text_of",
    "write_learned",
]
