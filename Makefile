# make install what a user needs into .venv, and nothing else
# make demo    install, restore, score and report on the embedded faces; says where the page is
# make check   install, then format, lint, types, import rules and all tests but perf
# make quick   the tests for the inner loop: no browser, no Ray, nothing slow; as in check, three files at a time: many tests wait
# make docs    the documentation as a site that opens from the disk: build/docs/index.html
# make fuzz    damaged and hostile inputs for FUZZ_MINUTES (10) a kind of reader; failing ones go to tests/fuzz/corpus
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BENCH := $(BIN)/bench
METHODS := bicubic,esrgan,pulse,glean
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: install demo test quick lint check docs perf fuzz browser clean

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; give one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "== installing torch and others into $(VENV): 6 GB, some minutes without a word"
	$(PIP) -e '.[identity]'
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml constraints.txt
	@echo "== installing torch, test tools and others into $(VENV): 7 GB, some minutes without a word"
	$(PIP) -e '.[identity,sources,train,diffusion,docs,test]'
	@touch $@ $(VENV)/.demo

install: $(VENV)/.demo
	@echo "== $(BENCH) is there"

demo:
	@begin=$$(date +%s); phase=$$begin; \
	phase_ends() { now=$$(date +%s); echo "== $$1: $$((now - phase)) s"; phase=$$now; }; \
	$(MAKE) --no-print-directory $(VENV)/.demo && phase_ends install && \
	{ $(BENCH) prepare --methods $(METHODS) --category faces --metrics psnr,ssim,lr_psnr,lpips,lite2,dlib,landmarks; phase_ends downloads; } && \
	$(BENCH) run --methods $(METHODS) --category faces --factor 16,32,64 --images 3 --out runs/demo && \
	phase_ends "restore and score" && $(BENCH) report runs/demo && phase_ends report && \
	echo "== all: $$(($$(date +%s) - begin)) s; open runs/demo/report/index.html"

browser:
	@sh tests/install_browser.sh $(BIN)/python

test: $(VENV)/.test browser
	$(PYTEST)

quick: $(VENV)/.test
	$(PYTEST) -m 'not (browser or ray or slow or fuzz or perf)' --timeout=120

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

docs: $(VENV)/.test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "== open build/docs/index.html"

perf: $(VENV)/.test
	FIGURES=docs/speed.csv $(BIN)/python -m pytest -m perf --timeout=0; \
	status=$$?; $(BIN)/python -m scripts.tables; exit $$status

fuzz: $(VENV)/.test
	FUZZ_MINUTES=$${FUZZ_MINUTES:-10} $(BIN)/python -m pytest tests/fuzz -s --timeout=0

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache
