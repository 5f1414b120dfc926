# make demo   install into .venv and show everything at work
# make test   install what the tests need and run every check
# make fast   read the code and run the quick tests, in less than a minute
# make bench  measure against peers
# make validation  simulate known traffic, and count how often the intervals hold it
# make kill-matrix ROUNDS=500   kill collector and service at any step, and compare totals
# make search  run the tests that draw their own inputs with inputs drawn anew
# make fuzz   mutate export datagrams for FUZZ_SECONDS, led by what of the decoder they reach
# make format  write the code as the formatter wants it, and mend what ruff can mend
# make hooks   have git run `make check` before each commit
# make coverage   run every test, and tell of each room which lines none of them runs (TESTS=tests/reference: of some)
# make release VERSION=1.2.0   number the changelog, write the version, commit and tag; nothing is pushed
# make lock   write requirements/ anew, for what pyproject.toml asks now; make upgrade raises every version

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Real exporters and collectors that tests use where they are installed.
DEBIAN_PACKAGES := softflowd nfdump nginx curl tcpdump
# Those that build and boot what operators install, by a command that each brings.
DEBIAN_TOOLS := dpkg-buildpackage:dpkg-dev dh:debhelper fakeroot:fakeroot systemd-nspawn:systemd-container

.DEFAULT_GOAL := help
ROUNDS ?= 500
.PHONY: help demo test check fast format hooks release coverage pytest search kill-matrix debian bench validation fuzz lock upgrade picture clean

help:
	@sed -n 's/^# make /make /p' Makefile

demo: $(VENV)/installed
	@$(BIN)/caudal demo

test: check pytest

check: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

hooks: $(VENV)/installed-test
	$(BIN)/pre-commit install

TESTS ?= tests

# Tests that fail are no reason to tell nothing of what they ran; but the command fails in the end.
coverage: $(VENV)/installed-test
	rm -rf .coverage && mkdir .coverage
	CAUDAL_ROOT='$(CURDIR)' $(BIN)/python -m coverage run -m pytest $(TESTS); failed=$$?; \
	CAUDAL_ROOT='$(CURDIR)' $(BIN)/python -m coverage combine --quiet && $(BIN)/python -m project.coverage; \
	exit $$failed

release: check
	$(BIN)/python -m project.release $(VERSION)

# Files stay together, since what many of their tests share is made once a file; conftest.py orders them.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

pytest: $(VENV)/installed-test debian
	$(PYTEST) tests

# Which they are is found by what their files name: tests/support/quick.py.
fast: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PYTEST) --quick tests

# The other tests draw the same inputs every time, so that whether they pass depends on the code alone.
search: $(VENV)/installed-test
	CAUDAL_HYPOTHESIS=search $(BIN)/python -m pytest -m hypothesis tests

kill-matrix: $(VENV)/installed-test
	CAUDAL_KILL_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest tests/test_kill_matrix.py

bench: $(VENV)/installed-test
	$(BIN)/python -m bench

validation: $(VENV)/installed-test
	$(BIN)/python -m bench.validation --write docs/validation.md

FUZZ_SECONDS ?= 300

# Atheris is needed for nothing else, and has wheels for some versions of Python only. It takes about 8 KB a run
# itself; what the decoder takes is bounded by what the harness asserts.
fuzz: $(VENV)/installed-test
	$(PIP) install 'atheris>=3'
	$(BIN)/python -m fuzz -max_total_time=$(FUZZ_SECONDS) -timeout=10 -max_len=6000 -rss_limit_mb=6144 \
		-artifact_prefix=.fuzz/ .fuzz

picture: $(VENV)/installed
	$(BIN)/caudal demo --once --picture docs/demo.svg

# What is pinned stays pinned: `make upgrade` raises it. The largest set is locked first, and the others follow it.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
	--custom-compile-command 'make lock'

lock: $(VENV)/installed-test
	$(LOCK) $(UPGRADE) --extra test --group build --output-file requirements/test.txt pyproject.toml
	$(LOCK) --constraint requirements/test.txt --extra service --output-file requirements/service.txt pyproject.toml
	$(LOCK) --constraint requirements/test.txt --output-file requirements/collector.txt pyproject.toml
	$(LOCK) --constraint requirements/test.txt --group build --output-file requirements/build.txt

upgrade:
	@$(MAKE) --no-print-directory lock UPGRADE=--upgrade

debian:
	@for package in $(DEBIAN_PACKAGES); do PATH="$$PATH:/usr/sbin" command -v $$package >/dev/null || missing="$$missing $$package"; done; \
	for tool in $(DEBIAN_TOOLS); do command -v $${tool%:*} >/dev/null || missing="$$missing $${tool#*:}"; done; \
	[ -z "$$missing" ] || { $(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install -qq -y $$missing; } \
		|| echo "could not install$$missing: the tests that need it will say that they are skipped"

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Caudal needs Python 3.11 or newer; say which with make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { $(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install -qq -y python3-venv; }
	$(PYTHON) -m venv $(VENV)

# Wheels are the very files whose hashes are written down. A folder has no hash: what is in it is installed by itself.
$(VENV)/installed: $(VENV)/bin/pip pyproject.toml hatch_build.py requirements/build.txt requirements/service.txt
	@echo "installing into $(VENV) (about 400 MB of wheels the first time)"
	@$(PIP) install --require-hashes --requirement requirements/build.txt --requirement requirements/service.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed requirements/test.txt
	@$(PIP) install --require-hashes --requirement requirements/test.txt
	@touch $@

clean:
	rm -rf $(VENV) dist build .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
