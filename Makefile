# make demo   the whole road on the virtual rig, no hardware needed
# make test   every test
# make lint   ruff, import-linter, pyright
# make bench  what benchmarks/README.md tabulates, two hours
# make soak   faults many times over, hostile files, recordings of ten minutes and an hour: four hours
# make mutants  changes of the code, drawn at random, that no test notices: two hours; again, for more of them
# All make .venv first, with what constraints.txt pins; `make test` makes .venv-oldest, too, for the tests of old readers.

PYTHON ?= python3
VENV   := .venv
OLDEST := .venv-oldest
BIN    := $(VENV)/bin

.PHONY: demo test lint bench soak mutants clean

demo: $(VENV)/.installed
	$(BIN)/acq demo --force

# two processes for two cores, and one that mostly waits: tests against the clock; one thread each
test: export OMP_NUM_THREADS = 1
test: $(VENV)/.installed $(OLDEST)/.installed
	$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder -m "not gstreamer" $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m gstreamer $(PYTEST_ARGS) || [ $$? -eq 5 ]    # 5: PYTEST_ARGS leaves none of them

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.clock
	$(BIN)/python -m benchmarks.clock_twin
	$(BIN)/python -m benchmarks.calibration
	$(BIN)/python -m benchmarks.cameras
	$(BIN)/python -m benchmarks.firmware
	$(BIN)/python -m benchmarks.storage
	$(BIN)/python -m benchmarks.recording
	$(BIN)/python -m benchmarks.finger
	$(BIN)/python -m benchmarks.panel
	$(BIN)/python -m benchmarks.virtual_subject
	$(BIN)/python -m benchmarks.catalogue
	$(BIN)/python -m benchmarks.lag
	$(BIN)/python -m benchmarks.heart_rate
	$(BIN)/python -m benchmarks.beats
	$(BIN)/python -m benchmarks.variability
	$(BIN)/python -m benchmarks.duplicates --quick
	$(BIN)/python -m benchmarks.convert --long
	$(BIN)/python -m benchmarks.importing
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.frames
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.board
	$(BIN)/python -m benchmarks.live
	$(BIN)/python -m benchmarks.predict_file
	$(BIN)/python -m benchmarks.real_faces

soak: $(VENV)/.installed
	$(BIN)/python -m benchmarks.soak
	$(BIN)/python -m benchmarks.fuzz --hours 2
	$(BIN)/python -m benchmarks.recording --case 30:600:1 --case 30:3600:0
	$(BIN)/python -m benchmarks.recording --hour

mutants: $(VENV)/.installed
	$(BIN)/pip install --quiet -c constraints.txt mutmut
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.mutants run

$(VENV)/.installed: pyproject.toml constraints.txt tools/make_venv.sh
	PYTHON="$(PYTHON)" sh tools/make_venv.sh $(VENV)
	touch $@

$(OLDEST)/.installed: pyproject.toml tools/make_oldest_venv.sh
	PYTHON="$(PYTHON)" sh tools/make_oldest_venv.sh $(OLDEST)

clean:
	rm -rf $(VENV) $(OLDEST) mutants build dist *.egg-info demo
	$(MAKE) -C firmware clean
