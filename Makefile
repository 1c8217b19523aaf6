# run, test, lint, bench, screenshots, install. Needs make and Python 3.11 or later, nothing else.

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := run
.PHONY: run test lint bench screenshots install

run: install
	@exec $(BIN)/python manage.py portal

install: .venv/.installed

# What SQLite forgives, PostgreSQL may not: all but the slow ones run on both.
# The browser's driver keeps an event loop running: no asyncio tests beside it.
test: .venv/.installed-dev .venv-client/.installed
	$(PYTEST) -q -n 2 --dist loadfile -m "not portal and not browser"
	$(BIN)/python -m tests.postgres \
		$(PYTEST) -q -n 2 --dist loadfile -m "not portal and not browser"
	$(PYTEST) -q -n 2 --dist loadfile -m "portal and not browser"
	$(PYTEST) -q -m browser

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING

bench: .venv/.installed-dev
	$(BIN)/python -m bench.endpoint
	$(BIN)/python -m bench.fleet

screenshots: .venv/.installed-dev
	$(BIN)/python -m tests.browser.screenshots

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: Python 3.11 or later is needed (make PYTHON=…)" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.installed: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# The published client is a module named ocpplab, as our project package is: apart.
.venv-client/.installed:
	$(PYTHON) -m venv .venv-client
	.venv-client/bin/python -m pip install -q --disable-pip-version-check \
		ocpplab==0.2.2
	@touch $@
