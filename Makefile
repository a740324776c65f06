# iot-milter: every target, with what it does, is printed by `make help`.
#
# Needs Go 1.26 and make. `make demo` and `make test` install what else they
# need (.ci/setup), which takes Debian 12 or a relative of it and root.

PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
FUZZTIME   ?= 10s
BENCHFLAGS ?=
BURSTFLAGS ?=
SCALEFLAGS ?=
FAULTFLAGS ?=
SOAKFLAGS  ?=
ACCEPTANCEFLAGS ?=
GO         ?= go

# Tools that are no part of the product stay out of its module: they are run by
# version, and their own go.sum entries are checked by the checksum database.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = v1.9.0
CYCLONEDX   = v1.9.0

# A checkout may belong to another user than the one who builds. What make itself
# runs does not see the environment that it exports.
export GIT_CONFIG_COUNT = 1
export GIT_CONFIG_KEY_0 = safe.directory
export GIT_CONFIG_VALUE_0 = $(CURDIR)
export SENDMAIL_ROOT := $(shell .ci/setup where)

GIT      := git -c safe.directory=$(CURDIR)
VERSION  := $(shell $(GIT) describe --tags --always --dirty 2>/dev/null || echo devel)
# Of a package: VERSION where somebody names one.
PACKAGE  := $(if $(filter command,$(origin VERSION)),$(VERSION))
BUILDVCS := $(shell $(GIT) rev-parse HEAD >/dev/null 2>&1 && echo true || echo false)
SCRIPTS   = .ci/release .ci/run .ci/setup .ci/fuzz .ci/sbom .ci/vuln $$(find . -name '*.sh' -not -path './build/*' -not -path './packaging/scripts/*')

.PHONY: help build demo test valkey race fuzz fuzz-night sbom integration check fmt man completions cross bench bench-record faults soak burst scale accuracy packages reproducible acceptance release install install-systemd clean

help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

# HTTP/2 is spoken over TLS alone, and the daemon serves neither: without it the program is half a megabyte smaller.
build: ## build/iot-milter, static
	CGO_ENABLED=0 $(GO) build -trimpath -tags nethttpomithttp2 -buildvcs=$(BUILDVCS) -ldflags '-s -w -X main.version=$(VERSION)' -o build/iot-milter .

demo: ## all set-up, then the main job: three mails through a private Postfix
	.ci/setup demo
	@$(MAKE) --no-print-directory build
	$(GO) run ./integration/demo

test: ## all set-up, then every test: unit, race detector, real MTAs
	.ci/setup test
	$(GO) test ./...
	@$(MAKE) --no-print-directory valkey race integration

valkey: ## the tests of the shared memory, on Valkey
	REDIS_SERVER=$(CURDIR)/build/valkey/usr/bin/valkey-server $(GO) test ./policy/state/remote

race: ## the unit tests under the race detector
	CGO_ENABLED=1 $(GO) test -race ./...

integration: build ## the cases on real Postfix and Sendmail; needs root
	IOT_MILTER=$(CURDIR)/build/iot-milter $(GO) test -count=1 -timeout 30m -tags integration ./integration/...

fuzz: ## every fuzz target for FUZZTIME (10s)
	FUZZTIME=$(FUZZTIME) .ci/fuzz

fuzz-night: ## the same for 10 minutes each: some hours, for a night
	@$(MAKE) --no-print-directory fuzz FUZZTIME=10m

man: ## write packaging/man anew, from the commands, the sample and docs/signals
	$(GO) run ./internal/mangen

# musl needs nothing of its own: the binary is static.
cross: ## that program and tests build for FreeBSD (make packages builds linux/arm64)
	GOOS=freebsd GOARCH=amd64 CGO_ENABLED=0 $(GO) vet ./...
	GOOS=freebsd GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null .

completions: build ## build/completions: what bash, zsh and fish complete
	install -d build/completions/bash build/completions/zsh build/completions/fish
	build/iot-milter completion bash >build/completions/bash/iot-milter
	build/iot-milter completion zsh >build/completions/zsh/_iot-milter
	build/iot-milter completion fish >build/completions/fish/iot-milter.fish

sbom: build ## build/sbom.json, what is linked in (CycloneDX)
	.ci/sbom $(CYCLONEDX) $(VERSION)

