# make demo    restore example clips (or FILE=song.mp3) and draw before/after pictures in demo-out/
# make test    install everything the tests need into .venv and run them
# make check   formatting, lint, types, architecture and tests
# make golden  write the stored levels of the released model again, and print the change
# make clean   remove the virtual environments, caches and demo-out/

PYTHON ?= python3
FILE ?=
PYTEST_ARGS ?=
VENV := .venv
DEMO := .venv-demo
PIP_FLAGS := --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check format golden clean ffmpeg

demo: $(DEMO)/.installed
	$(DEMO)/bin/python examples/demo.py --out demo-out $(if $(FILE),"$(FILE)")

test: $(VENV)/.installed ffmpeg
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/.installed ffmpeg
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS)

format: $(VENV)/.installed
	$(VENV)/bin/ruff format
	$(VENV)/bin/ruff check --fix

golden: $(VENV)/.installed
	PYTHONPATH=examples $(VENV)/bin/python tests/golden/make.py

$(DEMO)/.installed: pyproject.toml constraints.txt
	$(call make_venv,$(DEMO))
	$(DEMO)/bin/python -m pip install $(PIP_FLAGS) -e '.[plots]'
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt
	$(call make_venv,$(VENV))
	$(VENV)/bin/python -m pip install $(PIP_FLAGS) -e '.[all,dev]'
	@touch $@

# Debian's Python has no ensurepip without python3-venv: install it where we may.
define make_venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "aliquot needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11"; exit 1; }
@$(PYTHON) -m venv $(1) || { \
  [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv && \
  $(PYTHON) -m venv $(1); } || \
  { echo "cannot make a virtual environment; run: sudo apt-get install python3-venv"; exit 1; }
endef

# ffmpeg is needed by the tests of M4A, WMA, APE, WavPack and video, fpcalc by those of Chromaprint;
# without them they are skipped.
ffmpeg:
	@{ command -v ffmpeg && command -v fpcalc; } >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends ffmpeg libchromaprint-tools >/dev/null; } || \
	  echo "ffmpeg or fpcalc is missing: their tests are skipped; to run them: sudo apt-get install ffmpeg libchromaprint-tools"

clean:
	rm -rf $(VENV) $(DEMO) demo-out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
