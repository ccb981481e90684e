VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON3 ?= python3

# A folder of wheels that pip is told about counts for uv too.
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
endif

.PHONY: check test slow quick lint types contracts unit coverage versions docs lock schema scripts train maps gallery smollm2 real bench bench-gpu calibrate sensitivity clean

check: $(READY)  ## Run the shipped specs on the embedded demo model.
	$(BIN)/pytest specs --model demo --ppcheck-json reports/check.json --ppcheck-report=reports/html

test: lint types contracts unit  ## Lint, types, contracts, tests.

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell
	$(BIN)/ppcheck validate specs

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

unit: $(READY)
	$(BIN)/pytest -n 2 tests --ignore tests/benchmarks -m "not slow"

slow: $(READY)  ## What `make test` leaves out: shipped specs on every model, sensitivity, simulations.
	$(BIN)/pytest -n 2 tests --ignore tests/benchmarks -m slow

quick: $(READY)  ## Lint, and the tests of what differs from BASE (the last commit).
	$(BIN)/ruff check
	.ci/changed-tests $(BASE) | xargs --no-run-if-empty $(BIN)/pytest -q -m "not slow"

coverage: $(READY)  ## The quick tests, and which lines of the package they run.
	$(BIN)/coverage run -m pytest -m "not slow" tests --ignore tests/benchmarks
	$(BIN)/coverage report --skip-covered

versions:  ## Test the lowest and the newest versions of the dependencies, each in its own .venv.
	.ci/versions lowest
	.ci/versions newest

docs: $(VENV)-docs/bin/zensical  ## The documentation site, in build/site; a broken link is an error.
	$(VENV)-docs/bin/zensical build --strict --clean

$(VENV)-docs/bin/zensical: pyproject.toml
	$(PYTHON3) -m venv $(VENV)-docs
	$(VENV)-docs/bin/python -m pip install --quiet uv
	$(VENV)-docs/bin/uv pip install --quiet --python $(VENV)-docs/bin/python --group docs
	touch $@

lock: $(READY)  ## Resolve the dependencies again into requirements.lock.
	$(BIN)/uv pip compile pyproject.toml --group dev --upgrade --quiet --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements.lock
	sed -i 's/+cpu$$//' requirements.lock

schema: $(READY)  ## Write the JSON Schemas of specs and of run records again.
	$(BIN)/ppcheck schema > ppcheck/spec/schema.json
	$(BIN)/ppcheck schema record > ppcheck/record/schema.json

scripts: node_modules/.package-lock.json  ## Lint, format and types of the pages' scripts; needs node.
	npx biome check --error-on-warnings
	npx tsc

node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund

train: $(READY)  ## Train the demo model again.
	$(BIN)/python -m ppcheck.demo.train

maps: $(READY)  ## Write the shipped maps of where models have their sites again.
	$(BIN)/python -m tests.subject.ship_maps

gallery: $(READY)  ## Take the pictures in docs/images again; REAL=RECORD that of a real model, too. Needs Chromium.
	$(BIN)/python -m tests.gallery.take $(REAL)

smollm2: $(READY)  ## Get SmolLM2-135M-Instruct (98 MB) into build/real, and run one spec on it.
	$(BIN)/python -m tests.real.smollm2
	$(BIN)/pytest tests/real/capitals.pp.yaml --model=build/real/SmolLM2-135M-Instruct.Q4_1.gguf

real: $(READY)  ## The study of docs/study.md once more, held to its figures: most of an hour, then seconds.
	$(BIN)/python -m tests.real.study

BENCH = $(BIN)/pytest tests/benchmarks -s --benchmark-enable $(if $(TINY),--tiny)

bench: $(READY)  ## Benchmarks; ONLY=W1 runs one, DEVICE, DTYPE and BEFORE=REV as in CONTRIBUTING.md.
	$(BENCH) $(if $(ONLY),-k $(ONLY)_) $(if $(BEFORE),--before=$(BEFORE)) \
		$(if $(DEVICE),--ppcheck-device=$(DEVICE)) $(if $(DTYPE),--ppcheck-dtype=$(DTYPE))

bench-gpu: DEVICE ?= cuda
bench-gpu: $(READY)  ## W1, W2, W5, W7 and a Llama of a billion on a GPU, in eight minutes at most.
	failed=0; for dtype in float32 bfloat16; do \
		timeout 240 $(BENCH) -k "w1_ or w2_ or w5_ or w7_ or largest_" \
			--ppcheck-device=$(DEVICE) --ppcheck-dtype=$$dtype || failed=1; \
	done; exit $$failed

calibrate: $(READY)  ## Simulate what the statistics keep: docs/calibration.md; ONLY=missing adds what it lacks.
	$(BIN)/python -m tests.calibration.study $(if $(ONLY),--$(ONLY))

sensitivity: $(READY)  ## What the gate says of benign and of planted changes: docs/sensitivity.md.
	$(BIN)/python -m tests.sensitivity.study

clean:
	rm -rf node_modules $(VENV) $(VENV)-lowest $(VENV)-newest $(VENV)-docs $(VENV)-wheel build/site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(READY): requirements.lock pyproject.toml
	$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ppcheck needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON3) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@
