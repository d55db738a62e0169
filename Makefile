# Every verb of the project. `make` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One data set in the GAICD layout, for everything that trains; `make evaluate` takes a folder of several too.
DATA ?= ../shared/data/crops
EVALUATED ?= $(if $(filter command environment,$(firstword $(origin DATA))),$(DATA),../shared/data)
BACKBONE ?= $(or $(if $(filter paper,$(RECIPE)),torchvision),$(wildcard ../shared/weights/mobilenet_v2_imagenet.safetensors),torchvision)
CHECKPOINT ?= model/weights/vrn-mobilenetv2.safetensors
RECIPE ?= default
SEED ?= 0
START ?= runs/train/best.safetensors
OUT ?= runs/train
SEEDS ?= 3
SPLIT ?= test
SBOM ?= sbom.json
SITE ?= site
# ONNX Runtime else keeps a data base of events and an id of the device in the home folder, and ends later for it.
export ORT_DISABLE_TELEMETRY := 1
# Test processes side by side; a file stays in one, as its tests share servers and models.
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run test test-docker test-k8s test-gpu bench-gpu docs lock sbom lint train train-people evaluate ablation table1 table2 figures export bench bench-quick bench-serving attack clean

help: ## list the verbs
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.serve: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	@touch $@ $(VENV)/.serve

run: $(VENV)/.serve ## serve on VRN_HOST:VRN_PORT (127.0.0.1:8000) with the trained model
	$(BIN)/python -m vrn_cropper.service

# One thread a process: two that train with two threads each, on two cores, take more than twice as long.
test: lint ## lint and all tests, test-docker among them: JOBS=2
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile
	@$(MAKE) --no-print-directory test-docker

test-docker: $(VENV)/.dev ## build the images and try the compose stack; skipped without a Docker engine
	$(BIN)/python -m pytest -m docker -s tests/docker

test-k8s: $(VENV)/.dev ## manifests, alert rules and dashboard
	$(BIN)/python -m pytest tests/k8s

# A machine with torch and no network: GPU_PYTHON=python3 takes its Python instead of making an environment.
test-gpu: $(if $(GPU_PYTHON),,$(VENV)/.dev) ## CUDA engine against the CPU, needs an NVIDIA GPU: GPU_PYTHON=python3
	PYTHONPATH=. $(or $(GPU_PYTHON),$(BIN)/python) -m pytest -m gpu -s tests/gpu

bench-gpu: $(if $(GPU_PYTHON),,$(VENV)/.dev) ## warm-up, photos/s by batch size, the server by HTTP on a GPU (about 3 minutes)
	PYTHONPATH=. $(or $(GPU_PYTHON),$(BIN)/python) -m benchmarks.gpu

docs: $(VENV)/.dev ## the documentation site of this version: SITE=site
	$(BIN)/python docs/build_site.py $(SITE)

lock: ## refresh docker/*.lock (needs uv)
	docker/lock.sh

sbom: $(VENV)/.dev ## what the CPU image installs, in CycloneDX: SBOM=sbom.json
	$(BIN)/cyclonedx-py requirements docker/requirements.lock --pyproject pyproject.toml --output-reproducible --output-file $(SBOM)

lint: $(VENV)/.dev ## rules and formatting (ruff), types (mypy)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The shipped model's settings, from an ImageNet backbone (MODEL_CARD.md has its own, BACKBONE=FILE takes it); a killed
# run is continued by the same command.
train: $(VENV)/.dev ## train: DATA=DIR RECIPE=default|paper EPOCHS=5 SEED=0 OUT=runs/train BACKBONE=FILE|torchvision|random
	$(BIN)/python -m vrn_cropper.model.training --data $(DATA) --out $(OUT) --recipe $(RECIPE) --backbone $(BACKBONE) $(if $(EPOCHS),--epochs $(EPOCHS)) --seed $(SEED)

# Runs that differ in their seed alone, then the mean of their weights. START is a checkpoint of `make train`.
train-people: OUT = runs/people
train-people: $(VENV)/.dev ## train further on people's labels: START=FILE EVALUATED=DIR SEEDS=3 OUT=runs/people
	for seed in $$(seq 0 $$(($(SEEDS) - 1))); do $(BIN)/python -m vrn_cropper.model.training.people --data $(EVALUATED) --start-from $(START) --seed $$seed --out $(OUT)/$$seed || exit 1; done
	$(BIN)/python -m vrn_cropper.model.training.people.finish $(OUT)/*/best.safetensors --data $(EVALUATED) --out $(OUT)/vrn.safetensors --fixed-ratio-gain 0 --fixed-attention-gain 12 --fixed-subject-gain 1

evaluate: $(VENV)/.dev ## tables of all that DATA has, people first: DATA=DIR CHECKPOINT=FILE SPLIT=test|validation
	$(BIN)/python -m vrn_cropper.model.evaluation --data $(EVALUATED) --checkpoint $(CHECKPOINT) --split $(SPLIT) --figures runs/evaluation

ablation: $(VENV)/.dev ## the paper's Tab. 2 on frozen features: DATA=DIR SEEDS=3
	$(BIN)/python -m vrn_cropper.model.training.ablation --data $(DATA) --backbone $(BACKBONE) --seeds $(SEEDS)

table1: $(VENV)/.dev ## the paper's Tab. 1 by its recipe, full training, on test photos: DATA=DIR SEEDS=3
	$(BIN)/python -m vrn_cropper.model.training.paper_tables --data $(DATA) --table 1 --backbone $(BACKBONE) --seeds $(SEEDS) $(if $(EPOCHS),--epochs $(EPOCHS))

table2: $(VENV)/.dev ## the four rows of the paper's Tab. 2 likewise: DATA=DIR SEEDS=3
	$(BIN)/python -m vrn_cropper.model.training.paper_tables --data $(DATA) --table 2 --backbone $(BACKBONE) --seeds $(SEEDS) $(if $(EPOCHS),--epochs $(EPOCHS))

figures: $(VENV)/.dev ## the paper's Fig. 4 and 5 as PNGs: DATA=DIR
	$(BIN)/python -m vrn_cropper.model.evaluation.figures --data $(DATA) --checkpoint $(CHECKPOINT) --out runs/figures

export: $(VENV)/.dev ## the inference graph of a checkpoint to ONNX: CHECKPOINT=FILE
	$(BIN)/python -m vrn_cropper.model.network.export $(CHECKPOINT)

bench: bench-serving $(VENV)/.dev ## load on a server of its own, then the comparison with peers (about 20 minutes)
	$(BIN)/python -m benchmarks.peers --out benchmarks/RESULTS.md

bench-quick: $(VENV)/.dev ## the comparison with peers, shorter (about 4 minutes once they are installed)
	$(BIN)/python -m benchmarks.peers --quick --out benchmarks/RESULTS.md

bench-serving: $(VENV)/.dev ## load on a server of its own: throughput, latency, overload, memory (about 6 minutes)
	$(BIN)/python -m benchmarks.serving

attack: $(VENV)/.dev ## attack a server of its own on loopback (about 75 minutes): ATTACK="--quick" takes about 3
	$(BIN)/python -m benchmarks.attack $(ATTACK)

clean: ## remove what make made, but not runs/
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info
