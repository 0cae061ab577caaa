# edgebot: `make run` asks its spoken demo question, `make test` runs the tests. `make help` lists all.

PYTHON  ?= python3
PROFILE ?= auto
WAV     ?= docs/demo/question.wav
OUT     ?= reply.wav
TESTS   ?= tests
BENCH   ?=
SUITE   ?= bookworm

BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run flash image chat test test-board lint format bench build docs lock doctor clean distclean

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make this checkout ready: environment, packages, models, knowledge (resumable)
	@$(PYTHON) -m edgebot.setup run

setup-dev: ## The same with what tests, lint and benchmarks need
	@$(PYTHON) -m edgebot.setup dev

run: setup ## Answer a spoken question: WAV=question.wav OUT=reply.wav
	@$(BIN)/edgebot turn "$(WAV)" --out "$(OUT)"

flash: setup ## Put a release onto a board: HOST=pi@kitchen.local [PROFILE=rpi5]; or a card: DEVICE=/dev/sdX IMAGE=edgebot.img
	@$(BIN)/edgebot flash $(if $(DEVICE),--device "$(DEVICE)" --image "$(IMAGE)",$(if $(HOST),"$(HOST)" --profile "$(PROFILE)")) $(ARGS)

image: setup ## Make a disk image from BASE=raspios.img: PROFILE=rpi5 OUT=edgebot.img ARGS="--hostname kitchen"
	@$(BIN)/edgebot bundle --profile "$(PROFILE)" --out "$(OUT).bundle"
	@$(BIN)/edgebot image "$(BASE)" --bundle "$(OUT).bundle" --out "$(OUT)" $(ARGS)

chat: setup ## Talk at the keyboard
	@$(BIN)/edgebot chat

doctor: setup ## Check this machine and say what to do
	@$(BIN)/edgebot doctor

test: setup-dev ## Run the tests: TESTS=tests/unit for a part
	@$(BIN)/python -m pytest $(TESTS)

test-board: setup-dev ## Flash whole machines in emulation, as root, 20 minutes: SUITE=trixie for Debian 13
	@$(BIN)/python -m tests.board --suite $(SUITE)

lint: setup-dev ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup-dev ## Put the code into the house's form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup-dev ## Measure, write benchmarks/results: BENCH="speech llm" for a part
	@$(BIN)/python -m benchmarks $(BENCH)

build: setup-dev ## Make and measure the models of a device profile: PROFILE=rpi4
	@$(BIN)/edgebot build --profile "$(PROFILE)"

docs: setup-dev ## Write the generated parts of docs/ anew
	@$(BIN)/python -m edgebot.cli.reference

lock: ## Pin the dependencies anew from pyproject.toml
	@$(BIN)/uv pip compile -q --no-header --no-emit-index-url --no-emit-find-links --upgrade pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --no-header --no-emit-index-url --no-emit-find-links -c requirements.lock --extra dev pyproject.toml -o requirements-dev.lock

clean: ## Remove what the tools left behind
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis reply.wav
	@find edgebot tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## Remove the environment and the fetched models too
	@rm -rf .venv models/store
