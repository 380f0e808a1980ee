# Everything here works in a fresh clone with Python 3.11 or newer and nothing else.

VENV ?= .venv
# The first interpreter that is new enough; PYTHON=… chooses another.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
# As it was typed: spaces, quotes and dollar signs reach the shell through the environment, never through make.
export RUN_FOLDER := $(value FOLDER)
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
PROJECT = setup.cfg pyproject.toml
SECONDS ?= 3600
SEEDS ?= 0-19999
CLIENTS ?= 200
PLATFORMS = linux darwin win32

.DEFAULT_GOAL := help
.PHONY: help install run test sim browser web lint type docs man bench hostile-mutants fuzz faults soak load tools clean
.DELETE_ON_ERROR:

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(VENV)/.server-installed  ## make the environment .venv with mega and mega-server in it

run: install  ## store a folder on a server of your own and prove it: make run FOLDER=~/Documents
	@"$(BIN)/mega" quickstart -- $${RUN_FOLDER:+"$$RUN_FOLDER"}

test: lint type  ## everything: lint, types, tests, documents
	@"$(BIN)/python" -m pytest -n 2 --dist loadfile

sim: $(VENV)/.dev-installed  ## simulate sync: make sim SEEDS=0-19999; the planner's properties in 10,000 cases, every crash
	@"$(BIN)/python" -m tests.simulator $(SEEDS)
	@MEGA_PROPERTY_CASES=10000 "$(BIN)/python" -m pytest -q -n auto tests/property/reconcile
	@MEGA_EVERY_CRASH=1 "$(BIN)/python" -m pytest -q -n auto tests/simulator/test_scenarios_crashes.py
	@"$(BIN)/python" -m tests.simulator.test_crash_points

browser: $(VENV)/.dev-installed  ## the page of a link in Chromium, with 300 MB and a film of 100 MB; pictures in artifacts
	@MEGA_BROWSER_FULL=1 "$(BIN)/python" -m pytest -q -rP tests/browser

web: $(VENV)/.dev-installed  ## fetch the page's libraries from npm again, pinned and hashed, and write its MANIFEST
	@"$(BIN)/python" -m tests.kit.make_web

lint: $(VENV)/.dev-installed  ## ruff: rules and format
	@"$(BIN)/ruff" check --quiet --output-format concise
	@"$(BIN)/ruff" format --check --quiet

type: $(VENV)/.dev-installed  ## mypy, strict, for each platform
	@for platform in $(PLATFORMS); do \
		"$(BIN)/mypy" --platform $$platform --cache-dir .mypy_cache/$$platform || exit; \
	done

docs: man  ## write the generated documents again, the man pages too
	@"$(BIN)/python" -m tests.house.make_docs

man: $(VENV)/.dev-installed  ## write the man pages from the help
	@"$(BIN)/python" -m tests.house.make_man

bench: $(VENV)/.dev-installed  ## measure against restic, borg and rclone, as far as they are installed
	@"$(BIN)/python" -m tests.bench
	@"$(BIN)/python" -m tests.bench.sync
	@"$(BIN)/python" -m tests.bench.daemon

hostile-mutants: $(VENV)/.dev-installed  ## switch off each check of the client in turn and see a hostile test fail
	@"$(BIN)/python" -m tests.hostile.mutants

fuzz: $(VENV)/.dev-installed  ## feed every parser hostile bytes: make fuzz SECONDS=3600; what it finds stays in .fuzz
	@$(PIP) atheris 2>/dev/null || echo "atheris cannot be installed here: hypothesis draws the inputs, without guidance" >&2
	@"$(BIN)/python" -m tests.fuzz $(SECONDS)

faults: $(VENV)/.dev-installed  ## hit every call of every command on either side, cut the power in more ways, carry 5 GiB: hours
	@FAULTS_SEEDS=20 FAULTS_SPARSE_MIB=5120 "$(BIN)/python" -m pytest -q tests/faults
	@"$(BIN)/python" -m tests.faults.sweep

soak: $(VENV)/.dev-installed  ## daemons and runs of sync on real folders, all at odds, half the time each: make soak SECONDS=3600
	@"$(BIN)/python" -m tests.e2e.soak_daemon --seconds $$(($(SECONDS) / 2)) --seed $$(date +%s)
	@"$(BIN)/python" -m tests.e2e.soak_sync --seconds $$(($(SECONDS) / 2)) --seed $$(date +%s)

load: $(VENV)/.dev-installed  ## many clients at once on one server: make load CLIENTS=200
	@"$(BIN)/python" -m tests.faults.load --clients $(CLIENTS)

tools:  ## install the Debian packages that tests need (chromium), and those that the benchmark compares with
	@echo "installing chromium, restic, borgbackup, rclone, unison and syncthing with apt-get"
	@$$(test "$$(id -u)" = 0 || echo sudo) apt-get install --yes --no-install-recommends chromium restic borgbackup rclone unison syncthing

clean:  ## delete the environment and every cache of this folder; accounts and their data stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.server-installed: $(PROJECT) | $(BIN)/python
	@echo "installing mega and mega-server in $(VENV)" >&2
	@$(PIP) --editable '.[server]'
	@touch $@

$(VENV)/.dev-installed: $(PROJECT) | $(BIN)/python
	@echo "installing mega and what its tests need in $(VENV)" >&2
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.server-installed

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "mega needs Python 3.11 or newer; on Debian: sudo apt install python3 python3-venv" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make environments; on Debian: sudo apt install python3-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear "$(VENV)"
