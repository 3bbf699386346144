# Everything a developer runs. `make setup` is idempotent and costs nothing when nothing changed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON_VERSION := $(shell cat .python-version)
VENV := .venv
BIN := $(VENV)/bin
# uv from the PATH, else one of our own, so that any python3 with venv is enough to start from.
UV := $(shell command -v uv || echo .tools/bin/uv)
PAGE_LIBRARY := copernicube/page/vendor/ol.js

.PHONY: help setup demo cite-server test lint docs bench lock clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 13

# Commands start half a second sooner where Python may not keep the bytecode of sources itself.
setup: $(VENV)/.project-installed $(PAGE_LIBRARY) ## Make or update .venv and the page's map library.
	@$(BIN)/python -m compileall -q -j 0 copernicube datacube ingest ogc

demo: setup ## Ingest the bundled samples and serve them.
	$(BIN)/python -m copernicube.demo

cite-server: setup ## Serve the layers that the OGC conformance suite of WMS 1.3.0 expects.
	$(BIN)/python tools/make_cite_store.py
	$(BIN)/copernicube serve --store build/cite-store

test: setup ## Run the tests.
	$(BIN)/pytest -n auto --dist loadfile

lint: setup ## Check style, types, import contracts and the docs.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory docs

docs: setup ## Build the docs into build/docs; a warning or a broken internal link fails.
	$(BIN)/sphinx-build -W -n --keep-going -q -b html -d build/doctrees docs build/docs

bench: setup ## Run the benchmarks.
	$(BIN)/python -m bench

# The resolver's own config and environment may name other indexes; the lock must not.
lock: $(UV) ## Resolve pyproject.toml anew into requirements.lock (add UPGRADE=1 for the newest versions).
	$(UV) pip compile --quiet --no-config --universal --generate-hashes --all-extras --python-version 3.12 \
		--no-emit-index-url --no-emit-find-links --no-header $(if $(UPGRADE),--upgrade) \
		--output-file requirements.lock pyproject.toml
	@if grep -nE '://' requirements.lock; then echo "requirements.lock names an address" >&2; exit 1; fi

clean: ## Remove what was built; .venv stays.
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

.tools/bin/uv:
	python3 -m venv .tools || { echo "Install python3 with its venv module first (Debian: python3-venv)." >&2; exit 1; }
	.tools/bin/pip install --quiet uv

$(VENV)/.python-made: .python-version | $(UV)
	tools/make-venv "$(UV)" "$(VENV)" "$(PYTHON_VERSION)"
	@touch $@

$(VENV)/.lock-installed: requirements.lock $(VENV)/.python-made
	$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@touch $@

# Only the entry points and the path of the sources are installed; dependencies come from the lock.
$(VENV)/.project-installed: pyproject.toml $(VENV)/.lock-installed
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(PAGE_LIBRARY): package.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js with npm (Debian: apt-get install nodejs npm)." >&2; exit 1; }
	npm install --no-package-lock --ignore-scripts --loglevel=error
	mkdir -p $(@D)
	cp node_modules/ol/LICENSE.md $(@D)/ol-LICENSE.md
	cp node_modules/ol/ol.css $(@D)/ol.css
	cp node_modules/ol/dist/ol.js $@
