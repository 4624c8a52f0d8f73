# The two commands of a newcomer are `make up` and `make test`; both set up what they need.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell cat requirements.lock pyproject.toml 2>/dev/null | sha256sum | cut -c1-16)

export PULUMI_CONFIG_PASSPHRASE ?= local-development
# Tests start `caraml` hundreds of times: without bytecode each start would compile what has changed anew.
export PYTHONDONTWRITEBYTECODE :=
CARAML := $(BIN)/caraml
# Tests wait for servers as much as they compute: one worker more than there are cores keeps these busy.
WORKERS ?= 3

.PHONY: help up down test unit lint format docs bench record-upgrade lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(READY)  ## deploy the sample platform to a local control plane (set up first, if need be)
	@tools/step "local control plane" $(CARAML) cluster up
	@KUBECONFIG=$$($(CARAML) cluster kubeconfig) $(CARAML) up --stack dev --refresh --yes \
	 --policy-pack policies --policy-pack-config policies/profiles/dev.json
	@echo; KUBECONFIG=$$($(CARAML) cluster kubeconfig) $(CARAML) status --stack dev
	@echo; $(CARAML) history --stack dev
	@echo; echo "Look around:  export KUBECONFIG=$$($(CARAML) cluster kubeconfig)"; \
	 echo "              kubectl get ksvc,deployments,virtualservices --all-namespaces"; \
	 echo "Clean up:     make down"

down: $(READY)  ## destroy the sample platform and end the local control plane
	@$(CARAML) cluster status >/dev/null 2>&1 && \
	 KUBECONFIG=$$($(CARAML) cluster kubeconfig) $(CARAML) destroy --stack dev --yes || true
	@$(CARAML) cluster down --yes

test: lint $(READY)  ## every check: style, types, layers, unit tests, end-to-end tests on real servers
	@tools/step "local control plane" $(CARAML) cluster build
	@tools/step "Prometheus and nginx" $(BIN)/python -m tools.debian
	@tools/step "tests" $(BIN)/pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder $(PYTEST_ARGS)

unit: $(READY)  ## the tests that need no server
	@$(BIN)/pytest -q -m "not e2e" tests/unit

lint: $(READY)  ## ruff, mypy --strict, import-linter, tables of the docs
	@tools/step "ruff" $(BIN)/ruff check .
	@tools/step "format" $(BIN)/ruff format --check .
	@tools/step "mypy" $(BIN)/mypy
	@tools/step "layers" $(BIN)/lint-imports
	@tools/step "docs" $(BIN)/python -m tools.component_docs --check
	@tools/step "policies" $(BIN)/python -m tools.policy_docs --check
	@tools/step "schemas" $(BIN)/python -m tools.schema_docs --check
	@tools/step "schema" $(BIN)/python -m tools.component_schema --check

format: $(READY)  ## format the code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

docs: $(READY)  ## write the tables of docs/components and the pages of docs/policies from the code
	@$(BIN)/python -m tools.component_docs
	@$(BIN)/python -m tools.policy_docs
	@$(BIN)/python -m tools.component_schema
	@$(BIN)/python -m tools.schema_docs

bench: $(READY)  ## measure: ratios in one run on the same work
	@$(BIN)/python -m bench

record-upgrade: $(READY)  ## keep what this version leaves in the state of stacks, before it is released
	@$(BIN)/caraml cluster up --with s3
	@$(BIN)/python -m tools.record_upgrade

lock: $(READY)  ## resolve the dependencies anew into requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	 --no-emit-index-url --no-emit-find-links --no-header --upgrade -q -o requirements.lock

$(READY): requirements.lock pyproject.toml
	@tools/setup "$(PYTHON)" "$(VENV)" "$@"
