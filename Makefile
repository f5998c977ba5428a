# What a person types in a fresh clone. Everything is installed into .venv; nothing outside the checkout is touched,
# except that `make test` run as root on Debian or Ubuntu installs the few system packages that tests need (it says which).
#
#   make scan      base install, then one scan of the shipped demonstration recording
#   make test      every extra that tests need, then all tests
#   make lint      ruff and mypy
#   make resolve   proof that the base install resolves for Jetson and PC from wheels alone
#
# PYTHON picks the interpreter (3.10 or newer). TORCH is what pip is asked for: where pip would fetch a CUDA build of
# several gigabytes, take the CPU one: make test TORCH='torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu'

PYTHON ?= python3
TORCH ?= torch==2.13.0
PYTEST_ARGS ?= -n auto
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Cameras are tested first and alone: librealsense's playback is threaded, and may crash when it is stopped on a machine
# whose cores are all busy with other tests.
# Tests for parts that no ordinary machine has. They are left out by name here, never skipped from within.
HARDWARE := not gpu and not tensorrt and not camera

.PHONY: scan test lint resolve clean
.DELETE_ON_ERROR:

scan: $(VENV)/.base
	$(BIN)/latx-edge scan --camera demo

test: $(VENV)/.test
	@echo "left out, for want of the hardware: tests marked gpu, tensorrt or camera"
	$(BIN)/python -m pytest -m "$(HARDWARE)" tests/edge/camera
	$(BIN)/python -m pytest -m "$(HARDWARE)" --ignore tests/edge/camera $(PYTEST_ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/mypy

resolve: $(VENV)/.base
	$(BIN)/python .ci/resolve.py

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --editable .
	touch $@

$(VENV)/.test: $(VENV)/.base .ci/system-packages
	bash .ci/system-packages
	$(PIP) install --quiet $(TORCH)
	$(PIP) install --quiet --editable '.[export,realsense,parser,plugin,peer,cluster,dev]'
	touch $@
