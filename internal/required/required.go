// Package required decides what a test does that cannot run on this machine:
// it is skipped, with the reason, on a laptop, and fails where CI=true
// promises that everything is there. Test code only; runs on the test's goroutine.
package required

import (
	"os"
	"testing"
)

// Skip ends the test: skipped with the reason, or failed when CI=true.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("required here (CI=true) but not possible: %s", reason)
	}
	t.Skip(reason)
}

// Fewer returns how many rounds of a test that takes the same way again and again
// are worth running: n, or a tenth of it under -short, as the race detector has it.
func Fewer[T int | uint64](n T) T {
	if testing.Short() {
		return max(1, n/10)
	}
	return n
}
