# Jingwei (经纬). Needs make, git and python3 >= 3.11 (Debian/Ubuntu: also python3-venv); the rest comes by itself.
#
# Where things go: the environment is .venv beside this file. When the checkout is read-only it is
# $XDG_CACHE_HOME/jingwei/<checksum of the path> (default ~/.cache); JINGWEI_VENV=/some/folder names another place.
# JINGWEI_PYTHON names the Python to use. Caches of the tools live inside the environment, so nothing is
# ever written into a read-only checkout.
#
# Tests: JINGWEI_TEST_DATABASE_URL=postgresql://… runs them against that server instead of the embedded one
# (`make test`, or `make test-server`: what tests/servers/differing.toml lists). JINGWEI_TEST_S3=required makes a
# missing S3 server a failure, JINGWEI_TEST_NODE=required missing node and npm (audits of GraphQL over HTTP),
# JINGWEI_TEST_WHEELS=required missing libraries for fresh environments (SDK, stranger's plugin); PYTEST_ARGS adds
# options.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help

ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
CACHED := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/jingwei/$(firstword $(shell printf %s '$(ROOT)' | cksum))
# A read-only mount is not writable for root either; a folder without the w bit is, for root.
VENV := $(or $(JINGWEI_VENV),$(shell test -w '$(ROOT)' && echo '$(ROOT)/.venv' || echo '$(CACHED)'))
BIN := $(VENV)/bin
READY := $(VENV)/.jingwei-ready
CACHE := $(VENV)/cache

PACKAGES := sdk/jingwei_sdk core/jingwei_core frontend_api/jingwei_api plugins/safety_production/jingwei_safety_production
PYPROJECTS := pyproject.toml $(wildcard */pyproject.toml plugins/*/pyproject.toml)
WORKERS ?= 2

export RUFF_CACHE_DIR := $(CACHE)/ruff
export MYPY_CACHE_DIR := $(CACHE)/mypy
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
PYTEST := $(BIN)/python -m pytest -o cache_dir=$(CACHE)/pytest
# A file stays with one worker; in the order of tests/conftest.py, which begins with the longest.
SHARED := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup python demo demo-walk test test-server test-oracle test-faults check rooms schema bench lint types format lock lock-check clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(lastword $(MAKEFILE_LIST))

setup: $(READY) ## lay the environment from uv.lock (every other target does it when needed)

$(READY): uv.lock $(PYPROJECTS) .ci/setup .ci/lock.py .ci/uv.txt
	@.ci/setup '$(VENV)'

# For scripts: the Python of the environment.
python: $(READY)
	@echo '$(BIN)/python'

demo: $(READY) ## start the platform with two real cities, and say where it is
	@$(BIN)/jingwei demo up

demo-walk: $(READY) ## play one event through its whole life over HTTP
	@$(BIN)/jingwei demo walk --start

test: $(READY) ## the whole test-suite, on the embedded server unless told otherwise
	$(PYTEST) $(SHARED) $(PYTEST_ARGS)

test-server: $(READY) ## what may differ from server to server: JINGWEI_TEST_DATABASE_URL names another one
	@paths=$$($(BIN)/python -m tests.servers.differing) && set -x && \
	  $(PYTEST) $(SHARED) $$paths $(PYTEST_ARGS)

CASES ?= 3000
SEED := $(or $(SEED),$(shell date +%s))

test-oracle: $(READY) ## CASES random operations against the plain executor; SEED makes them the same again
	@echo 'CASES=$(CASES) SEED=$(SEED)'
	JINGWEI_TEST_ORACLE_CASES=$(CASES) JINGWEI_TEST_ORACLE_SEED=$(SEED) \
	  $(PYTEST) -q -p no:xdist tests/oracle/test_equality.py --timeout=0 --hypothesis-seed=$(SEED) $(PYTEST_ARGS)

test-faults: $(READY) ## cut the power at every moment of every command; the suite tries all of events, some of the others
	JINGWEI_TEST_FAULTS_ALL=1 $(PYTEST) -q -p no:xdist tests/faults --timeout=0 $(PYTEST_ARGS)

check: lint types rooms schema lock-check ## formatting, lint, types, rooms, schema, lock: what has to hold before a commit

lint: $(READY) ## formatting and lint rules, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY) ## mypy --strict over each distribution
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/mypy tests/policy tests/servers .ci/lock.py

rooms: $(READY) ## import rooms and the house rules
	$(PYTEST) -q -p no:xdist tests/policy

schema: $(READY) ## the committed GraphQL schema is the one the code makes
	$(BIN)/jingwei schema --check

lock: $(READY) ## resolve again after a pyproject changed; keeps locked versions and names no host
	@$(BIN)/python .ci/lock.py update

lock-check: $(READY) ## uv.lock fits the pyprojects and names no host
	@$(BIN)/python .ci/lock.py check

bench: $(READY) ## measure, and write down what was measured
	$(BIN)/python -m tests.bench $(BENCH_ARGS)

format: $(READY) ## format the code and mend what lint can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

clean: ## remove the environment and caches (never the data folder)
	rm -rf -- '$(VENV)'
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
