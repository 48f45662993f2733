# make demo   the whole path on the embedded dataset: demo/report.html
# make test   lint, types and the tests on TensorFlow, JAX and PyTorch
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
BACKENDS := torch tensorflow jax
SOURCES := keras_stprivacy tfrecords_tools examples benchmarks tests

.PHONY: demo test lint types clean

# The pinned versions have wheels for these.
OLDEST := 3, 11
NEWEST := 3, 13

$(BIN)/python:
	@$(PYTHON) -c 'import sys; version = sys.version_info[:2]; ($(OLDEST)) <= version <= ($(NEWEST)) or sys.exit("The versions in constraints.txt are for Python 3.11 to 3.13, and $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12" % version)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e ".[tensorflow]"
	touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e ".[all]"
	touch $@

demo: $(VENV)/.installed-demo
	KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python examples/motion_digits.py demo

lint: $(VENV)/.installed-test
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/.installed-test
	$(BIN)/mypy

# Tests of what is the same on any backend run with the first alone: PyTorch, which compiles nothing.
test: lint types
	@set -e; marker="any_backend or not any_backend"; for backend in $(BACKENDS); do \
	  echo "== $$backend"; \
	  OMP_NUM_THREADS=1 KERAS_BACKEND=$$backend $(BIN)/python -m pytest -q -n 2 --dist loadfile -m "$$marker"; \
	  marker="not any_backend"; \
	done

clean:
	rm -rf $(VENV) demo
