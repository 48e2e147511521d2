# SPDX-License-Identifier: Apache-2.0
# The front door only; what is built stands in meson.build, what is done in tools/.

HOME_DIR ?= build/run
LISTEN   ?= 127.0.0.1:30080
DNS_PORT ?= 5353

.PHONY: help run stop test demo check bench build deb windows guest-zfs clean install-packages

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 26

run: ## start a node with its own name server and say what to try next
	@tools/run.sh --home $(HOME_DIR) --listen $(LISTEN) --dns-port $(DNS_PORT)

stop: ## stop a node that was started in the background
	@tools/run.sh --stop --home $(HOME_DIR)

test: ## everything; the last line says N passed, N failed
	@tools/test.sh

demo: ## the whole story of the one door, without a person
	@tools/demo.sh

check: ## before a release: tidy, gcc and clang, tests, sanitizers, flows, fuzzers
	@tools/check.sh

guest-zfs: ## zfs_sync.sh on OpenZFS in a machine of its own (QEMU); the record is docs/records/openzfs-guest.md
	@python3 tests/guest/zfs.py

bench: ## measure, each against its peer
	@bench/run

build: install-packages ## build/debug, and the page: build/web
	@tools/web.py > /dev/null
	@[ -f build/debug/build.ninja ] || meson setup build/debug
	@ninja -C build/debug

deb: install-packages ## Debian packages of the node and of the agent: build/deb
	@tools/deb.py

windows: install-packages ## logicagent.exe, the telemetry of a Windows machine: build/cross-windows
	@tools/cross.py --windows

clean: ## remove what was built (not build/run: that is the node's folder)
	@rm -rf build/debug build/release build/asan build/clang build/fuzz build/web build/deb build/cross-windows

install-packages: ## Debian packages, silently when all are there
	@tools/install.sh
