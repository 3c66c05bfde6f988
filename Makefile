# The two commands of this project are `make demo` and `make test`; both set up what they need.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: setup demo test faults lint bench

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

# Every way of hurting a stream, 200 seeded runs (about an hour on two cores): docs/guarantees.md, the fault matrix.
faults: $(READY)
	$(VENV)/bin/python -m tests.faults

# How fast, beside its peers: about 25 minutes, writes bench/RESULTS.md. Nothing else should run meanwhile.
# Some of it: make bench ONLY=latency,outage
ONLY ?=
PEERS := .venv-bench/.ready

bench: $(READY) $(PEERS)
	$(VENV)/bin/python -m bench $(if $(ONLY),--only $(ONLY))

# An environment of their own, since Quix Streams wants an older pydantic than posventa.
$(PEERS): bench/peers/requirements.txt
	$(PYTHON) -m venv --clear .venv-bench
	echo '*' > .venv-bench/.gitignore
	.venv-bench/bin/pip install --quiet --disable-pip-version-check -r bench/peers/requirements.txt
	@touch $@

lint: $(READY)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
