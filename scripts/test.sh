#!/bin/bash
# Every check, in the order of how fast it fails. One command for a developer
# and for CI; under CI=true a required check that cannot run is a failure.
set -u
cd "$(dirname "$0")/.."
GO=${GO:-go}
SEEDS=${SEEDS:-10000}
STATICCHECK=honnef.co/go/tools/cmd/staticcheck@v0.8.2
export PATH=$PATH:/usr/sbin:/sbin
# Everything once, not once more for a program with a profile; cmd/dataplane's tests build that.
export GOFLAGS="${GOFLAGS:-} -pgo=off"
failed=()
began=$SECONDS

step() { # name, command...
	local name=$1 at=$SECONDS
	shift
	echo "== $name"
	if "$@"; then
		echo "-- $name: ok ($((SECONDS - at)) s)"
	else
		echo "-- $name: FAILED ($((SECONDS - at)) s)"
		failed+=("$name")
	fi
}

# together runs steps (name and command by turns) at once: those that wait more than
# they work. Each one's output is shown when all are done.
together() {
	local at=$SECONDS names=() logs=() pids=() i
	while [ $# -gt 0 ]; do
		logs+=("$(mktemp)") names+=("$1")
		echo "== $1 (at once with the next)"
		"$2" >"${logs[-1]}" 2>&1 &
		pids+=($!)
		shift 2
	done
	for i in "${!pids[@]}"; do
		wait "${pids[i]}"
		local status=$?
		cat "${logs[i]}"
		rm -f "${logs[i]}"
		if [ $status -eq 0 ]; then
			echo "-- ${names[i]}: ok (after $((SECONDS - at)) s)"
		else
			echo "-- ${names[i]}: FAILED (after $((SECONDS - at)) s)"
			failed+=("${names[i]}")
		fi
	done
}

# Threads and real clients on a busy machine: one more try, said aloud, before it is a failure.
twice() { "$@" || { echo "!! once more: $*"; "$@"; }; }

# retry is that for many packages: only those that failed, one after the other.
retry() { # flags of go test as one word, packages...
	local flags=$1 log p names status=0
	shift
	log=$(mktemp)
	$GO test $flags "$@" 2>&1 | tee "$log"
	if [ "${PIPESTATUS[0]}" -ne 0 ]; then
		names=$(awk '$1 == "FAIL" && NF > 1 { print $2 }' "$log" | sort -u)
		[ -n "$names" ] || status=1
		for p in $names; do
			echo "!! once more: $p"
			$GO test $flags "$p" || status=1
		done
	fi
	rm -f "$log"
	return $status
}

formatted() {
	local bad
	bad=$(git ls-files '*.go' | xargs gofmt -l)
	[ -z "$bad" ] || { echo "gofmt would change:"; echo "$bad"; return 1; }
}

# The plain build needs no C library.
plain() {
	CGO_ENABLED=0 $GO build ./... && CGO_ENABLED=0 $GO vet ./... && $GO vet -tags mbufdebug ./mbuf
}

tidy() {
	local m
	for m in . perf/bench perf/quic; do (cd $m && $GO mod tidy -diff) || return 1; done
}

# A gate that cannot fail is none: the canary races on purpose.
canary() {
	local out
	out=$($GO test -race -tags canary -count=1 ./internal/canary 2>&1)
	if [ $? -ne 0 ] && grep -q 'DATA RACE' <<<"$out"; then
		echo "the racy canary fails under -race, as it must"
		return 0
	fi
	echo "the racy canary was not caught:"
	echo "$out"
	return 1
}

# Packages whose tests drive real tools or long simulations have steps of their own.
quick() { $GO list ./... | grep -v -e /internal/e2e -e /internal/sim -e '/internal/nic$'; }

lint() { $GO run $STATICCHECK ./...; }
# go vet has seen all of it before. More packages at once than CPUs save time, and make tests of threads try again.
units() { retry "-vet=off -shuffle on -timeout 15m" $(quick); }
races() { retry "-vet=off -race -short -shuffle on -timeout 20m" $(quick) ./internal/sim; }
debug() { retry "-vet=off -short -tags mbufdebug -timeout 15m" ./mbuf ./pmd/wire ./pmd/loop ./pmd/tap ./lcore ./eth ./ip ./udp ./tcp ./inet ./internal/sim; }
seeds() { $GO test -count=1 -timeout 20m ./internal/sim -args -sim.seeds="$SEEDS"; }
conns() { twice $GO test -count=50 -timeout 15m -run '^TestConn$/^shared$' ./api; }
tapconns() { twice $GO test -count=50 -failfast -timeout 15m -run '^TestConn$/^shared$' ./internal/e2e; }
bothconns() { conns && tapconns; }
e2e() { twice $GO test -count=1 -timeout 20m ./internal/e2e; }
# Under CI libdpdk must be there, as scripts/setup.sh installs it.
dpdk() {
	if ! pkg-config --exists libdpdk && [ "${CI:-}" != true ]; then
		echo "skipped: no libdpdk (apt-get install libdpdk-dev pkg-config)"
		return 0
	fi
	$GO vet -tags dpdk ./pmd/dpdk/... && $GO test -tags dpdk -count=1 -timeout 10m ./pmd/dpdk
}
nic() { GO=$GO twice ./scripts/test-nic.sh; }
bench() { (cd perf/bench && $GO vet ./... && twice $GO test -timeout 10m ./...); }
quic() { (cd perf/quic && $GO vet ./... && twice $GO test -timeout 10m ./...); }
fuzz() { GO=$GO FUZZTIME=1s ./scripts/fuzz.sh; }

step "format" formatted
step "plain build and vet" plain
step "go.mod is tidy, of all modules" tidy
step "staticcheck" lint
step "unit tests" units
step "racy canary" canary
step "DPDK, virtual devices" twice dpdk
step "race detector" races
step "buffer debugging" debug
step "simulation, $SEEDS seeds" seeds
together "end to end over TAP" e2e "nettest.TestConn, 50 times over wire and over TAP" bothconns
step "emulated Intel NICs" nic
step "fuzzing, briefly" fuzz
step "benchmark module" bench
step "quic-go over a plane" quic

echo
if [ ${#failed[@]} -gt 0 ]; then
	echo "FAILED after $((SECONDS - began)) s: ${failed[*]}"
	exit 1
fi
echo "all checks passed in $((SECONDS - began)) s"
