# Two commands do everything on a fresh machine: `make demo` and `make test`. PYTHON=python3.12 names another Python.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
LOCKED := --require-hashes --only-binary :all:
WORKERS ?= 2

.PHONY: demo test check format lock kerberos wheel bench clean

demo: $(VENV)/.runtime
	$(BIN)/runbook lab demo

test: check
	$(BIN)/pytest -n $(WORKERS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check engine tests benchmarks requirements
	$(BIN)/ruff check engine tests benchmarks requirements
	$(BIN)/mypy engine
	$(BIN)/mypy --platform win32 engine
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff format engine tests benchmarks requirements
	$(BIN)/ruff check --fix engine tests benchmarks requirements

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/validate_start.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/driver.py

wheel: $(VENV)/.runtime
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

# Moves every pin to its newest allowed version.
lock: $(VENV)/.runtime
	$(PIP) install 'uv>=0.5'
	$(BIN)/python requirements/lock.py

# What the tests of Kerberos need: the system's part as root on Debian only, the Python part anywhere.
kerberos: $(VENV)/.dev
	@sh requirements/kerberos.sh $(BIN)/python

clean:
	rm -rf $(VENV) dist

$(BIN)/python:
	@sh requirements/environment.sh '$(PYTHON)' $(VENV)

# A stamp is newer than what it was made from, so that a second `make` starts at once.
$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "installing the locked packages into $(VENV)"
	@$(PIP) install $(LOCKED) -r requirements/runtime.txt || $(NOT_INSTALLED)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "installing the locked development packages into $(VENV)"
	@$(PIP) install $(LOCKED) -r requirements/dev.txt || $(NOT_INSTALLED)
	@touch $@

define NOT_INSTALLED
{ echo "error: the locked packages could not be installed; pip's own lines are above" >&2; \
  echo "  remedy: pip needs a package registry, which PIP_INDEX_URL may name, and Python 3.11 to 3.13 (make clean; make PYTHON=...)" >&2; \
  exit 1; }
endef
