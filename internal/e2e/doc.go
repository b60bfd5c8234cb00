// Package e2e holds end-to-end tests only: a plane on a TAP, and on the other
// side the kernel and the tools that people really use. They run on the test's
// goroutines in a network namespace that the test binary makes for itself; the
// machine's own network is never touched. A tool that is missing is skipped, or
// fails where CI=true.
package e2e
