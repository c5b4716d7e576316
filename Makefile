# The two commands: `make run` (the chat page) and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PAPERS ?=
PORT ?=
WORKERS ?= 2
# Unset in the environment, these fall to the defaults that the README lists.
UI_FLAGS := $(if $(PORT),--port $(PORT))

.PHONY: run test slow test-all lint gate torture fuzz audit bench docs lock clean

run: $(VENV)/installed ## Install, fetch the models, index the bundled library, open the page.
	@$(BIN)/assistant ui --sample $(foreach file,$(PAPERS),--add "$(file)") $(UI_FLAGS)

test: $(VENV)/installed-dev ## Run the tests, but for the slow ones.
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist worksteal $(PYTEST_FLAGS)

slow: $(VENV)/installed-dev chromium ## Run the slow tests: browser, chat model, docs, kills.
	$(BIN)/python -m pytest -m slow $(PYTEST_FLAGS)

test-all: test slow ## Run every test.

lint: $(VENV)/installed-dev ## Format, lint, types, layers, security.
	$(BIN)/ruff format --check assistant evals tests
	$(BIN)/ruff check assistant evals tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive assistant evals

gate: $(VENV)/installed-dev ## Compare the extractive answers with the committed baseline.
	$(BIN)/python -m evals gate $(GATE_FLAGS)

torture: $(VENV)/installed-dev ## Kill, cut, fill, damage and load it; print what was lost.
	$(BIN)/python -m evals torture $(TORTURE_FLAGS)

fuzz: $(VENV)/installed-dev ## Ten minutes for each reader, parser and endpoint.
	ASSISTANT_FUZZ_SECONDS=600 $(BIN)/python -m pytest --timeout 3600 \
		tests/test_fuzz.py tests/test_http_schema.py

audit: $(VENV)/installed-dev ## Ask for known weaknesses of what is locked; needs the network.
	$(BIN)/uv run --no-project --with pip-audit pip-audit --requirement requirements.lock \
		--require-hashes --disable-pip

bench: $(VENV)/installed-dev ## Print speed and memory on this machine.
	$(BIN)/python -m evals bench

docs: $(VENV)/installed-dev ## Build the pages under docs/ into site/.
	$(BIN)/mkdocs build --strict

lock: $(VENV)/installed-dev ## Resolve the ranges of pyproject.toml anew.
	$(BIN)/uv pip compile --quiet --universal --generate-hashes pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --extra dev -c requirements.lock \
		pyproject.toml -o requirements-dev.lock

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=")'
	@echo "Installing into $(VENV) (once; about a minute and a half)…"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: chromium
chromium: # The end-to-end tests drive Debian's Chromium.
	@command -v chromium >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
		else \
			echo "Chromium is not installed; the tests of the page are skipped."; \
		fi; }

clean: ## Remove the virtual environment and caches (never the library).
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