check: ## format, vet, staticcheck, shellcheck, govulncheck, go.mod, layout rules, alerts
	.ci/setup check
	@out=$$(gofmt -l $$(find . -name '*.go' -not -path './build/*')); \
		[ -z "$$out" ] || { echo "gofmt: run make fmt for"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags integration ./integration/...
	$(GO) vet -tags acceptance ./packaging/acceptance
	$(GO) run $(STATICCHECK) ./...
	$(GO) run $(STATICCHECK) -tags integration ./integration/...
	$(GO) run $(STATICCHECK) -tags acceptance ./packaging/acceptance
	shellcheck $(SCRIPTS) packaging/openrc/iot-milter.* packaging/freebsd/iot_milter.in
	$(GO) mod verify
	$(GO) mod tidy -diff
	$(GO) test -count=1 ./internal/layouttest
	build/promtool/promtool check rules packaging/prometheus/alerts.yml
	build/promtool/promtool test rules packaging/prometheus/alerts_test.yml
	@$(MAKE) --no-print-directory cross
	.ci/vuln $(GOVULNCHECK)

fmt: ## gofmt -w
	gofmt -w $$(find . -name '*.go' -not -path './build/*')

bench: build ## what a message costs, beside other filters: tables and targets, also into docs/performance.md; BENCHFLAGS=-quick is a small one
	.ci/setup test
	integration/bench/bench.sh $(BENCHFLAGS)

bench-record: build ## the results of Go benchmarks that later ones are compared with: integration/bench/recorded
	integration/bench/bench.sh -parts go,instructions -record -write=false

faults: build ## everything broken under load, on real MTAs: the matrix of docs/reliability.md; FAULTFLAGS=-faults.write writes it
	.ci/setup test
	IOT_MILTER=$(CURDIR)/build/iot-milter $(GO) test -count=1 -timeout 10m -v -tags integration ./integration/ -run '^TestFaults$$' -faults $(FAULTFLAGS)

soak: build ## a million sessions of all sorts: memory, goroutines, descriptors and files stay flat; SOAKFLAGS="-soak-sessions 20000" is quicker
	$(GO) run ./integration/bench -soak $(SOAKFLAGS)

burst: ## the report of 2014 played again: 200,000 messages of things and PCs among 100,000 others; BURSTFLAGS=-explain says who escapes
	$(GO) run ./integration/burst $(BURSTFLAGS)

scale: ## a hundred nodes and a real redis-server: the figures and tables of docs/scale.md; SCALEFLAGS=-quick is a small one
	$(GO) run ./integration/scale $(SCALEFLAGS)

accuracy: ## docs/accuracy.md and its curve, from recorded mail in DATA, which is not part of the project
	$(GO) run ./internal/fit -accuracy docs -data "$(DATA)"

packages: ## dist/: deb and rpm for amd64 and arm64, looked through by lintian and rpmlint; VERSION=1.2.3 names them
	.ci/setup packages
	rm -f dist/*.deb dist/*.rpm
	packaging/build.sh "$(PACKAGE)"
	packaging/lint.sh

reproducible: ## builds dist/ once more, elsewhere, and compares each byte
	packaging/reproducible.sh "$(PACKAGE)"

# The version to upgrade from is built from the same source, under a number below all others.
acceptance: packages ## the packages on fresh systems: install, mail, upgrade, remove, trouble; needs root; ACCEPTANCEFLAGS="-run Postfix" is quicker
	.ci/setup acceptance
	rm -rf build/acceptance
	DIST=build/acceptance packaging/build.sh 0.0.1 amd64
	ACCEPTANCE_NEW=$(CURDIR)/dist ACCEPTANCE_OLD=$(CURDIR)/build/acceptance \
		$(GO) test -count=1 -timeout 30m -tags acceptance ./packaging/acceptance $(ACCEPTANCEFLAGS)

release: ## dist/ of the version that HEAD's tag names: packages, source, SBOM, notes, checksums (docs/releasing.md)
	.ci/release

# Root may have no Go: what was built is installed.
build/iot-milter:
	@$(MAKE) --no-print-directory build

install: build/iot-milter ## the binary of make build, the manual pages and the sample configuration, under DESTDIR and PREFIX
	install -D -m 0755 build/iot-milter $(DESTDIR)$(PREFIX)/bin/iot-milter
	@for page in packaging/man/*.[578]; do \
		install -D -m 0644 "$$page" "$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}" || exit 1; done
	@conf=$(DESTDIR)$(SYSCONFDIR)/iot-milter/iot-milter.toml; \
		if [ -e "$$conf" ]; then echo "$$conf is kept"; \
		else install -D -m 0644 conf/iot-milter.toml "$$conf" && echo "$$conf"; fi

UNITS = packaging/systemd/iot-milter.service packaging/systemd/iot-milter-new-postfix.service packaging/systemd/iot-milter.socket packaging/systemd/iot-milter-postfix.socket

install-systemd: install ## the same and systemd's units, user and folder, which docs/mta.md#systemd sets in motion
	@for unit in $(UNITS); do \
		sed 's,/usr/bin/iot-milter,$(PREFIX)/bin/iot-milter,' $$unit | \
			install -D -m 0644 /dev/stdin "$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/}" && echo "$(PREFIX)/lib/systemd/system/$${unit##*/}" || exit 1; done
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system/postfix.service.wants
	ln -sf ../iot-milter-new-postfix.service $(DESTDIR)$(PREFIX)/lib/systemd/system/postfix.service.wants/
	install -D -m 0644 packaging/systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/iot-milter.conf
	install -D -m 0644 packaging/systemd/tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/iot-milter.conf

clean: ## remove what was built
	rm -rf build dist iot-milter
