# `make demo` and `make test` are all the set-up there is: each makes .venv and installs what it needs.
SHELL := /bin/bash
PYTHON ?= python3
# Other versions than the newest that were tested together, in an environment of their own:
# make test CONSTRAINTS=kit/constraints-kaggle.txt PYTHON=python3.12
CONSTRAINTS ?= kit/constraints.txt
VENV ?= .venv$(patsubst constraints%,%,$(basename $(notdir $(CONSTRAINTS))))
BIN := $(VENV)/bin
# A file of tests stays in one process, which starts TensorFlow once for all of it.
PROCESSES ?= 2
# Compiled tests and modules are kept: each process would compile all of them anew.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile

.PHONY: demo test test-all lint docs bench bench-any client-suite attack mutants clean

# Where the packages of the tests are installed, those of the demo are among them.
demo: $(or $(wildcard $(VENV)/installed),$(VENV)/installed-keras)
	$(BIN)/kit demo

test: lint
	$(PYTEST)

test-all: lint
	$(PYTEST) -m ""

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
# Types are those of the newest packages: older ones describe less than they have.
	$(if $(filter kit/constraints.txt,$(CONSTRAINTS)),$(BIN)/mypy)

# The website, into site/.
docs: $(or $(wildcard $(VENV)/installed),$(VENV)/installed-docs)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html, or, with search: python3 -m http.server -d site"

client-suite: $(VENV)/installed
	$(BIN)/python -m tests.client_suite

# Many made-up inputs for every door, and a kill at every step that writes: 20 minutes at most.
attack: $(VENV)/installed
	$(BIN)/python -m tests.attack

# A sample of small changes to files that numbers depend on; 85% of them must be noticed by the tests beside them.
mutants: $(VENV)/installed
	$(BIN)/python -m tests.mutants

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks

bench-any: $(VENV)/installed
	$(BIN)/python -m benchmarks.any

# uv where present, since it is quick; else pip. Both honour the constraints.
define install
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "kaggle-kit needs Python 3.11 or newer: make PYTHON=python3.11"'
	if command -v uv >/dev/null; then \
	    { test -d $(VENV) || uv venv --quiet --python $(PYTHON) $(VENV); } && \
	    uv pip install --quiet --compile-bytecode --python $(BIN)/python -c $(CONSTRAINTS) -e '.[$(1)]'; \
	else \
	    { test -d $(VENV) || $(PYTHON) -m venv $(VENV); } && \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[$(1)]'; \
	fi
	touch $@
endef

$(VENV)/installed: setup.cfg setup.py pyproject.toml $(CONSTRAINTS)
	$(call install,test)

$(VENV)/installed-keras: setup.cfg setup.py pyproject.toml $(CONSTRAINTS)
	$(call install,keras)

$(VENV)/installed-docs: setup.cfg setup.py pyproject.toml $(CONSTRAINTS)
	$(call install,docs)

clean:
	rm -rf .venv .venv-* build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache
