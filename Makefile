# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The few commands that a person types. What they do is in tests/tools and tests/lab.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

SYSTEM_PYTHON ?= python3
PYTHON := .venv/bin/python
STAGES := $(PYTHON) tests/tools/run_stages.py

# A virtual environment that happens to be active must not leak into ours.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

.PHONY: help
help:
	@printf '\nnephoran.container_build: make TARGET\n\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target text; do \
		printf '  %-10s %s\n' "$$target" "$$text"; done
	@printf '\n'

.PHONY: demo
demo: ## From a bare node to an image that Kubernetes sees (KIND=debian12 or debian13)
	@$(SYSTEM_PYTHON) tests/tools/venvs.py core-2.19
	@$(PYTHON) tests/demo.py

.PHONY: test
test: venv ## Everything: lint, sanity, unit, molecule
	@$(STAGES)

.PHONY: lint sanity unit molecule
lint: venv ## ruff, mypy, yamllint, ansible-lint, documentation and changelog
sanity: venv ## ansible-test sanity on both ansible-cores
unit: venv ## Unit tests on both ansible-cores, and on a node's oldest Python
molecule: venv ## The roles and modules on real nodes, all scenarios
lint sanity unit molecule:
	@$(STAGES) $@

.PHONY: bench
bench: venv ## What the modules cost beside their peers, measured; written to docs/benchmarks.md
	@PYTHONPATH=tests $(PYTHON) -m benchmarks

.PHONY: faults
faults: venv ## Provoke every fault that a container can have, on two nodes; the table goes to docs/faults.md
	@$(PYTHON) -m pytest --quiet -p no:cacheprovider tests/faults --record docs/faults.md

.PHONY: docs
docs: venv ## Write the reference of modules and roles to docs/reference
	@$(PYTHON) tests/tools/reference.py

.PHONY: venv
venv: ## Make the Python environments from requirements/*.txt
	@$(SYSTEM_PYTHON) tests/tools/venvs.py

.PHONY: lock
lock: venv ## Pin the newest fitting versions from requirements/*.in
	@$(PYTHON) tests/tools/lock.py

.PHONY: clean
clean: ## Remove what the commands above made in this checkout
	rm -rf .venv .venv-core-2.21 .venv-target .ansible .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis
