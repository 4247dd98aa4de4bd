# Every target sets up what it needs. The second time that is quick.
PYTHON ?= python3
ENV ?= dev
FILES := $(or $(ECR_ENVIRONMENTS),environments)

export PIPENV_VENV_IN_PROJECT := 1
export PIPENV_IGNORE_VIRTUALENVS := 1
export PIPENV_VERBOSITY := -1
export CHECKPOINT_DISABLE := 1
# The CDKTF CLI calls pipenv by name.
export PATH := $(CURDIR)/.pipenv/bin:$(PATH)

PIPENV := .pipenv/bin/pipenv
PIPENV_VERSION := 2026.10.3
PIPENV_STAMP := .pipenv/.$(PIPENV_VERSION)
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help synth test lint deploy-local deploy snapshots schema docs fuzz lock bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

synth: .venv/.synced ## write the Terraform JSON of every environment to cdktf.out
	@$(RUN) main.py

test: .venv/.synced-dev node_modules/.synced .checkov/.synced lint ## run every check and test
	$(RUN) -m pytest $(ARGS)

lint: .venv/.synced-dev ## run ruff and mypy
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

deploy-local: .venv/.synced-dev node_modules/.synced ## deploy ENV (dev) to an AWS API on this machine
	$(RUN) -u -m local.deploy $(ENV)

deploy: .venv/.synced node_modules/.synced ## deploy ENV (dev) to AWS with the CDKTF CLI
	@test -f "$(FILES)/$(ENV).yaml" || { echo "ENV must be the name of a file of $(FILES), got '$(ENV)'"; exit 1; }
	npx cdktf deploy ecr-$(ENV) $(ARGS)

snapshots: .venv/.synced-dev ## record the synthesized stacks anew, to be read in the diff
	$(RUN) -m pytest tests/test_environment_stack.py --snapshot-update

schema: .venv/.synced ## write the JSON Schema of environment files
	$(RUN) -m stacks.schema

docs: .venv/.synced ## write docs/checks.md and docs/environment.md from the code
	$(RUN) -m scripts.checks_page
	$(RUN) -m scripts.environment_page

fuzz: .venv/.synced-dev ## break the environment files in FUZZ_EXAMPLES (10000) ways
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-10000} $(RUN) -m pytest -q tests/test_fuzz.py

lock: $(PIPENV_STAMP) ## lock the Python packages, without the address of where they come from
	$(PIPENV) lock
	$(PYTHON) scripts/unsource_lock.py

bench: .venv/.synced-dev ## compare with the ordinary ways, into bench/RESULTS.md
	$(RUN) -m bench.run

clean: ## remove everything that was set up or synthesized; state files stay
	rm -rf .pipenv .venv .checkov node_modules cdktf.out bench/.aws-cdk

$(PIPENV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another by make PYTHON=python3.12")'
	@echo "setting up pipenv in .pipenv"
	@$(PYTHON) -m venv .pipenv
	@.pipenv/bin/pip install -qq --disable-pip-version-check pipenv==$(PIPENV_VERSION)
	@touch $@

.venv/.synced: $(PIPENV_STAMP) Pipfile.lock constructs/pyproject.toml
	@echo "installing the Python packages of Pipfile.lock in .venv"
	@$(PIPENV) --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" sync --quiet
	@touch $@

.venv/.synced-dev: .venv/.synced
	@echo "installing the development packages of Pipfile.lock in .venv"
	@$(PIPENV) sync --quiet --dev
	@touch $@

node_modules/.synced: package-lock.json
	@command -v npm >/dev/null || { echo "npm is needed for the CDKTF CLI; install Node.js 20 or newer"; exit 1; }
	@echo "installing the CDKTF CLI of package-lock.json in node_modules"
	@npm ci --loglevel=error
	@touch $@

.checkov/.synced: tests/checkov-requirements.txt
	@echo "installing checkov in .checkov"
	@$(PYTHON) -m venv .checkov
	@.checkov/bin/pip install -qq --disable-pip-version-check -r $<
	@touch $@
