# run · test · check · bench · lock. Every target makes what it needs; nothing has to be installed by hand but
# python3-venv, make and, for the tests, Node with npm (README).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test calendars check format words bench campaign model faults simulation hostile mutants audit picture pictures names lighthouse lock

PYTHON ?= python3
CASES ?= 50000
RUNS ?= 20000
MALFORMED ?= 5000
SEED ?=
VENV := .venv
BIN := $(VENV)/bin
MUTATION := $(VENV)/mutation
UV := env -u PIP_FIND_LINKS $(BIN)/uv
COMPILE := $(UV) pip compile --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --universal --quiet
INSTALL := $(UV) pip install --quiet --compile-bytecode --require-hashes --python $(BIN)/python
OURSELVES := $(UV) pip install --quiet --no-build-isolation --no-deps --python $(BIN)/python --editable .

help:
	@echo "make run        serve the demo on http://127.0.0.1:8000 (PORT=, HOST=, ARGS=--once)"
	@echo "make test       set up what the tests need, then check and run all of them"
	@echo "make calendars  the CalDAV connector against Cyrus, DAViCal and SOGo; as root on Debian 12 it installs them"
	@echo "make check      format, lint, types"
	@echo "make words      bring the catalogues of the page's words up to date, and say what is missing in them"
	@echo "make pictures   every state of the page, on a telephone and a wide screen, light and dark: docs/pages"
	@echo "make lighthouse what Lighthouse says of the page; performance below 95 or any other below 100 is a failure"
	@echo "make names      what a screen reader hears in every state of the page, for the tests to compare with"
	@echo "make bench      measure, as ratios to references in the same run"
	@echo "make campaign   look long for a wrong answer of the engine: 50,000 queries, every zone (CASES=)"
	@echo "make model      search every state of the booking's model with Spin"
	@echo "make faults     every crash point, full disks, kills, races and malformed requests, at length"
	@echo "make simulation 20,000 simulated runs (RUNS=), or one of them again (SEED=)"
	@echo "make hostile    5,000 malformed and mutated requests (MALFORMED=)"
	@echo "make mutants    plant every fault that mutmut knows in what books, one at a time; an hour"
	@echo "make audit      ask the Package Index for advisories about what is locked; before every release"
	@echo "make lock       resolve the dependencies again"

$(BIN)/uv: requirements/uv.txt
	@$(PYTHON) -m venv $(VENV) || { echo "error: Debian and Ubuntu need the package python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/runtime: $(BIN)/uv requirements/runtime.txt pyproject.toml
	@$(INSTALL) -r requirements/runtime.txt
	@$(OURSELVES)
	@touch $@

$(VENV)/dev: $(BIN)/uv requirements/dev.txt pyproject.toml
	@$(INSTALL) -r requirements/dev.txt
	@$(OURSELVES)
	@touch $@ $(VENV)/runtime

$(MUTATION)/ready: $(BIN)/uv requirements/dev.txt requirements/mutation.txt
	@$(BIN)/python -m venv --without-pip $(MUTATION)
	@$(UV) pip install --quiet --compile-bytecode --require-hashes --python $(MUTATION)/bin/python -r requirements/dev.txt -r requirements/mutation.txt
	@touch $@

run: $(VENV)/runtime
	@$(BIN)/slotlink demo $(ARGS)

check: $(VENV)/dev
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

format: $(VENV)/dev
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

# The page's words: what the sources say, into slotlink.pot and every catalogue. ADD=cs begins one.
words: $(VENV)/dev
	@$(BIN)/python -m translation $(addprefix --add ,$(ADD))

test: $(VENV)/dev
	@bash tests/set_up.sh
	@$(MAKE) --no-print-directory check
	@bash tests/in_memory.sh $(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# Real servers, each started by the tests in a folder of its own; what cannot be had is skipped loudly.
calendars: $(VENV)/dev
	@bash tests/servers/set_up.sh
	@SLOTLINK_SERVERS=1 $(BIN)/pytest tests/servers -rs --numprocesses 2 --dist loadfile $(ARGS)

bench: $(VENV)/dev
	@$(BIN)/python -m bench $(ARGS)

# What make test does with some thousands of queries and one year of clock changes, at length.
campaign: $(VENV)/dev
	@SLOTLINK_CAMPAIGN=1 SLOTLINK_CAMPAIGN_CASES=$(CASES) $(BIN)/pytest tests/unit/engine --timeout 0 --numprocesses 2 --dist worksteal $(ARGS)

model: $(VENV)/dev
	@$(BIN)/python -m model $(ARGS)

# What make test does at some places, chosen by a seed, everywhere. A failure says how to repeat it.
faults: $(VENV)/dev
	@SLOTLINK_FAULTS=long $(BIN)/pytest tests/faults --timeout 0 $(ARGS)

simulation: $(VENV)/dev
	@SLOTLINK_SIMULATION_RUNS=$(RUNS) SLOTLINK_SIMULATION_SEED=$(SEED) $(BIN)/pytest tests/simulation --timeout 0 --numprocesses 2 $(ARGS)

hostile: $(VENV)/dev
	@SLOTLINK_MALFORMED=$(MALFORMED) $(BIN)/pytest tests/faults/test_malformed.py --capture no --timeout 0 $(ARGS)

# Every fault that mutmut knows, one at a time, in what books (docs/mutation.md).
mutants: $(MUTATION)/ready
	@$(MUTATION)/bin/python -m mutation $(ARGS)

# Fails, too, where a package could not be asked about: behind a mirror without the Index's own API.
audit: $(BIN)/uv
	@$(UV) tool run pip-audit==2.10.1 --strict --disable-pip --require-hashes -r requirements/runtime.txt

# The picture of the page that the README shows, taken by the browser test.
picture: $(VENV)/dev
	@SLOTLINK_PICTURE=docs/page.png $(BIN)/pytest tests/browser -k books_a_slot_without_script

# Every state of the page, on a telephone and a wide screen, light and dark: one sheet each.
pictures: $(VENV)/dev
	@$(BIN)/python -m tests.browser.pictures docs/pages

# What Lighthouse says of the page; it comes from npm.
lighthouse: $(VENV)/dev
	@$(BIN)/python -m tests.browser.lighthouse

# What a screen reader hears in every state; read the difference.
names: $(VENV)/dev
	@SLOTLINK_NAMES=write $(BIN)/pytest tests/browser/test_states.py -k light

lock: $(BIN)/uv
	@$(COMPILE) requirements/uv.in -o requirements/uv.txt
	@$(COMPILE) pyproject.toml --group build -o requirements/runtime.txt
	@$(COMPILE) pyproject.toml --group build --group dev -o requirements/dev.txt
	@$(COMPILE) -c requirements/dev.txt requirements/mutation.in -o requirements/mutation.txt
	@$(BIN)/python requirements/sbom.py > requirements/sbom.json
	@cd tests/sdk && npm install --package-lock-only --ignore-scripts --silent
	@$(BIN)/python tests/sdk/strip_lock.py tests/sdk/package-lock.json
	@if grep -l '://' requirements/*.txt tests/sdk/package-lock.json; then echo "error: a lock file names a host" >&2; exit 1; fi
