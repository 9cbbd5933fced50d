# `make demo` and `make test` are all the set-up there is: each makes .venv and installs what it needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS ?= test

.PHONY: demo test test-all lint bench client-suite clean

demo: $(VENV)/installed
	$(BIN)/kit demo

test: lint
	$(BIN)/python -m pytest

test-all: lint
	$(BIN)/python -m pytest -m ""

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

client-suite: $(VENV)/installed
	$(BIN)/python -m tests.client_suite

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks

# uv where present, since it is quick; else pip. Both honour constraints.txt.
$(VENV)/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "kaggle-kit needs Python 3.11 or newer: make PYTHON=python3.11"'
	if command -v uv >/dev/null; then \
	    { test -d $(VENV) || uv venv --quiet --python $(PYTHON) $(VENV); } && \
	    uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -e '.[$(EXTRAS)]'; \
	else \
	    { test -d $(VENV) || $(PYTHON) -m venv $(VENV); } && \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'; \
	fi
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
