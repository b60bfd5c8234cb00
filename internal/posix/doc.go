// Package posix is the conformance program of the socket calls: written once against a
// small interface, it runs on the kernel, over the loopback of a network namespace, and
// on a plane, over its own. What the calls return is compared. docs/conformance-posix.md,
// which is generated, lists the cases and every difference with its reason; a test keeps
// it true.
package posix
