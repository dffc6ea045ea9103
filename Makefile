# Asusu from the command line. `make run` and `make test` need only Python and git.
.DEFAULT_GOAL := help
.PHONY: help run apm worker test e2e ci format lint bench soak requirements install
BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make requirements"

help:  ## List what there is to make
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "make %-14s%s\n", $$1, $$2}' Makefile

run: install  ## Serve on http://localhost:8000, or PORT, with worker, payment simulator and demo data
	@$(BIN)/python manage.py run --follow-parent

apm: install  ## The same as make run, with a viewer of traces on PORT + 2: what each request and task costs, and why
	@$(BIN)/python manage.py run --follow-parent --apm

worker: install  ## Run the background worker alone, on the servers that .env names
	@$(BIN)/python manage.py run_huey

test: install  ## Run the tests; ARGS="-k stash" runs some
	@$(BIN)/pytest -n 2 --dist worksteal $(ARGS)

e2e: install  ## Run the tests that need a browser
	@$(BIN)/pytest tests/e2e $(ARGS)

ci:  ## Run everything that a change must pass, on SQLite and on PostgreSQL
	.ci/run

format: install  ## Format Python and templates, and draw docs/architecture.md from the code
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .
	$(BIN)/djade --target-version 6.1 $$(git ls-files 'templates/*.html')
	$(BIN)/python -m tests.architecture

lint: install  ## Check format, style, imports, types, templates, migrations and the production settings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy .
	$(BIN)/djade --check --target-version 6.1 $$(git ls-files 'templates/*.html')
	DEBUG=1 $(BIN)/python manage.py makemigrations --check --dry-run
	DEBUG=0 ENV_FILE=tests/production.env $(BIN)/python manage.py check --deploy --fail-level WARNING

bench: install  ## Run the benchmark NAME, or all of them for docs/performance.md
	@cmp -s requirements/bench.txt .venv/installed-bench.txt || { echo "Installing what benchmarks need …" && \
		$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bench.txt && \
		cp requirements/bench.txt .venv/installed-bench.txt; }
	@$(BIN)/python manage.py bench $(NAME)

soak: install  ## Live a simulated year: SEED=1 DAYS=365 PEOPLE=300; ARGS="--seeds 10" lives ten of them
	@$(BIN)/python -m tests.soak --seed $(or $(SEED),1) --days $(or $(DAYS),365) --people $(or $(PEOPLE),300) $(ARGS)

requirements: install  ## Compile requirements/*.in to *.txt with hashes; UPGRADE=-U takes the newest of all
	for set in base prod dev bench fonts; do $(COMPILE) $(UPGRADE) -o requirements/$$set.txt requirements/$$set.in || exit 1; done

install:
	@requirements/install
