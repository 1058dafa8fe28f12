"""The story of the lite models without MLflow; with it: tests/integrations/inside/test_mlflow.py."""

from __future__ import annotations

from importlib import metadata

import pytest

from interlock.errors import ExtraMissing
from interlock.incidents import INCIDENTS


def test_without_mlflow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(ExtraMissing, match=r"pip install 'interlock\[mlflow\]' mlflow"):
        INCIDENTS["lite-models"].run()
