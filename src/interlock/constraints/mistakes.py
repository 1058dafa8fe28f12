"""What is wrong with a contract file: each mistake with its place and the nearest word that is known."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from interlock.constraints import yaml_file
from interlock.constraints.contract_shape import (
    AlertsEntry,
    ConstraintEntry,
    ContractFile,
    Fresh,
    InSet,
    Matches,
    Model,
    ModelEntry,
    References,
    RepairEntry,
    SloEntry,
    TableEntry,
    TriggerEntry,
)
from interlock.errors import ContractError, nearest

_ERRORS_SHOWN = 10


def validated(document: CommentedMap, filename: str) -> ContractFile:
    """The file's shape. Raises `ContractError` that names every mistake."""
    try:
        return ContractFile.model_validate(yaml_file.plain(document))
    except ValidationError as error:
        found = sorted(
            error.errors(include_url=False), key=lambda e: e["type"] == "missing"
        )  # a typo explains it
        seen = dict.fromkeys(_mistake(document, filename, dict(e)) for e in found)
        lines = list(seen)[:_ERRORS_SHOWN]
        if len(seen) > _ERRORS_SHOWN:
            lines.append(f"{filename}: and {len(seen) - _ERRORS_SHOWN} more")
        raise ContractError("\n".join(lines)) from None


def _mistake(document: CommentedMap, filename: str, error: dict[str, Any]) -> str:
    unknown = error["type"] == "extra_forbidden"
    missing = error["type"] == "missing"
    path = _path_in(document, error["loc"]) + ([error["loc"][-1]] if missing else [])
    at = yaml_file.mark(document, path[:-1] if missing else path, key=unknown)
    where = yaml_file.place(filename, *at)
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    if unknown:
        known = list(_model_at(path[:-1]).model_fields)
        close = nearest(name, known)
        return f"{where}: unknown key {name!r}; {close or 'known: ' + ', '.join(known)}"
    if missing:
        return f"{where}: {name!r} is missing"
    return f"{where}: {_in_words(error, name)}"


def _in_words(error: dict[str, Any], name: str) -> str:
    subject = f"{name!r}: " if name else ""
    if error["type"] == "literal_error":
        expected = str(error["ctx"]["expected"]).replace("'", "")
        if not isinstance(error["input"], str):
            return f"{subject}must be {expected}, not {_shown(error['input'])}"
        close = nearest(str(error["input"]), [w.strip() for w in expected.replace(" or ", ",").split(",")])
        return f"{subject}{error['input']!r} is not one of {expected}" + (f"; {close}" if close else "")
    if error["type"] == "too_short":
        return f"{subject}must not be empty"
    words = str(error["msg"]).replace("Input should be", "must be").replace("dictionary", "mapping")
    words = re.sub(r" or instance of \w+", "", words.replace("a valid ", "a "))
    return f"{subject}{words[0].lower()}{words[1:]}, not {_shown(error['input'])}"


def _shown(value: Any) -> str:
    return {dict: "a mapping", list: "a list", type(None): "nothing"}.get(type(value)) or repr(value)[:60]


def _path_in(document: CommentedMap, location: tuple[Any, ...]) -> list[Any]:
    """A pydantic location without the parts that name alternatives of a union."""
    path: list[Any] = []
    node: Any = document
    for step in location:
        if (isinstance(node, CommentedMap) and step in node) or (
            isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node)
        ):
            path.append(step)
            node = node[step]
    return path


_MODELS: dict[str, type[Model]] = {
    "constraints": ConstraintEntry,
    "triggers": TriggerEntry,
    "tables": TableEntry,
    "repair": RepairEntry,
    "slo": SloEntry,
    "alerts": AlertsEntry,
    "in_set": InSet,
    "references": References,
    "matches": Matches,
    "fresh": Fresh,
}


def _model_at(path: list[Any]) -> type[Model]:
    """Which part of the file a place belongs to: the last step that has a model."""
    for step in reversed(path[2:] if path[:1] == ["tables"] else path):
        if step in _MODELS:
            return _MODELS[step]
    if path[:1] == ["models"] and len(path) > 1:
        return ModelEntry
    return TableEntry if path[:1] == ["tables"] and len(path) > 1 else ContractFile
