# The two commands of this project are `make demo` and `make test`; both set up what they need.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: setup demo test lint bench

setup: $(READY)

# Anew when what is to be installed has changed; a virtual environment that was left half-made is made again.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "posventa needs Python 3.11 or newer; $(PYTHON) is not: install one and say make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || test -x $(VENV)/bin/pip || \
	  { echo "Python cannot make virtual environments here: apt-get install python3-venv, then try again" >&2; exit 1; }
	@test -x $(VENV)/bin/pip || $(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[embedded,dev]'
	$(VENV)/bin/python -m streams.embedded.jars
	@touch $@

demo: $(READY)
	$(VENV)/bin/posventa demo

test: $(READY)
	$(VENV)/bin/pytest

# How fast, and where the time goes: docs/performance.md. Some minutes; nothing else should run meanwhile.
bench: $(READY)
	$(VENV)/bin/python -m bench.throughput

lint: $(READY)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
