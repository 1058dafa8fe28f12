"""SQL trees as text for Spark."""

from __future__ import annotations

from sqlglot import exp

_INFIX = (exp.Binary, exp.Connector)
_ENCLOSED = (
    *(exp.Column, exp.Literal, exp.Null, exp.Boolean, exp.Func, exp.Cast, exp.Case, exp.Paren, exp.Dot),
    exp.HexString,
)
_ENCLOSING = (
    *(exp.Func, exp.Case, exp.If, exp.Cast, exp.Select, exp.Alias, exp.Distinct, exp.Paren, exp.Lambda),
    *(exp.Where, exp.Having),
)


def text_of(tree: exp.Expression) -> str:
    """``tree``, which is left as it is, without the brackets that say nothing.

    Spark's parser reads to the end of each bracket before it knows what it is:
    in trees that were written with one around every part that takes seconds.
    """
    return _bare(tree.copy()).sql("spark")


def _bare(tree: exp.Expression) -> exp.Expression:
    for bracket in list(tree.find_all(exp.Paren)):
        inner = bracket.this
        if not _stands_alone(inner) and not _encloses(bracket.parent):
            continue
        if bracket is tree:
            tree = inner.pop()
        else:
            bracket.replace(inner)
    return tree


def _stands_alone(tree: exp.Expression) -> bool:
    return isinstance(tree, _ENCLOSED) and (not isinstance(tree, _INFIX) or isinstance(tree, exp.Dot))


def _encloses(tree: exp.Expression | None) -> bool:
    return isinstance(tree, _ENCLOSING) and not isinstance(tree, _INFIX)
