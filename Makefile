# make            what there is to do
# make demo       five workers on one socket, nothing else needed

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
export PATH := $(PATH):/usr/local/go/bin:/usr/sbin:/sbin

binary  := bin/fcgi-supervisor
version := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: help demo build packages test acceptance lint docs docs-current bench clean deps

help: ## print this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 16

demo: build ## five workers behind one socket, with a page that shows them
	$(binary) demo

build: ## bin/fcgi-supervisor, one static file
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(version)' -o $(binary) ./cmd/fcgi-supervisor

packages: ## .deb and .rpm in dist/
	deploy/build

# -count=1: the end-to-end tests run a binary that Go's test cache knows nothing of.
test: deps lint docs-current ## everything that must hold: style, vet, staticcheck, docs, all tests with -race
	go test -race -count=1 -timeout 30m ./...

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; } >&2
	go vet ./...
	go tool -modfile=.ci/tools/go.mod staticcheck ./...

docs: ## write the generated pages of docs/ anew
	go generate ./...

docs-current:
	@before=$$(.ci/digest docs); $(MAKE) --no-print-directory docs; \
	test "$$before" = "$$(.ci/digest docs)" || { echo "docs/ was not what the code says; it is now: commit it" >&2; exit 1; }

# What `make test` does in short: a hundred reloads of every kind of program there is;
# init systems that Debian 12 has not by itself.
acceptance: deps ## a hundred reloads of every kind of program, more init systems; writes docs/reference/reloads-measured.md
	.ci/deps .ci/packages-acceptance
	go test -count=1 -timeout 1h -run 'TestNewerSystemd|TestOpenRC' ./internal/boottest -args -acceptance
	go test -count=1 -timeout 3h -run 'TestAcceptance|TestCrashesLose|TestUpgradesLose' ./internal/e2e -args -acceptance $${RELOADS:-100} -acceptance-out $(CURDIR)/docs/reference/reloads-measured.md

bench: build ## Go benchmarks, and the comparison with other supervisors where it is at hand
	go test -run '^$$' -bench . -benchmem $$(go list ./... | grep -v /e2e)
	go test -run '^$$' -bench . ./internal/e2e
	@if [ -d ../shared/bench ]; then FCGI_SUPERVISOR=$(CURDIR)/$(binary) ../shared/bench/run-all -o "$${BENCH_OUT:-$${TMPDIR:-/tmp}/fcgi-supervisor-bench}"; fi

clean: ## remove what was built
	rm -rf bin dist

deps:
	@.ci/deps
