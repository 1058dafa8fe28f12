# Needs Python >= 3.11 with pip, git and make; everything else is installed into this folder.
# `make test PYTHON=python3.12` uses another Python and an environment of its own.

PYTHON  ?= python3
VENV    ?= .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
WORKERS ?= 2

BIN := $(VENV)/bin
UV  := .tools/bin/uv

# The machine's own Python and certificates, whatever else is configured for uv.
export UV_PYTHON_DOWNLOADS := never
export UV_NO_CONFIG := 1
export UV_SYSTEM_CERTS := 1
export UV_NO_PROGRESS := 1
export PATH := $(CURDIR)/.tools/bin:$(PATH)
# What is imported is compiled once, not by each of the many processes of the tests.
unexport PYTHONPATH VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test bench docs lint format lock clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(BIN)/.base ## a year of real flights through the write gate
	$(BIN)/interlock demo

test: lint ## lint and every test, on two workers (ARGS='-k ledger' for some)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

bench: $(BIN)/.dev ## the benchmarks, against peers in environments of their own
	$(BIN)/python -m benchmarks.profile
	$(BIN)/python -m benchmarks.alerts

docs: $(BIN)/.dev ## write docs/reference from the code
	$(BIN)/python docs/generate.py

lint: $(BIN)/.dev ## ruff, mypy --strict and the layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(BIN)/.dev ## let ruff lay out the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(UV) ## take the newest versions pyproject.toml allows
	requirements/lock $(UV)

clean: ## remove everything made here
	rm -rf .venv .venv-* .tools tests/.envs .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build
	find src tests docs benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environments: each stamp is younger than the lock it was made from ---------------

$(UV): requirements/tools.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	rm -rf .tools
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-warn-script-location --root-user-action ignore \
	  --require-hashes --only-binary :all: --target .tools -r requirements/tools.lock
	@touch $@

$(BIN)/python: | $(UV)
	$(UV) venv --quiet --no-project --python $(PYTHON) $(VENV)

$(BIN)/.base: requirements/base.lock requirements/build.lock pyproject.toml | $(BIN)/python
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/base.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --build-constraints requirements/build.lock -e .
	@touch $@

$(BIN)/.dev: requirements/dev.lock $(BIN)/.base
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@touch $@
