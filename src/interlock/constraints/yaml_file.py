"""YAML as data with places: one document, no anchors, aliases or tags, bounded depth."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

from interlock import settings
from interlock.errors import ContractError

_HINTS = {
    "found character '\\t' that cannot start any token": "indent with spaces, not tabs",
    "mapping values are not allowed here": "put a text that holds ': ' in quotes",
}


def reader() -> YAML:
    """A parser that keeps comments, quotes and the order of keys."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml


def place(filename: str, line: int, column: int) -> str:
    """``file:line:column``, counted from 1."""
    return f"{filename}:{line + 1}:{column + 1}"


def load(text: str, filename: str) -> CommentedMap:
    """The document's mapping; `ContractError` names the place of what is wrong with it."""
    limit = settings.current().contract_length_max
    if len(text) > limit:
        raise ContractError(f"{filename}: {len(text):,} characters; {limit:,} is the most")
    try:
        _check_events(text, filename)
        document = reader().load(text)
    except MarkedYAMLError as error:
        raise _broken(error, filename) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise ContractError(f"{filename}: not readable as YAML: {str(error).splitlines()[0]}") from None
    if document is None:
        return CommentedMap()
    if not isinstance(document, CommentedMap):
        raise ContractError(f"{place(filename, 0, 0)}: a contract is a mapping with 'version' and 'tables'")
    return document


def _check_events(text: str, filename: str) -> None:
    depth, deepest = 0, settings.current().contract_depth_max
    for event in reader().parse(io.StringIO(text)):
        mark = event.start_mark
        where = place(filename, mark.line, mark.column)
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
            raise ContractError(
                f"{where}: anchors and aliases (& and *) are not used in a contract", hint="write it out"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise ContractError(f"{where}: tags ({tag}) are not used in a contract")
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        if depth > deepest:
            raise ContractError(f"{where}: nested deeper than {deepest} levels")


def _broken(error: MarkedYAMLError, filename: str) -> ContractError:
    mark = error.problem_mark or error.context_mark
    where = place(filename, mark.line, mark.column) if mark else filename
    problem = (error.problem or str(error)).splitlines()[0]
    if "duplicate key" in problem:
        problem = problem.split(" with value")[0]
    return ContractError(f"{where}: {problem}", hint=_HINTS.get(problem))


def plain(node: Any) -> Any:
    """A document's values without its comments and places."""
    if isinstance(node, CommentedMap):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [plain(value) for value in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (str, int, float):
        if isinstance(node, kind):
            return kind(node)
    return node


def mark(document: CommentedMap, path: Sequence[str | int], *, key: bool = False) -> tuple[int, int]:
    """Line and column (from 0) of the value at ``path``, or of its key; of the nearest parent where it is absent."""
    node: Any = document
    found = (0, 0)
    for depth, step in enumerate(path):
        last = depth == len(path) - 1
        try:
            if isinstance(node, CommentedMap):
                found = node.lc.key(step) if key and last else node.lc.value(step)
            elif isinstance(node, CommentedSeq):
                found = node.lc.item(step)
            else:
                break
            node = node[step]
        except (KeyError, IndexError, TypeError):
            break
    return int(found[0]), int(found[1])
