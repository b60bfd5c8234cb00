// Package canary holds a test that races on purpose, under the build tag
// canary. Were the race detector's gate ever to stop working, the check that
// this test fails would say so.
package canary
