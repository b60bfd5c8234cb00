#!/bin/bash
# Runs every fuzz target. With FUZZTIME in seconds each gets so long (what make
# test does); else the whole input path gets FUZZTIME, all others a minute.
set -u
cd "$(dirname "$0")/.."
GO=${GO:-go}
FUZZTIME=${FUZZTIME:-30m}
failed=0

targets() { # package dir
	grep -rhoE '^func (Fuzz[A-Za-z0-9_]+)\(f \*testing\.F\)' "$1" --include='*_test.go' | sed -E 's/^func (Fuzz[A-Za-z0-9_]+).*/\1/'
}

run() { # package, target, time
	echo "== $1 $2 ($3)"
	$GO test -run '^$' -fuzz "^$2\$" -fuzztime "$3" -fuzzminimizetime 20x "./$1" || failed=1
}

for dir in $(git ls-files '*_test.go' | xargs grep -lE '^func Fuzz' | xargs -n1 dirname | sort -u); do
	for t in $(targets "$dir"); do
		case $FUZZTIME/$t in
		*s/*) run "$dir" "$t" "$FUZZTIME" ;;
		*/FuzzInput) if [ "$dir" = internal/fuzz ]; then run "$dir" "$t" "$FUZZTIME"; else run "$dir" "$t" 1m; fi ;;
		*) run "$dir" "$t" 1m ;;
		esac
	done
done
exit $failed
