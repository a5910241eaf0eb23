# The few commands that a newcomer needs; everything else is CMake (CMakePresets.json).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
export NINJA_STATUS := [%f/%t] 

.PHONY: help deps test-deps build demo test test-long asan tsan fuzz check format clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

deps:
	@scripts/install-deps.sh

test-deps:
	@scripts/install-deps.sh --test

build: deps ## install what is needed, then build the program build/umbra
	@cmake --preset release -DBUILD_TESTING=OFF --log-level=WARNING >/dev/null
	@cmake --build --preset release -- --quiet

demo: build ## build, then classify a chest X-ray under encryption
	@build/umbra demo

test: test-deps ## build and run every test but the long ones
	@cmake --preset release -DBUILD_TESTING=ON --log-level=WARNING >/dev/null
	@cmake --build --preset release -- --quiet
	@ctest --preset release -j$(JOBS)

test-long: test-deps ## build and run the long tests: valgrind, whole networks
	@cmake --preset release -DBUILD_TESTING=ON --log-level=WARNING >/dev/null
	@cmake --build --preset release -- --quiet
	@ctest --test-dir build -L long --output-on-failure --timeout 7200 --no-tests=ignore
	@cmake --preset valgrind --log-level=WARNING >/dev/null
	@cmake --build --preset valgrind -- --quiet
	@ctest --test-dir build-valgrind -L valgrind --output-on-failure --timeout 7200

asan: test-deps ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake --preset debug --log-level=WARNING >/dev/null
	@cmake --build --preset debug -- --quiet
	@ctest --preset debug -j$(JOBS)

tsan: test-deps ## the tests of threaded code under ThreadSanitizer
	@cmake --preset thread --log-level=WARNING >/dev/null
	@cmake --build --preset thread -- --quiet
	@ctest --preset thread -j$(JOBS)

fuzz: test-deps ## build the fuzz targets for libFuzzer into build-fuzz/bin
	@cmake --preset fuzz --log-level=WARNING >/dev/null
	@cmake --build --preset fuzz -- --quiet
	@echo "run one: build-fuzz/bin/fuzz_envelope fuzz/corpus/envelope"

check: test-deps ## layers, sizes, format, BENCHMARKS.md, secrets, and no warning from gcc and clang
	@python3 tools/check_layers.py
	@python3 tools/check_sizes.py
	@tools/check_format.sh
	@python3 bench/make_benchmarks.py check
	@cmake --preset release -DBUILD_TESTING=ON --log-level=WARNING >/dev/null
	@cmake --build --preset release -- --quiet
	@tools/check_secrets.sh build/umbra build/bin/umbra-server-only
	@tools/check_warnings.sh

format: ## rewrite the C sources in the project's format
	@tools/check_format.sh --fix

clean: ## remove every build folder
	@rm -rf build build-*/
