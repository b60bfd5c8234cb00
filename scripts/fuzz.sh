#!/bin/bash
# Runs every fuzz target. FUZZTIME below a minute: so long each (what make test
# does). Else the targets over the whole input path share FUZZTIME, and the
# parsers get a minute each.
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
	$GO test -run '^$' -fuzz "^$2\$" -fuzztime "$3" "./$1" || failed=1
}

for dir in $(git ls-files '*_test.go' | xargs grep -lE '^func Fuzz' | xargs -n1 dirname | sort -u); do
	for t in $(targets "$dir"); do
		case $FUZZTIME in
		*s) run "$dir" "$t" "$FUZZTIME" ;;
		*) if [ "$dir" = internal/fuzz ]; then run "$dir" "$t" "$FUZZTIME"; else run "$dir" "$t" 1m; fi ;;
		esac
	done
done
exit $failed
