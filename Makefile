# What a person can do here. `make help` lists it; everything else is installed on the way.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
# What training takes has an environment of its own: 6 GB, torch among them.
TRAIN_VENV ?= $(VENV)-train
TRAIN := $(TRAIN_VENV)/bin/python
# Where `make train-small` puts what it makes.
SMALL ?= build/small
# `make test ARGS="-k batch"`
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install run test test-fast test-training train-install train-small check format bench space clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'

install: $(VENV)/.run  ## install what running takes, into VENV (.venv)

run: $(VENV)/.run  ## the app and its API on http://127.0.0.1:7860
	$(BIN)/python app.py

test: $(VENV)/.dev $(VENV)/.chromium $(TRAIN_VENV)/.train  ## all tests, those of training too; ARGS="-k batch" for some
	@$(BIN)/python -m pipeline.warm
	@CHROMIUM="$$(cat $(VENV)/.chromium)" $(BIN)/python tests/suites.py $(TRAIN):tests/training $(BIN)/python:tests -- $(ARGS)

test-fast: $(VENV)/.dev  ## the tests that take seconds and need neither browser nor network
	@$(BIN)/python -m pipeline.warm
	$(BIN)/python -m pytest -m "not slow and not browser and not network and not bench" $(ARGS)

test-training: $(TRAIN_VENV)/.train  ## the tests of training alone
	@$(TRAIN) -m pipeline.warm
	$(TRAIN) -m pytest tests/training $(ARGS)

train-small: $(TRAIN_VENV)/.train  ## every training from the data to a release, in minutes, into SMALL (build/small)
	@$(TRAIN) -m pipeline.warm
	$(TRAIN) -m training_colab.rows $(SMALL)/rows.parquet --small --jobs 2
	$(TRAIN) -m training_colab.train_classifier --small --models $(SMALL)/models
	$(TRAIN) -m training_colab.train_correlation $(SMALL)/rows.parquet --small --models $(SMALL)/models
	$(TRAIN) -m training_colab.embed --small
	$(TRAIN) -m training_colab.train_predictor train $(SMALL)/rows.parquet --small --models $(SMALL)/models
	$(TRAIN) -m training_colab.train_predictor evaluate $(SMALL)/rows.parquet --models $(SMALL)/models
	$(TRAIN) -m training_colab.compress $(SMALL)/rows.parquet --small
	$(TRAIN) -m training_colab.train_agent train $(SMALL)/rows.parquet $(SMALL)/agent --small --models $(SMALL)/models
	$(TRAIN) -m training_colab.train_agent export $(SMALL)/agent --models $(SMALL)/models
	$(TRAIN) -m training_colab.train_agent evaluate $(SMALL)/agent --small --models $(SMALL)/models
	$(TRAIN) -m training_colab.export $(SMALL)/rows.parquet --small --models $(SMALL)/models

train-install: $(TRAIN_VENV)/.train  ## install what training takes, into TRAIN_VENV (.venv-train)

check: $(VENV)/.dev  ## format, lint, types, and the arrows between modules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir build/import-linter

format: $(VENV)/.dev  ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.run  ## how long analyses and conversions take here
	$(BIN)/python -m benchmarks.speed $(ARGS)

space: $(VENV)/bin/python  ## what is pushed to a Hugging Face Space, in build/space; ARGS="--models owner/name@v1"
	$(BIN)/python deploy/space.py $(ARGS)

clean:  ## remove what was installed and built
	rm -rf $(VENV) $(TRAIN_VENV) build .pytest_cache .ruff_cache .mypy_cache .hypothesis

# A stamp holds the hash of the requirements it was made from, so that a checkout's new file dates install nothing again.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	@new=$$(cat requirements.txt | sha256sum); [ "$$new" = "$$(cat $@ 2>/dev/null)" ] || \
	  $(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.txt && \
	  $(BIN)/python -m pipeline.warm && echo "$$new" > $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	@new=$$(cat requirements.txt requirements-dev.txt | sha256sum); [ "$$new" = "$$(cat $@ 2>/dev/null)" ] || \
	  $(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt; \
	  [ $$? -eq 0 ] && echo "$$new" > $@

$(TRAIN):
	$(PYTHON) -m venv $(TRAIN_VENV)

$(TRAIN_VENV)/.train: requirements.txt training_colab/requirements.txt | $(TRAIN)
	@new=$$(cat requirements.txt training_colab/requirements.txt | sha256sum); [ "$$new" = "$$(cat $@ 2>/dev/null)" ] || \
	  $(TRAIN) -m pip install --disable-pip-version-check --quiet -r training_colab/requirements.txt; \
	  [ $$? -eq 0 ] && echo "$$new" > $@

# The browser of the tests: CHROMIUM, the system's, or one that Playwright fetches (then the stamp is empty).
$(VENV)/.chromium: $(VENV)/.dev
	@path="$${CHROMIUM:-$$(command -v chromium || command -v chromium-browser || command -v google-chrome)}"; \
	  [ -n "$$path" ] || $(BIN)/python -m playwright install chromium; \
	  [ $$? -eq 0 ] && echo "$$path" > $@
