# `make demo` and `make test` do all the set-up they need; `make help` lists the rest.
#
#   NATIVE=0        the reference arithmetic, as on a machine without cargo
#   PYTHON=...      the Python to make .venv with (3.11 or later)
#   VENV=...        another place for it
#   TESTS=...       what `make test` runs, PYTEST_ARGS=... with what

VENV ?= .venv
NATIVE ?= auto
TESTS ?= tests
PYTEST_ARGS ?=
BENCH_ARGS ?=
UV ?= uv==0.13.9
LOCK_ARGS ?=

bin := $(abspath $(VENV))/bin
stamps := $(VENV)/.stamps
tree := build/tree
python := $(bin)/python
pip := $(python) -m pip --disable-pip-version-check --quiet

has_cargo := $(shell cargo --version >/dev/null 2>&1 && echo yes)
ifeq ($(NATIVE),0)
arithmetic := reference
why := NATIVE=0
else ifeq ($(has_cargo),yes)
arithmetic := native
else ifeq ($(NATIVE),auto)
arithmetic := reference
why := cargo was not found; install Rust for the fast one
else
$(error NATIVE=$(NATIVE), but cargo was not found)
endif

native_sources := $(shell find native -name target -prune -o -type f -print 2>/dev/null)

.DELETE_ON_ERROR:
.PHONY: help setup demo serve-demo test test-slow lint types contracts format bench bench-api wheel rust-check lock clean FORCE

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- set-up: each step leaves a stamp in the environment, and is done again when what it read changes

setup: $(stamps)/package $(stamps)/$(arithmetic) ## .venv with everything in it
ifeq ($(arithmetic),reference)
	@echo "zkcollateral: computing with the reference arithmetic, which is slow ($(why))"
endif

$(bin)/python:
	@python=$$(PYTHON="$(PYTHON)" .ci/find-python) && echo "making $(VENV) with $$python" \
	    && "$$python" -m venv $(VENV)

$(stamps)/dependencies: requirements-dev.lock | $(bin)/python
	@mkdir -p $(stamps)
	@echo "installing what requirements-dev.lock pins"
	@$(pip) install --require-hashes -r requirements-dev.lock
	@touch $@

# The names of the package's files: an editable install links the files that it finds, so a new one
# asks for a new install, and a changed one does not.
$(stamps)/files: FORCE | $(bin)/python
	@mkdir -p $(stamps)
	@$(python) .ci/layout.py > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(stamps)/package: pyproject.toml $(stamps)/files $(stamps)/dependencies
	@echo "installing zkcollateral, editable"
	@rm -rf build/__editable__.*
	@$(pip) install --no-build-isolation --no-deps --config-settings editable_mode=strict --editable .
	@touch $@

$(stamps)/native-files: FORCE | $(bin)/python
	@mkdir -p $(stamps)
	@echo $(sort $(native_sources)) > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(stamps)/native: $(native_sources) $(stamps)/native-files | $(stamps)/package
	@echo "building the native arithmetic"
	@rm -rf build/native
	@$(bin)/maturin build --quiet --release --locked --interpreter $(bin)/python \
	    --manifest-path native/Cargo.toml --out build/native
	@$(pip) install --no-index --no-deps --force-reinstall build/native/*.whl
	@rm -f $(stamps)/reference
	@touch $@

$(stamps)/reference: | $(stamps)/package
	@$(pip) uninstall --yes zkcollateral-native 2>/dev/null
	@rm -f $(stamps)/native
	@touch $@

# --- use

demo: setup ## the whole way, from a portfolio to a checked attestation
ifeq ($(arithmetic),reference)
	@ZKCOLLATERAL_ARITHMETIC=reference $(bin)/zkcollateral demo
else
	@$(bin)/zkcollateral demo
endif

serve-demo: setup ## the service, with custodian, oracles, holder and auditor played over HTTP
ifeq ($(arithmetic),reference)
	@ZKCOLLATERAL_ARITHMETIC=reference $(python) examples/served_account.py
else
	@$(python) examples/served_account.py
endif

# --- checks

ifeq ($(arithmetic),native)
test test-slow: export ZKCOLLATERAL_REQUIRE_NATIVE := 1
endif
# The benchmark plugin warns when it meets workers, and benchmarks are not tests.
pytest := $(python) -m pytest -p no:benchmark -n auto $(PYTEST_ARGS)

test: setup ## every test but the slow ones
	$(pytest) -m "not slow" $(TESTS)

test-slow: setup ## the slow tests
	$(pytest) -m slow $(TESTS) || { status=$$?; test $$status -eq 5 && echo "no slow tests"; }

lint: setup contracts ## style, and which room imports which
	$(bin)/ruff check .
	$(bin)/ruff format --check .

contracts: setup
	@$(python) .ci/link_tree.py $(tree)
	cd $(tree) && $(bin)/lint-imports --no-logo --no-cache --config $(CURDIR)/pyproject.toml

types: setup ## strict mypy over the whole package
	@$(python) .ci/link_tree.py $(tree)
	cd $(tree) && $(bin)/mypy --config-file $(CURDIR)/pyproject.toml \
	    --cache-dir $(CURDIR)/.mypy_cache --package zkcollateral

rust_checks := rust-check/native rust-check/benchmarks/peers
.PHONY: $(rust_checks)
rust-check: $(rust_checks) ## formatter, clippy and tests of both Rust projects

# Started in each folder, where cargo finds that project's configuration.
$(rust_checks): rust-check/%:
	cd $* && cargo fmt --check
	cd $* && cargo clippy --locked --all-targets -- -D warnings
	cd $* && cargo test --locked

format: setup ## let the formatters have their way
	$(bin)/ruff check --fix .
	$(bin)/ruff format .
ifeq ($(has_cargo),yes)
	cargo fmt --manifest-path native/Cargo.toml
	cargo fmt --manifest-path benchmarks/peers/Cargo.toml
endif

bench: setup ## measure, beside the bulletproofs package; BENCH_ARGS for more
	$(python) -m benchmarks $(BENCH_ARGS)

bench-api: setup ## measure the service on SQLite and PostgreSQL; BENCH_ARGS for more
	$(python) -m benchmarks.service $(BENCH_ARGS)

# --- to publish

wheel: setup ## both wheels and source archives in dist/, checked file by file
	@rm -rf dist
	$(python) -m build --no-isolation --outdir dist .
ifeq ($(arithmetic),native)
	$(bin)/maturin build --release --locked --sdist --interpreter $(bin)/python \
	    --manifest-path native/Cargo.toml --out dist
endif
	$(python) .ci/check_wheel.py dist/*.whl

# Keeps the versions that still fit; `make lock LOCK_ARGS=--upgrade` takes the newest.
lock: | $(bin)/python ## write requirements-dev.lock anew
	@test -x build/lock/bin/uv || $(bin)/python -m venv build/lock
	@build/lock/bin/python -m pip --quiet --disable-pip-version-check install $(UV)
	build/lock/bin/uv pip compile pyproject.toml --quiet --extra api --extra client --extra plot --extra risk \
	    --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make lock" --output-file requirements-dev.lock $(LOCK_ARGS)

clean: ## remove all that was made here
	rm -rf .venv build dist demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
	rm -rf *.egg-info native/target benchmarks/peers/target benchmarks/results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
