# The commands that a contributor types are the commands that CI runs.
.DEFAULT_GOAL := help
.PHONY: help setup fix check test package demo bench soak soak-cluster power mutants schemas pictures clean

VENV := .venv
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := $(VENV)/Scripts
EXE := .exe
else
PYTHON ?= python3
BIN := $(VENV)/bin
endif
TESTS ?= tests
# One more than there are processors: many tests wait for other processes.
JOBS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
SEED ?= 1
KILLS ?= 3000

help:
	@sed -n 's/^## //p' Makefile

$(BIN)/python$(EXE):
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { \
		$(PYTHON) -m pip install --quiet --user virtualenv && $(PYTHON) -m virtualenv --quiet $(VENV); }

# The program with everything it can do; stamped, so that it is installed once.
$(VENV)/.program: $(BIN)/python$(EXE) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]'
	@touch $@

# The same and the tools of its developers.
$(VENV)/.tools: $(VENV)/.program
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

## make setup     the environment in .venv, with all tools
setup: $(VENV)/.tools

## make fix       what a machine can mend: imports, format
fix: $(VENV)/.tools
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .

## make check     lint, format, types, generated files up to date
check: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/rivya-run schema --check

## make test      make check, then every test (TESTS=path for some)
test: check
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile $(TESTS)

## make package   wheel and sdist, checked, and the wheel tried in an empty environment
package: $(VENV)/.tools
	rm -rf dist
	$(BIN)/python -m hatchling build
	$(BIN)/twine check --strict dist/*
	empty=$$(mktemp -d) && trap 'rm -rf "$$empty"' EXIT && \
	{ $(PYTHON) -m venv "$$empty/venv" 2>/dev/null || $(PYTHON) -m virtualenv --quiet "$$empty/venv"; } && \
	"$$empty/venv/bin/python" -m pip install --quiet --disable-pip-version-check dist/*.whl && \
	export PATH="$$empty/venv/bin:$$PATH" && cd "$$empty" && rivya-run init x && cd x && \
	rivya-run storyboard.yaml --simulate && rivya-run export --simulate && test -s outputs/x.simulated/cut.mp4

## make demo      a storyboard becomes clips and a cut, without key, network or money
demo: $(VENV)/.program
	$(BIN)/rivya-run specs/espresso-teaser.yaml --simulate
	$(BIN)/rivya-run report specs/espresso-teaser.yaml --simulate
	$(BIN)/rivya-run export specs/espresso-teaser.yaml --simulate

## make bench     benchmarks beside what people would use instead (BENCH=name for some)
bench: $(VENV)/.tools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@$(BIN)/python -m compileall -q runner # as an installed package is, whatever PYTHONDONTWRITEBYTECODE says
	$(BIN)/python -m tests.bench $(BENCH)

## make soak      thousands of kills (SEED=1 KILLS=3000), then the books are checked
soak: $(VENV)/.tools
	PYTHONPATH=tests $(BIN)/python -m crash.soak --seed $(SEED) --kills $(KILLS)

## make soak-cluster  the same with the books in a database, each run perhaps on another machine (SEED=1 KILLS=3000)
soak-cluster: $(VENV)/.tools
	PYTHONPATH=tests $(BIN)/python -m crash.soak --database --seed $(SEED) --kills $(KILLS)

## make power     the power is cut at every step of recorded runs (SEED=1), and each of what is left lives on
power: $(VENV)/.tools
	PYTHONPATH=tests $(BIN)/python -m crash.cuts --seed $(SEED)

## make mutants   small faults in the code that decides about money: do its tests notice? (MODULE=retry for one)
mutants: $(VENV)/.tools
	PYTHONPATH=tests $(BIN)/python -m mutants $(MODULE)

## make schemas   schemas/ and what is generated in docs/, from the tables and the language
schemas: $(VENV)/.program
	$(BIN)/rivya-run schema --write
	$(BIN)/rivya-run models list --markdown > docs/models.md
	$(BIN)/python docs/make_pages.py

## make pictures  the pictures in docs/, by the program itself
pictures: $(VENV)/.tools
	$(BIN)/python docs/make_pictures.py

## make clean     everything that can be made again
clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
