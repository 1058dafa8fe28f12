"""The shape of ``interlock.yaml``: which keys there are, and what may stand behind them."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else _empty_list(value)


def _empty_list(value: Any) -> Any:
    """A key with nothing behind it, all its entries commented out, is an empty list."""
    return [] if value is None else value


def _empty_mapping(value: Any) -> Any:
    return {} if value is None else value


def _words(value: Any) -> Any:
    return shlex.split(value) if isinstance(value, str) else value


Texts = Annotated[
    list[str],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


FalseAlarms = Annotated[
    float, Field(gt=0, allow_inf_nan=False, description="How many a year are accepted of what was learned.")
]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class InSet(Model):
    column: str
    values: list[Any] = Field(min_length=1)


class References(Model):
    column: str
    table: str
    other: str


class Matches(Model):
    column: str
    pattern: str


class Fresh(Model):
    column: str
    within: str


class ConstraintEntry(Model):
    """One constraint: SQL, or one of the named forms, with its options."""

    sql: str | None = None
    not_null: str | None = None
    unique: Texts | None = None
    in_set: InSet | None = None
    references: References | None = None
    matches: Matches | None = None
    fresh: Fresh | None = None
    name: str | None = None
    tolerance: float = Field(0.0, ge=0, lt=1, strict=False, description="Share of rows that may break it.")
    severity: Literal["page", "ticket", "info"] = "page"
    block: bool = True


FORMS = ("sql", "not_null", "unique", "in_set", "references", "matches", "fresh")


def _null(value: Any) -> Any:
    """``action: null`` is YAML's null, and means the word."""
    return "null" if value is None else value


class RepairEntry(Model):
    constraint: str
    action: Annotated[Literal["null", "clamp", "drop"], BeforeValidator(_null)]


class TriggerEntry(Model):
    """An action on a verdict."""

    on: Literal["pass", "fail", "inconclusive", "published", "quarantined", "alert", "recovered"]
    notify: Texts | None = None
    webhook: str | None = None
    run: Annotated[list[str], BeforeValidator(_words)] | None = None
    repair: RepairEntry | None = None
    attempts: int | None = Field(None, ge=1, le=100)
    timeout_s: float | None = Field(None, gt=0, le=3600, strict=False)


def _minutes(value: Any) -> Any:
    """YAML 1.1 readers make a number of 06:00; both are the same time."""
    return f"{value // 60:02d}:{value % 60:02d}" if type(value) is int and 0 <= value < 1440 else value


class SloEntry(Model):
    """What a table promises over time."""

    healthy: float = Field(0.99, gt=0, lt=1, description="Share of partitions without a ticket or page.")
    window: str = Field("30d", pattern=r"^[1-9]\d{0,3}d$", description="Days looked back, such as 30d.")
    fresh: Annotated[str, BeforeValidator(_minutes)] | None = Field(
        None,
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$",
        description="Time of the next day by which a day is there.",
    )
    zone: str = Field("UTC", description="Time zone of ``fresh``, such as Europe/Berlin.")


class AlertsEntry(Model):
    """How much the owner is told."""

    budget: int | None = Field(
        default=None, ge=0, le=1000, description="Tickets a week, beyond which a digest."
    )
    quiet: str | None = Field(default=None, description="Hours without tickets, local time: 22:00-07:00.")
    cooldown: str | None = Field(
        default=None, description="How soon a cause must be back to be the old one: 1d."
    )


class MassChangeEntry(Model):
    """How much of a PostgreSQL table may go or change at once, where rules are installed in it."""

    share: Annotated[Any, WithJsonSchema({"type": ["string", "number", "boolean"]})] = Field(
        "20%", description="Of the table's rows, such as 20% or 0.2; false: all."
    )
    window: str = Field("1d", description="Time over which transactions count together, such as 1d or 6h.")
    rows: int = Field(100, ge=0, le=10**12, description="Fewer rows are never refused.")
    updates: bool = Field(True, description="Whether changed rows count, or only those that go.")
    keep: str | None = Field(
        None, description="How long deleted rows are kept, such as 30d; not at all without."
    )


def _mass_change(value: Any) -> Any:
    """A share alone, or yes for all as it would be anyway."""
    if value is True:
        return {}
    return {"share": value} if isinstance(value, str | float | int) else value


MassChangeOption = Annotated[MassChangeEntry | None, BeforeValidator(_mass_change)]


def _entry(value: Any) -> Any:
    return {"sql": value} if isinstance(value, str) else value


class TableEntry(Model):
    """One table."""

    partition: str | None = None
    key: Texts = []
    owner: str | None = None
    sensitive: Texts = []
    segments: Texts = []
    attach: str | None = None
    postgres: str | None = Field(
        default=None,
        min_length=1,
        description="A table of the workspace's PostgreSQL database that it is published to.",
    )
    source: str | None = Field(
        default=None, min_length=1, description="What feeds it, such as crm; its tables break together."
    )
    allow_samples: bool = False
    on_violation: Literal["refuse", "quarantine"] = Field(
        default="refuse",
        description="What rules in PostgreSQL do: refuse the statement, or keep loaded rows out.",
    )
    at_commit: bool | list[str] = Field(
        default=False,
        description="Constraints about a partition that PostgreSQL judges at commit: true, or their names.",
    )
    enforce: bool | list[str] = False
    slo: SloEntry | None = None
    sensitivity: Literal["low", "normal", "high"] | FalseAlarms | None = None
    constraints: Annotated[
        list[Annotated[ConstraintEntry, BeforeValidator(_entry)]], BeforeValidator(_empty_list)
    ] = []
    triggers: Annotated[list[TriggerEntry], BeforeValidator(_empty_list)] = []
    alerts: Annotated[AlertsEntry, BeforeValidator(_empty_mapping)] = AlertsEntry()
    mass_change: MassChangeOption = Field(
        default=None, description="How much may go or change at once; false: anything."
    )


class ModelEntry(Model):
    """A model that reads tables; what it is and does stays where it is."""

    reads: Texts = Field(default=[], description="Columns it reads, as table.column.")
    writes: str | None = Field(default=None, description="Table of its predictions.")
    importance: dict[str, Annotated[float, Field(ge=0, strict=False, allow_inf_nan=False)]] = Field(
        default={}, description="A weight for each column it reads; all alike without."
    )


class ContractFile(Model):
    """An Interlock contract."""

    version: Literal[1]
    models: Annotated[dict[str, ModelEntry], BeforeValidator(_empty_mapping)] = {}
    tables: Annotated[dict[str, TableEntry | None], BeforeValidator(_empty_mapping)] = {}
    notify: Texts = []
    mass_change: MassChangeOption = Field(default=None, description="For every table that says nothing else.")


def json_schema() -> dict[str, Any]:
    """JSON Schema of the contract, for editors."""
    schema = ContractFile.model_json_schema()
    items = schema["$defs"]["TableEntry"]["properties"]["constraints"]
    items["items"] = {"anyOf": [{"type": "string"}, items["items"]]}
    for options in (schema["properties"], schema["$defs"]["TableEntry"]["properties"]):
        options["mass_change"]["anyOf"].append({"type": ["string", "number", "boolean"]})
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema
