#!/bin/bash
# Runs the fuzz targets. The whole input path (internal/fuzz FuzzInput) gets
# FUZZTIME, all others a minute. With FUZZTIME in seconds, as make test has it,
# each target of a single package gets so long: there the whole input path runs
# its corpus only, as a unit test, because what chance finds is no gate.
set -u
cd "$(dirname "$0")/.."
GO=${GO:-go}
FUZZTIME=${FUZZTIME:-30m}
case $FUZZTIME in *s) each=$FUZZTIME ;; *) each=1m ;; esac
failed=0
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
cache=$($GO env GOCACHE)/fuzz

targets() { # package dir
	grep -rhoE '^func (Fuzz[A-Za-z0-9_]+)\(f \*testing\.F\)' "$1" --include='*_test.go' | sed -E 's/^func (Fuzz[A-Za-z0-9_]+).*/\1/'
}

# built makes the test program of a package: once, and not for each target.
built() { # package
	$GO test -c -vet=off -fuzz . -o "$bin/fuzz.test" "./$1" && found="$cache/$($GO list "./$1")"
}

run() { # package, target, time
	local log=$bin/log
	echo "== $1 $2 ($3)"
	if ! (cd "$1" && "$bin/fuzz.test" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "$3" -test.fuzzminimizetime 20x \
		-test.fuzzcachedir "$found") >"$log" 2>&1; then
		# Go's fuzzer takes the end of its own time for a failure now and then.
		if grep -q '^ *context deadline exceeded$' "$log" && ! grep -q 'Failing input' "$log"; then
			echo "time was up in the middle of an input"
		else
			failed=1
		fi
	fi
	grep -v 'gathering baseline' "$log" | tail -n 20
}

for dir in $(git ls-files '*_test.go' | xargs grep -lE '^func Fuzz' | xargs -n1 dirname | sort -u); do
	[ "$each$dir" != "${FUZZTIME}internal/fuzz" ] || continue
	built "$dir" || { failed=1; continue; }
	for t in $(targets "$dir"); do
		if [ "$dir/$t" = internal/fuzz/FuzzInput ]; then run "$dir" "$t" "$FUZZTIME"; else run "$dir" "$t" "$each"; fi
	done
done
exit $failed
