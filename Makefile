# make run    everything under one command; Ctrl-C stops it     make run UP="--replay KRX:005930 --interval 1d --speed max"
# make test   the whole test suite                              make lint   style, types, migrations, translations

.PHONY: run install install-dev test replay test-api client lint format messages lock test-pages bench-run bench-page bench-import bench-orders bench-api bench-quotes bench-plans bench-kis bench-backtest bench-backtest-workers rule-rates indicator-sources crash-sweep chaos kis-sandbox kis-week kis-storm clean help
.DEFAULT_GOAL := help

PYTHON = $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP = .venv/bin/python -m pip install -qq --no-input --disable-pip-version-check --require-hashes --only-binary :all:
IN_TESTS = DJANGO_SETTINGS_MODULE=tests.settings
PYTEST = .venv/bin/python -m pytest -q
UP =
KILLS = 200
DB = postgresql

help:
	@sed -n 's/^# //p' Makefile

# Prices, people, orders: everything is in var/ and .env, so a second run goes on where the first stopped.
run: install .env
	@.venv/bin/python manage.py up $(UP)

.env:
	@.venv/bin/python -I config/new_env.py

.venv/made:
	@test -n "$(PYTHON)" || { echo "Kairos needs Python 3.11 or newer with its venv module; none was found (Debian: apt-get install python3-venv)."; exit 1; }
	@$(PYTHON) -m venv .venv && touch .venv/made

# A copy of the list last installed says whether anything changed; nothing is asked of the network when nothing did.
install: .venv/made
	@cmp -s requirements.txt .venv/requirements.txt || { echo "Installing Kairos' packages (once)…" >&2; \
	$(PIP) -r requirements.txt && cp requirements.txt .venv/requirements.txt; } || \
	{ echo "The packages could not be installed; pip says why above (the first run needs the network)."; exit 1; }

install-dev: install
	@cmp -s requirements-dev.txt .venv/requirements-dev.txt || { echo "Installing the tools for tests (once)…" >&2; \
	$(PIP) -r requirements-dev.txt && cp requirements-dev.txt .venv/requirements-dev.txt; } || \
	{ echo "The packages could not be installed; pip says why above (the first run needs the network)."; exit 1; }

# Everything on SQLite; what asks a database something on PostgreSQL too, where TEST_POSTGRES_URL names a server on which
# databases may be made. Tests that start the running system come alone: they measure seconds.
test: install-dev
	@started=$$(date +%s); \
	$(PYTEST) -n auto -m "not processes and not browser" && \
	$(PYTEST) -m "processes or browser" && \
	if [ -n "$$TEST_POSTGRES_URL" ]; then \
		TEST_DATABASE_URL="$$TEST_POSTGRES_URL" $(PYTEST) -n auto --only-database -m "not processes and not browser"; \
	else echo "PostgreSQL: not tested, TEST_POSTGRES_URL is not set"; fi && \
	echo "test: seconds=$$(($$(date +%s) - started)) postgres=$${TEST_POSTGRES_URL:+yes}"

# Stored files of prices played to their last bar through the running processes; `make test` plays their first bars.
replay: install-dev
	@REPLAY_WHOLE=1 $(PYTEST) tests/e2e/test_replay.py

# The API from outside: literal addresses, everybody's rights on every address, schemathesis on the running server.
# Less: API="--requests 500 --only-fuzz".
test-api: install-dev
	@.venv/bin/python -m tests.api.check $(API)

# The Python client's operations and docs/asyncapi.json, from the API's own description. A test fails while they differ.
client: install-dev
	@$(IN_TESTS) .venv/bin/python -m tests.api.client_file

lint: install-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy .
	$(IN_TESTS) .venv/bin/python manage.py makemigrations --check --dry-run
	$(IN_TESTS) .venv/bin/python manage.py check --fail-level WARNING
	$(PYTEST) tests/test_messages.py

format: install-dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# Collect what must be translated, then make what the pages read. Needs gettext.
messages: install-dev
	$(IN_TESTS) .venv/bin/python manage.py makemessages -l en --no-obsolete --no-wrap --add-location file --ignore ".venv/*" --ignore "var/*" --ignore "tests/*"
	$(IN_TESTS) .venv/bin/python manage.py compilemessages -l en --ignore ".venv"

# Every page at two widths, light and dark, in both languages: axe, budgets, requests that leave the host. Needs Chromium.
# Pictures of all of them: PAGES="--pictures FOLDER". A part: PAGES="--dress wide/light/ko --dress phone/dark/en".
PAGES =
test-pages: install-dev
	@.venv/bin/python -m tests.pages.walk $(PAGES)

