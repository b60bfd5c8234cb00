// Package capture makes of api.Capture what programs for packets know: a source of
// gopacket's, a file that tcpdump reads, and filters as tcpdump has them. It is apart from
// package api so that a program which does not capture does not link gopacket.
//
// It runs on the goroutine that calls.
package capture
