# make demo and make test need Python 3.11 or newer, pip and make; everything goes into .venv.
# make PYTHON=python3.12 takes another Python; PIP_FLAGS=... and PYTEST_FLAGS=... are further options of these two.

PYTHON ?= python3
PIP_FLAGS ?=
PYTEST_FLAGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt $(PIP_FLAGS)
DEMO := .demo/recipes.safetensors

.PHONY: help install demo test test-extras test-nojit test-lanes lint docs bench clean
.DELETE_ON_ERROR:

## make help         this list
help:
	@sed -n 's/^## //p' Makefile

## make install      make .venv and install item2vec into it
install: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("item2vec needs Python 3.11 or newer, $(PYTHON) is %d.%d; name another: make PYTHON=/path/to/python" % v[:2])'
	@echo "Installing into .venv; torch is large, so the first time takes some minutes."
	$(PYTHON) -m venv .venv
	$(PIP) -e .
	@touch $@

# pip reads dependency groups from 25.1 on, and a new .venv may hold an older one.
.venv/.installed-dev: .venv/.installed
	$(PIP) --upgrade pip
	$(PIP) --group dev
	@touch $@

## make demo         train on corpora/recipes.txt and ask for neighbours
demo: install
	@mkdir -p .demo
	$(BIN)/item2vec train corpora/recipes.txt -o $(DEMO)
	$(BIN)/item2vec similar soy_sauce -k 5 -m $(DEMO)
	$(BIN)/item2vec similar basil -k 5 -m $(DEMO)

## make test         lint, types and tests
test: lint
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

## make test-extras  build the wheel, install it with each extra into a fresh environment, use it; pip needs an index
test-extras: .venv/.installed-dev
	$(BIN)/python -m pytest --network tests/project/test_extras.py

## make test-nojit   the tests that run without compiled code, on numba's plain Python
test-nojit: .venv/.installed-dev
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -m "not jit"

## make test-lanes   the model's tests with registers of other machines: SSE and NEON, AVX-512
test-lanes: .venv/.installed-dev
	$(BIN)/python tests/lanes.py 4
	$(BIN)/python tests/lanes.py 16

## make lint         ruff and mypy
lint: .venv/.installed-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

# The API pages come from docstrings, so the package is imported; nothing is fetched from the network.
.venv/.installed-docs: .venv/.installed
	$(PIP) --upgrade pip
	$(PIP) --group docs
	@touch $@

## make docs         the documentation, into docs/_build; warnings are errors
docs: .venv/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

## make bench        a short race against gensim on the identifiers of Python's standard library
bench: .venv/.installed-dev corpora/stdlib.txt
	$(BIN)/python benchmarks/measure/race.py corpora/stdlib.txt --pairs 3 --epochs 2 --peers gensim

corpora/stdlib.txt: corpora/stdlib.py .venv/.installed
	$(BIN)/python corpora/stdlib.py $@

## make clean        remove all that was made here, .venv included
clean:
	rm -rf .venv .demo build dist docs/_build item2vec.egg-info corpora/stdlib.txt
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
