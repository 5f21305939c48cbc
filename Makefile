# Each target installs what it needs into .venv first: `make serve` and `make test` work as the first command on a machine
# that has python3 (3.11 or later, with pip or venv) and make. A stamp in .venv remembers what is installed.

PYTHON ?= python3
# Everything on all cores, each with a PostgreSQL of its own; what is chosen by hand runs in one process.
PYTEST_ARGS ?= $(ALL_CORES)
ALL_CORES := --numprocesses=auto --dist=loadscope
BENCH_ARGS ?=
LOCK_ARGS ?=

PY := .venv/bin/python
PIP = $(shell $(PY) -m pip --version >/dev/null 2>&1 && echo $(PY) -m pip || echo $(PYTHON) -m pip --python $(PY)) install --quiet --no-compile
LOCKS := requirements-build.lock requirements.lock
COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(LOCK_ARGS)

.PHONY: help serve test check faults bench schemas contract-release tools lock audit sbom clean

help:
	@echo 'make serve     install, start the embedded PostgreSQL, load the sample, serve on http://127.0.0.1:8000'
	@echo 'make test      install, run the whole suite; make test PYTEST_ARGS="-k dates"'
	@echo 'make check     format, lint, types, direction of imports, schemas up to date'
	@echo 'make faults    PostgreSQL restarted, frozen, full …, under the running program: the whole of tests/faults, 40 minutes'
	@echo 'make bench     the benchmarks, as ratios; make bench BENCH_ARGS="serving --commitments 500"'
	@echo 'make schemas   write schemas/ from the structs'
	@echo 'make tools     install what the tests of the contract take from npm'
	@echo 'make contract-release  keep the contract as it is now under schemas/released/, once a version'
	@echo 'make lock      write the locks from pyproject.toml; make lock LOCK_ARGS=--upgrade for newer versions'
	@echo 'make audit     hold the locks against the known vulnerabilities; needs the network'
	@echo 'make sbom      write deploy/sbom.json, the bill of materials of what is installed'
	@echo 'make clean     remove .venv and what tools left'

serve: .venv/.compiled
	.venv/bin/ogp-open-data serve --sample

test: .venv/.test .venv/.compiled
	$(PY) -m pytest $(PYTEST_ARGS)

check: .venv/.test
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	.venv/bin/ogp-open-data schemas --check

# What the suite does for a few seconds each, for as long as it takes (40 minutes, 30 of them the soak).
faults: .venv/.test
	OGP_TEST_FAULTS=whole $(PY) -m pytest tests/faults $(PYTEST_ARGS)

bench: .venv/.test .venv/.compiled
	$(PY) -m benchmarks $(BENCH_ARGS)

schemas: .venv/.serve
	.venv/bin/ogp-open-data schemas

contract-release: .venv/.serve
	.venv/bin/ogp-open-data schemas --release

tools: tests/tools/node_modules/.installed

# No lock: package.json names exact versions, and a lock would name where they were fetched.
tests/tools/node_modules/.installed: tests/tools/package.json
	cd tests/tools && npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

lock: .venv/.lock
	$(COMPILE) --group pyproject.toml:build -o requirements-build.lock
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group pyproject.toml:dev -c requirements.lock -o requirements-dev.lock

# In an environment of their own: what they need must not decide what we test with.
AUDIT := .venv/audit

audit: $(AUDIT)/.installed
	@for lock in $(LOCKS) requirements-dev.lock; do $(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes -r $$lock \
	|| { echo "$$lock: pip-audit found something, or could not ask its database; it needs the network" >&2; exit 1; }; done

sbom: $(AUDIT)/.installed
	$(AUDIT)/bin/python deploy/sbom.py requirements.lock > deploy/sbom.json.new
	mv deploy/sbom.json.new deploy/sbom.json

$(AUDIT)/.installed: $(PY)
	$(PYTHON) -m venv --without-pip $(AUDIT)
	$(PYTHON) -m pip --python $(AUDIT)/bin/python install --quiet --only-binary :all: cyclonedx-bom==7.5.0 pip-audit==2.10.1
	@touch $@

clean:
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The machine's pip installs into .venv from outside, so .venv needs none of its own and a Debian without ensurepip will do;
# a machine without pip gets one inside .venv.
$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	@echo 'Installing into .venv; this takes about half a minute, once.'
	@$(PYTHON) -m pip --version >/dev/null 2>&1 && bare=--without-pip; $(PYTHON) -m venv $$bare .venv

# $(call install,LOCK): everything from a lock, by hash; then this package, from where it stands. What builds is installed
# first and used as it is (no build isolation), so nothing comes in whose version and hash are not in a lock.
define install
	@export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0; set -e; \
	$(PIP) --only-binary :all: --require-hashes -r requirements-build.lock; \
	$(PIP) --no-build-isolation --use-pep517 --require-hashes -r $(1); \
	$(PIP) --no-build-isolation --no-deps -e .
	@touch $@
endef

.venv/.serve: $(PY) $(LOCKS) pyproject.toml
	$(call install,requirements.lock)

.venv/.test: $(PY) $(LOCKS) requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)
	@touch .venv/.serve

# Bytecode of the program and of all that it loads, also where PYTHONDONTWRITEBYTECODE forbids it by the way: without it each
# start compiles two hundred thousand lines, which is more than half of its time. Whole are those that load parts of theirs late.
.venv/.compiled: .venv/.serve $(shell find src -name '*.py')
	@PYTHONDONTWRITEBYTECODE= $(PY) -c 'import importlib, pkgutil, ogp_open_data; \
		[importlib.import_module(one.name) for one in pkgutil.walk_packages(ogp_open_data.__path__, "ogp_open_data.")]; \
		import docx, feedgen, httpx, jinja2, lxml.html, openpyxl, rich.console, rich.progress, rich.table'
	@$(PY) -m compileall -q .venv/lib/python3*/site-packages/litestar .venv/lib/python3*/site-packages/uv* .venv/lib/python3*/site-packages/anyio
	@touch $@

.venv/.lock: $(PY)
	@$(PIP) uv
	@touch $@
