# The front door. Every target is a few plain commands; presets are in CMakePresets.json, helpers in scripts/.
#
#   make                    build/adder
#   make run PROMPT="..."   build it and let the built-in model continue a text   (ARGS="-n 64 --seed 1" adds options)
#   make test               build and run the edge tests
# The rest: make help.

PROMPT ?= Once upon a time
ARGS ?=
DURATION ?= 600
WORK ?= build/$@
PREFIX ?= /usr/local
PYTHON ?= python3
export PROMPT

packages = scripts/ensure-packages
ctest = ctest --output-on-failure --no-tests=error -j$(shell nproc)

build: ## build/adder, the edge program
	@$(packages) packages.txt
	cmake --preset release
	cmake --build build --target adder

run: build ## continue PROMPT with the built-in model
	@build/adder run -p "$$PROMPT" $(ARGS)

test: ## build and run every edge test
	@$(packages) packages.txt
	cmake --preset release
	cmake --build build
	$(ctest) --test-dir build

build-train: ## build/adder-train, the trainer (libtorch)
	@$(packages) packages.txt packages-train.txt
	cmake --preset train
	cmake --build build --target adder-train

test-train: ## build and run the trainer's tests
	@$(packages) packages.txt packages-train.txt
	cmake --preset train
	cmake --build build
	$(ctest) --test-dir build -L train

elastic-mini: ## shrink a toy parent by every method, from synthetic text, in minutes
	@$(packages) packages.txt packages-train.txt
	cmake --preset train
	cmake --build build --target adder adder-train
	rm -rf build/elastic-mini
	scripts/elastic recipes/study/mini build/elastic-mini build

elastic: ## the study of shrinking on the parent of recipes/study/laptop; resumes WORK (build/elastic)
	@$(packages) packages.txt packages-train.txt
	cmake --preset train
	cmake --build build --target adder adder-train
	scripts/elastic recipes/study/laptop "$(WORK)" build

elastic-stages: ## what a second stage on long windows is worth, by recall; resumes WORK (build/elastic-stages)
	@$(packages) packages.txt packages-train.txt
	cmake --preset train
	cmake --build build --target adder adder-train
	scripts/elastic-stages "$(WORK)" build

bench: ## micro-benchmarks, then the built-in model
	@$(packages) packages.txt packages-ci.txt
	cmake --preset bench
	cmake --build build
	scripts/bench build

compat: build ## compare with llama.cpp and Hugging Face
	tests/compat/run build

emulate: ## the kernels' tests on an emulated processor with AVX-512, VNNI and AMX
	@$(packages) packages.txt packages-emulate.txt
	cmake --preset release
	cmake --build build --target run_kernels_test
	tests/emulate/run build

bench-peers: build ## adder and llama.cpp in turns on the 4B's shapes (ARGS="--prompt 512 --depth 0 ...")
	tests/compat/bench build $(ARGS)

bench-train: ## adder-train and transformers in turns, asked by a Python that has torch and transformers: PYTHON=...
	@$(packages) packages.txt packages-train.txt
	cmake --preset train
	cmake --build build --target adder adder-train
	$(PYTHON) tests/compat/train_speed.py --adder build/adder --trainer build/adder-train $(ARGS)

check-official: ## the published 4B in FILE against its published figures
	@$(packages) packages.txt
	cmake --preset release
	cmake --build build --target official_test
	ADDER_OFFICIAL_FILE="$(abspath $(FILE))" build/tests/official/official_test

fuzz: ## every libFuzzer target, DURATION seconds each (600)
	@$(packages) packages.txt packages-ci.txt
	cmake --preset fuzz
	cmake --build build/fuzz
	scripts/fuzz build/fuzz $(DURATION)

soak: DURATION = 1800
soak: ## a long random life of the engine, checked at every step, for DURATION seconds (1800)
	@$(packages) packages.txt
	cmake --preset release
	cmake --build build
	scripts/soak build $(DURATION)

format: ## rewrite the sources with clang-format-14
	@$(packages) packages.txt packages-ci.txt
	scripts/format

lint: ## clang-format, include arrows, symbols of the ISA objects
	@$(packages) packages.txt packages-ci.txt
	scripts/format --check
	scripts/check-includes
	cmake --preset release
	cmake --build build --target adder_run_kernels
	$(ctest) --test-dir build -R symbols

install: build ## into PREFIX (/usr/local)
	cmake --install build --prefix "$(PREFIX)"

clean: ## forget every build
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

.PHONY: build run test build-train test-train elastic-mini elastic elastic-stages bench bench-peers bench-train compat emulate check-official fuzz soak format lint install clean help
