# Every verb works from a fresh clone with Python 3.11 or later and nothing else prepared.
# The first Python on the path that is recent enough; PYTHON=/path/to/python3 chooses another.
PYTHON ?= $(shell for name in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
VENV := .venv
# Trust the certificates that the system trusts, as pip does: networks with a proxy of their own need it.
export UV_SYSTEM_CERTS ?= 1
BIN := $(VENV)/bin
FOLDER ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow coverage lint bench docs build

help: ## Show these verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# uv resolves and installs from the lock file; where the machine has none, a private one is put into the environment.
$(VENV)/.ready: pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; give one with PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v uv >/dev/null || test -x $(BIN)/uv || \
		{ $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	@PATH="$(PATH):$(CURDIR)/$(BIN)" uv sync --frozen --quiet --inexact --python $(BIN)/python
	@touch $@

demo: $(VENV)/.ready ## Ask the three tools about a small set of pictures (FOLDER=~/Pictures: about your own)
	@$(BIN)/python -m demo $(if $(FOLDER),"$(FOLDER)")

test: $(VENV)/.ready ## Run the test suite
	@$(BIN)/python -m pytest -q -m "not slow"

test-slow: $(VENV)/.ready ## Run the test suite with ten times as many random cases, and its long parts
	@$(BIN)/python -m pytest -q --hypothesis-profile=thorough

coverage: $(VENV)/.ready ## Run the test suite and show what it does not reach, by branch (child processes not counted)
	@$(BIN)/python -m coverage run -m pytest -q -m "not slow"
	@$(BIN)/python -m coverage combine --quiet && $(BIN)/python -m coverage report

lint: $(VENV)/.ready ## Check style, types and generated docs
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/basedpyright
	@$(BIN)/python -m docs.build --check

bench: $(VENV)/.ready ## Measure tokens, start-up, indexing, reading a server and its faults; prints a table each
	@$(BIN)/python -m benchmarks

docs: $(VENV)/.ready ## Rebuild the pages that are generated from the code
	@$(BIN)/python -m docs.build

build: $(VENV)/.ready ## Build the wheel and check that it works in an environment of its own
	@PATH="$(PATH):$(CURDIR)/$(BIN)" $(BIN)/python .ci/check_wheel.py
