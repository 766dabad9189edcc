# The one task runner. `make help` lists the verbs; ENV names the environment (inventories/<ENV>), the lab by default.
SHELL := /bin/bash -o pipefail
ENV ?= lab
# `IMAGES=upstream` runs the production images in the lab, where a container registry can be reached.
IMAGES ?= stand-in
export LAB_IMAGES := $(IMAGES)
VENV := .venv
BIN := $(VENV)/bin
PLAYBOOK := $(BIN)/ansible-playbook -i inventories/common -i inventories/$(ENV)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test down status render check deploy verify lint unit molecule bench docs

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  ENV=$(ENV) (of: $(notdir $(filter-out %/common,$(wildcard inventories/*))))  IMAGES=$(IMAGES)"

demo: $(VENV)/.ready ## Start the lab and run site.yml against it: the whole platform on this machine
	@mkdir -p build
	@LAMBDA_CLOUD_INVENTORY=skip $(BIN)/ansible-playbook playbooks/render.yml >build/render.log || { cat build/render.log; exit 1; }
	@python -m lab up
	@$(BIN)/ansible-playbook site.yml
	@python -m lab status

test: $(VENV)/.ready ## Run every test (this makes the lab's hosts anew)
	@ci/test

down: $(VENV)/.ready ## Remove what the lab made, and nothing else
	@python -m lab down

status: $(VENV)/.ready ## Show what runs in ENV and why a replica does not; for the lab its addresses too
	@$(if $(filter lab,$(ENV)),python -m lab status; echo)
	@ANSIBLE_STDOUT_CALLBACK=ansible.builtin.default $(PLAYBOOK) playbooks/ops/status.yml

render: $(VENV)/.ready ## Write everything the catalog computes to build/<ENV>/; contacts no host
	@LAMBDA_CLOUD_INVENTORY=skip $(PLAYBOOK) playbooks/render.yml

check: $(VENV)/.ready ## Predict what a deploy to ENV would change
	@python ci/run.py --environment $(ENV) --check

deploy: $(VENV)/.ready ## Run site.yml against ENV
	@python ci/run.py --environment $(ENV)

verify: $(VENV)/.ready ## Check ENV from outside; the exit status is the verdict
	@$(PLAYBOOK) playbooks/verify.yml

lint: $(VENV)/.ready ## Lint playbooks, roles and Python; check that what is generated is current
	@ci/lint

unit: $(VENV)/.ready ## Run the tests that need no Docker
	@python -m pytest tests/unit

molecule: $(VENV)/.ready ## Test each host role on fresh hosts
	@molecule reset >/dev/null 2>&1 # an aborted run leaves hosts that are not fresh
	@mkdir -p build
	@molecule test --all 2>&1 | tee build/molecule.log || { echo "── what failed:"; grep -E '(│[^ ]* |^)(E |FAILED|ERROR|fatal:)' build/molecule.log | tail -40; exit 1; }

bench: $(VENV)/.ready ## Time converges, clouds and edge of the running lab beside peers; count lost requests
	@python tests/bench/clouds.py
	@python tests/bench/converge.py
	@python tests/bench/edge.py
	@python tests/bench/requests_lost.py

docs: $(VENV)/.ready ## Write again what is generated in README.md, docs/ and roles/
	@python ci/generate.py

$(VENV)/.ready: pyproject.toml ci/setup
	@ci/setup $(VENV)
	@touch $@
