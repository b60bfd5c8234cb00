# make demo      set up, build, and show the plane at work (no NIC, no hugepages, no DPDK)
# make test      set up and run every check
# make fuzz      30 minutes of fuzzing over the input path
# make static    one dataplane binary without any library, with DPDK and its drivers in it
# make test-nic  the plane on emulated Intel NICs (part of make test)
# make bench     set up, and the plane beside its peers in one run of under ten minutes
# make bench-quick  those of its rows that are in memory and need no root, in one minute
# make profile   what is hot, for the compiler: the rows of make bench measured anew, in ten minutes

GO ?= go
SEEDS ?= 10000
FUZZTIME ?= 30m

.PHONY: all build static demo test test-nic setup fuzz bench bench-quick profile docs clean

all: build

build:
	$(GO) build -o bin/dataplane ./cmd/dataplane

static:
	GO=$(GO) ./scripts/static.sh

demo: build
	./bin/dataplane demo

test: setup
	GO=$(GO) SEEDS=$(SEEDS) ./scripts/test.sh

test-nic: setup
	GO=$(GO) ./scripts/test-nic.sh

setup:
	./scripts/setup.sh

fuzz:
	GO=$(GO) FUZZTIME=$(FUZZTIME) ./scripts/fuzz.sh

# With libdpdk here, its rows, too.
bench: setup
	cd perf/bench && $(GO) run $$(pkg-config --exists libdpdk && echo -tags dpdk) .

bench-quick:
	cd perf/bench && $(GO) run $$(pkg-config --exists libdpdk && echo -tags dpdk) . -quick

# By builds without one, so that it does not depend on the last.
profile:
	cd perf/bench && $(GO) run -pgo=off -trimpath $$(pkg-config --exists libdpdk && echo -tags dpdk) . -cpuprofile ../../cmd/dataplane/default.pgo

# The documents that are made from the code.
docs:
	$(GO) test ./perf -run TestDropsDoc -update
	$(GO) test ./sock/options -run TestOptionsDoc -update
	$(GO) test ./tcp -run TestStepsDoc -update

clean:
	rm -rf bin
