# make demo   the whole story, offline, in minutes
# make test   lint, types, tests
# make check  lint, types and the quick tests, while you work
# make board  the shipped leaderboard, anew: a quarter of an hour

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check board lint wheel-test clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.demo
	$(BIN)/drbench demo --out demo

test: lint
	$(BIN)/python -m pytest

check: lint
	$(BIN)/python -m pytest -m "not slow and not browser" tests

# The study `board`, two runs at once, published into leaderboard/.
board: $(VENV)/.demo
	$(BIN)/drbench study run board --out runs/board --jobs 2
	$(BIN)/drbench leaderboard add --as drbench runs/board/*-color_dsprites-shapes3d-* \
	    runs/board/*-shapes3d-color_dsprites-*
	$(BIN)/drbench leaderboard build
	$(BIN)/drbench leaderboard render
	$(BIN)/drbench leaderboard validate

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The wheel, in an environment without torch, from an empty folder.
wheel-test: $(VENV)/.dev
	tests/wheel.sh $(BIN)/python

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)
	$(PIP) --editable '.[train]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)
	$(PIP) --editable '.[train,dev]'
	touch $@ $(VENV)/.demo

$(VENV):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "drbench needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build dist demo
