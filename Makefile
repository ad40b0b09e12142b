# make test is all that CI runs first; see CONTRIBUTING.md.
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: all build test unit conformance test-services fuzz cross lint bench clean

all: build

build: ## the static binary, bin/drivecast
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

test: unit conformance

unit:
	$(GO) vet ./...
	$(GO) test -race -timeout 20m ./...
	$(GO) test -tags purego ./tree/...

conformance: build ## real clients against the built binary
	eval "$$(conformance/python-envs.sh)" && \
	DRIVECAST_BIN=$(CURDIR)/bin/drivecast $(GO) test -tags conformance -timeout 25m -count 1 -v -p 1 ./conformance/...

test-services: ## against PostgreSQL, Azurite, an S3 server and a Kubernetes control plane
	conformance/services.sh $(GO) test -tags services -timeout 20m $$(grep -rl --include='*_test.go' '^//go:build services' . | xargs -n1 dirname | sort -u | grep -v conformance/helm)
	cd conformance/helm && DRIVECAST_SERVICES=kube ../services.sh $(GO) test -tags services -timeout 10m .

# The parsers that read what others wrote. Each is tried for FUZZTIME.
FUZZTIME ?= 30s
PARSERS := smart:FuzzParseReport smart:FuzzRows smart:FuzzDocuments smart:FuzzMapping table:FuzzReadCSV table:FuzzParquet table:FuzzArchive \
	feature:FuzzLoadFold model/pickle:FuzzLoad model/mlfolder:FuzzParse model/onnx:FuzzOpen model:FuzzDecode internal/score:FuzzInvocations internal/score/route:FuzzDecodeJSONL internal/ci:FuzzParseRules internal/ci:FuzzLint internal/hook:FuzzParsePush internal/dataver:FuzzDecodeList internal/dataver:FuzzPointer

# When the machine stalls, the fuzzer takes its own process for hung: an input that
# it blames fails only if it fails again.
fuzz: ## every parser on made-up input for a while
	for p in $(PARSERS); do \
		$(GO) test ./$${p%:*} -run '^$$' -fuzz "^$${p#*:}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x || \
		$(GO) test ./$${p%:*} -run "^$${p#*:}$$" || exit 1; \
	done

cross: ## the other systems that we build for
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -o /dev/null ./cmd/drivecast
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) build -o /dev/null ./cmd/drivecast
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 $(GO) build -o /dev/null ./cmd/drivecast

lint:
	$(GO) vet ./...
	test -z "$$(gofmt -l .)"

clean:
	rm -rf bin dist
