#!/bin/bash
# Runs the fuzz targets. The whole input path (internal/fuzz FuzzInput) gets
# FUZZTIME, all others a minute. With FUZZTIME in seconds, as make test has it,
# each target of a single package gets so long: there the whole input path runs
# its corpus only, as a unit test, because what chance finds is no gate.
set -u
cd "$(dirname "$0")/.."
GO=${GO:-go}
FUZZTIME=${FUZZTIME:-30m}
failed=0

targets() { # package dir
	grep -rhoE '^func (Fuzz[A-Za-z0-9_]+)\(f \*testing\.F\)' "$1" --include='*_test.go' | sed -E 's/^func (Fuzz[A-Za-z0-9_]+).*/\1/'
}

run() { # package, target, time
	local log
	log=$(mktemp)
	echo "== $1 $2 ($3)"
	if ! $GO test -run '^$' -fuzz "^$2\$" -fuzztime "$3" -fuzzminimizetime 20x "./$1" >"$log" 2>&1; then
		# Go's fuzzer takes the end of its own time for a failure now and then.
		if grep -q '^ *context deadline exceeded$' "$log" && ! grep -q 'Failing input' "$log"; then
			echo "time was up in the middle of an input"
		else
			failed=1
		fi
	fi
	grep -v 'gathering baseline' "$log" | tail -n 20
	rm -f "$log"
}

for dir in $(git ls-files '*_test.go' | xargs grep -lE '^func Fuzz' | xargs -n1 dirname | sort -u); do
	for t in $(targets "$dir"); do
		case $FUZZTIME/$t in
		*s/*) [ "$dir" = internal/fuzz ] || run "$dir" "$t" "$FUZZTIME" ;;
		*/FuzzInput) if [ "$dir" = internal/fuzz ]; then run "$dir" "$t" "$FUZZTIME"; else run "$dir" "$t" 1m; fi ;;
		*) run "$dir" "$t" 1m ;;
		esac
	done
done
exit $failed