# A picture of every page, wide, on a phone and in the dark, into docs/images. Needs Chromium. One: PICTURES="--page backtests:run".
.PHONY: pictures
pictures: install-dev
	@.venv/bin/python -m tests.pages.pictures $(PICTURES)

# Time to the first page, on the first run and the second, and the memory of all processes.
bench-run: install-dev
	@.venv/bin/python -m tests.e2e.bench_run

# Live prices that reach one open page per second, at ×1, ×60 and ×3600. Needs Chromium.
bench-page: install-dev
	@.venv/bin/python -m bench.page_ticks

# A million bars from a file into SQLite and, where TEST_POSTGRES_URL names a server, PostgreSQL.
bench-import: install-dev
	@.venv/bin/python -m bench.import_bars

# Live prices to five hundred sockets, beside Channels' usual consumer (../shared/bench, with its Redis layer).
bench-quotes: install-dev
	@.venv/bin/python -m bench.quotes

# Fifty orders listed and one placed over HTTP, beside FastAPI + SQLAlchemy on the same rows. Needs TEST_POSTGRES_URL and ../shared.
bench-api: install-dev
	@.venv/bin/python -m bench.api

# Orders placed per second beside the bare SQL that one placing needs. Needs TEST_POSTGRES_URL.
bench-orders: install-dev
	@.venv/bin/python -m bench.place_orders

# The hourly evaluation of 10,000 plans beside one pandas evaluation per plan. Needs TEST_POSTGRES_URL and ../shared.
bench-plans: install-dev
	@.venv/bin/python -m bench.plans

# Backtests of 100,000 and 1,000,000 bars and a sweep, beside vectorbt and backtesting.py in an environment the bench makes.
bench-backtest: install-dev
	@.venv/bin/python -m bench.backtests

# A sweep by one worker and by two, and a worker killed in the middle of its work.
bench-backtest-workers: install-dev
	@.venv/bin/python -m bench.backtest_workers

# How often the swing rule fires on all of ../shared/data, and each indicator beside its second source: the tables of the docs.
rule-rates: install-dev
	@.venv/bin/python -m bench.rule_rates

indicator-sources: install-dev
	@.venv/bin/python -m bench.indicator_sources

# From a frame leaving the KIS sandbox to the price in a browser: 40 instruments, 10 frames a second each. Needs Chromium.
bench-kis: install-dev
	@.venv/bin/python -m bench.kis

# The stream of one KIS key in a storm: cut 500 times as soon as it stands, then refused for an hour. Less: STORM="--cuts 50".
kis-storm: install-dev
	@.venv/bin/python -m bench.kis_storm $(STORM)

# One order's life, dying at every executed line, with a healthy venue and every kind of fault. Needs PostgreSQL's programs
# (the server is started here and ends with the run). Less: SWEEP="--every 25 --kind healthy".
crash-sweep: install-dev
	@.venv/bin/python -m tests.faults.sweep $(SWEEP)

# Random kill -9 under load. KILLS=40, DB=sqlite, SEED=7; MUTANT=lane or MUTANT=refusal must be caught, or the check is blind.
chaos: install-dev
	@.venv/bin/python -m tests.faults.chaos --kills $(KILLS) --db $(DB) $(if $(SEED),--seed $(SEED)) $(if $(MUTANT),--mutant $(MUTANT))

# Swing plans trade a simulated week at the KIS sandbox while answers are lost, pages break, tokens end and sockets are cut:
# our books held against its truth. SEED=7, and less: WEEK="--days 1".
kis-week: install-dev
	@.venv/bin/python -m tests.faults.kis_week $(if $(SEED),--seed $(SEED)) $(WEEK)

# A stand-in for the servers of Korea Investment & Securities (docs/kis-sandbox.md), trading at any hour; Ctrl-C stops it.
# Other ways: KIS="--port 9440 --hours krx --at 2026-11-20T08:50:00 --speed 60 --flow 5".
KIS = --port 9440 --hours always --flow 1
kis-sandbox: install-dev
	@.venv/bin/python -m tests.servers.kis --say $(KIS)

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --group dev -o requirements-dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --extra optuna -c requirements.txt -o requirements-optuna.txt

# What can be made again. The database, .env and their secrets stay.
clean:
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis staticfiles .coverage test-results
	find . -name __pycache__ -not -path "./.venv/*" -prune -exec rm -rf {} +
