# Two commands do everything: `make run` serves the chat, `make test` passes the suite.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

# Some machines forbid it; a server that is started a hundred times would be compiled a hundred times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install run test coverage check audit format openapi lock faults bench bench-smoke clean

install: $(VENV)/.run

run: $(VENV)/.run
	@exec $(BIN)/python server.py $(ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(ARGS)

# The same, saying which lines and branches no test has passed; counting them slows the tests down.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest --cov --cov-report=term $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Known vulnerabilities of all that is pinned, by PyPI's word: one that it cannot say anything about fails too.
audit: | $(BIN)/python
	test -d $(VENV)/audit || $(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	$(VENV)/audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements-dev.txt

# Kills, stalls and cuts everything under load, and compares what clients were told with what is stored.
faults: $(VENV)/.dev
	$(BIN)/python -m tests.faults $(ARGS)

# Parley beside its peers: needs a C compiler and Node.js; rewrites docs/benchmarks.md.
bench: $(VENV)/.run
	test -d benchmarks/.venv || $(PYTHON) -m venv benchmarks/.venv
	benchmarks/.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r benchmarks/requirements.txt
	cd benchmarks && npm ci --no-audit --no-fund
	benchmarks/.venv/bin/python benchmarks/run.py --write $(ARGS)

# Some seconds of it: fails when Parley has become half as fast beside its peers. Needs a C compiler.
bench-smoke: $(VENV)/.run
	$(BIN)/python benchmarks/smoke.py

# The document of the API, by the calls that handlers/openapi/ describes.
openapi: $(VENV)/.run
	$(BIN)/python -m handlers.openapi > docs/openapi.json

# The pinned requirements, with the hashes of everything they install.
lock: $(VENV)/.dev
	$(BIN)/pip install --quiet uv==0.13.8
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --extra embedded --output-file requirements.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --extra embedded --extra dev --output-file requirements-dev.txt pyproject.toml

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Parley needs Python 3.11 or newer; name one with make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .coverage
