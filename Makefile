# `make help` lists what there is. Each target sets up what it needs.

PYTHON := .venv/bin/python
EXCHANGE := .venv/bin/exchange
export PATH := $(CURDIR)/.exchange/cache/node/bin:$(PATH)
# A dozen processes would each compile the same modules at each of their starts, which takes longer than all the rest.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests up down test test-all lint types check compose migrate seed demo bench fuzz simulate lock

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  %-10s %s\n' "$$name" "$$text"; done

setup:
	@sh deploy/local/bootstrap.sh

setup-tests:
	@sh deploy/local/bootstrap.sh --test
	@$(EXCHANGE) install

up: setup ## Start the whole system on this machine and print its addresses (ARGS="--detach")
	@$(EXCHANGE) up $(ARGS)

down: ## Stop it
	@[ ! -x $(EXCHANGE) ] || $(EXCHANGE) down $(ARGS)

# One more than the least of cores: tests wait more than they compute.
WORKERS := -n 3 --dist loadscope
# What is asked for by its path is run whole.
SAMPLE = $(if $(SEED),--sample=$(SEED),$(if $(T),,--sample=new))

test: setup-tests ## Run all tests with a sample of large tables (SEED=7 repeats one), or T=path whole, beside a running `make up`
	@mkdir -p .exchange/test; $(PYTHON) -m pytest $(if $(T),$(T),$(WORKERS)) $(SAMPLE); \
		code=$$?; echo $$code >.exchange/test/exit-code; exit $$code

test-all: setup-tests ## Run all tests with every row of every table
	@$(PYTHON) -m pytest $(WORKERS)

lint: setup ## Check style and likely mistakes
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .

types: setup ## Check types
	@$(PYTHON) -m mypy

check: lint types setup-tests ## All that CI checks: style, types, drift of the schema, tests (drift of migrations is one)
	@$(PYTHON) -m supergraph.compose --check
	@$(MAKE) --no-print-directory test

compose: setup ## Compose the supergraph and the public schema
	@$(EXCHANGE) compose

migrate: setup ## Bring the databases of the running system to the newest migration
	@$(EXCHANGE) migrate $(ARGS)

seed: setup ## Load demo data into the running system
	@$(EXCHANGE) seed $(ARGS)

demo: setup ## Play the main job through edge and router, live on the terminal
	@$(EXCHANGE) demo $(ARGS)

bench: setup-tests ## Measure what docs/benchmarks.md reports (ARGS="--report-only cpu")
	@$(PYTHON) -m bench $(ARGS)

fuzz: setup-tests ## Send what Schemathesis makes of the schemas to a system of its own (SECONDS=600 ARGS="bids --seed 7")
	@$(PYTHON) -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)

simulate: setup-tests ## Play the money path in as many ways as SEEDS=2000 says, or one again, step by step, by SEED=7
	@$(PYTHON) -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200)) $(ARGS)

RESOLVE := $(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url pyproject.toml

lock: setup ## Resolve the Python packages again and write both lock files
	@$(RESOLVE) --extra dev -o requirements.lock
	@$(RESOLVE) -c requirements.lock -o requirements.runtime.lock
