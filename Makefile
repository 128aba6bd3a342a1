# make demo   the whole road on the virtual rig, no hardware needed
# make test   every test
# make lint   ruff, import-linter, pyright
# make bench  what benchmarks/README.md tabulates
# All make .venv first, with what constraints.txt pins.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test lint bench clean

demo: $(VENV)/.installed
	$(BIN)/acq demo --force

test: $(VENV)/.installed
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks.storage
	$(BIN)/python -m benchmarks.virtual_subject

$(VENV)/.installed: pyproject.toml constraints.txt tools/make_venv.sh
	PYTHON="$(PYTHON)" sh tools/make_venv.sh $(VENV)
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info demo
	$(MAKE) -C firmware clean
