# The words that people and CI both use. `make demo` and `make test` do all the set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUITE_READY := $(VENV)/.suite-ready
READY := $(VENV)/.ready
TESTS ?= tests
PYTEST_ARGS ?=

.PHONY: help setup demo test check docs bench soak lock clean

help:
	@echo "make demo    run the reference suite with behave and build its report"
	@echo "make test    run avow's own tests"
	@echo "make check   ruff, mypy, import-linter, generated docs up to date"
	@echo "make docs    write the generated pages of docs/reference"
	@echo "make bench   measure, side by side; writes benches/RESULTS.md"
	@echo "make soak    the long tests: repetitions and kills"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "avow needs Python 3.11 or newer; this is %s. Say which one: make PYTHON=python3.12 ..." % sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV) || { echo "python3 cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(SUITE_READY): $(BIN)/python requirements/suite.txt pyproject.toml
	@echo "Setting up $(VENV) (the first time takes a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/suite.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(READY): $(SUITE_READY) requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@

setup: $(READY)

demo: $(SUITE_READY)
	@$(BIN)/behave; code=$$?; $(BIN)/avow report ; exit $$code

test: $(READY)
	$(BIN)/pytest $(TESTS) $(PYTEST_ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

docs: $(READY)
	$(BIN)/python docs/generate.py

bench: $(READY)
	$(BIN)/python -m benches

soak: $(READY)
	AVOW_SOAK=1 $(BIN)/pytest $(TESTS) -m soak $(PYTEST_ARGS)

lock:
	$(PYTHON) requirements/lock.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
	find reports -mindepth 1 ! -name .gitignore -delete
