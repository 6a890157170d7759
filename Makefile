# Each target sets up what it needs: `make demo` and `make test` work on a fresh clone.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help setup demo test soak lint format check schemas bench bench-full docs

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## .venv with the package, its extras and the development tools

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "reconciler needs Python 3.11 or newer as python3" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "python3 cannot make a .venv; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up .venv (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[emulator,s3,salesforce,dask,dev]'
	@touch $@

demo: $(READY)  ## emulator, plan, apply, tamper, drift, heal: no account needed
	@$(BIN)/python -m reconciler.cli.demo

test: $(READY)  ## all tests that a fresh machine can run
	@$(BIN)/python -m pytest

lint: $(READY)  ## ruff, mypy, import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: $(READY)  ## rewrite in house format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

check: lint test  ## lint, types and tests: before each commit

schemas: $(READY)  ## schemas/policies/ and docs/policies.md from schemas/catalogue.yaml
	@$(BIN)/python schemas/generate.py && $(BIN)/python docs/policies.py

docs: $(READY)  ## the pictures of README and docs, from real runs
	@for page in policies pictures proof; do PYTHONPATH=. $(BIN)/python docs/$$page.py || exit 1; done

soak: $(READY)  ## the laws over many more worlds, and large estates
	@HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -m "soak or law"

MEASURED := .venv/.measured

$(MEASURED): $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

bench: $(MEASURED)  ## how fast it is, as ratios in one run (10 minutes)
	@$(BIN)/python -m benchmarks

bench-full: $(MEASURED)  ## the same at length, up to 100,000 APIs; writes docs/performance.md
	@$(BIN)/python -m benchmarks --full
