# Every target is a plain command one can type; see README.md, Develop.
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

.PHONY: build test check race fuzz bench soak demo need clean

build: ## the binary, ./dealgate
	$(BUILD) -o dealgate ./cmd/dealgate

demo: build ## gate, shop and a synthetic crowd in one process
	./dealgate demo

# The tests' real servers and browser. Debian packages are installed when root;
# otherwise this says which are missing.
need:
	@missing=; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	fc-list :lang=ko 2>/dev/null | grep -q . || missing="$$missing fonts-noto-cjk"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "make test: missing Debian packages:$$missing (apt-get install$$missing)" >&2; exit 1; fi; \
	echo "make test: installing$$missing"; \
	apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends fontconfig $$missing >/dev/null

check: ## format, vet, staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change: $$unformatted" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

test: need check ## everything: static checks, all tests with the race detector, fuzz seeds, allocation tests
	$(GO) test -race -timeout 10m ./...
	$(GO) test -run 'Alloc' -count 1 ./token ./queue/... ./proxy/...

race: need ## the race detector, every test run anew
	$(GO) test -race -count 1 -timeout 20m ./...

FUZZTIME ?= 30s
fuzz: ## each fuzz target for FUZZTIME
	@set -e; for dir in $$($(GO) list -f '{{.Dir}}' ./...); do \
		for f in $$(grep -hso '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | cut -c6-); do \
			echo "$$f in $$dir"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$dir; done; done

bench: build ## the gate beside what it is compared with; the results' place is bench/README.md
	$(GO) run ./bench

soak: need build ## the heavy cases at full size
	$(GO) test -count 1 -timeout 60m ./queue/memory ./queue/queuetest ./cmd/dealgate -soak

clean:
	rm -rf dealgate data
