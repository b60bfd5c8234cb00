// Package pcap wraps a driver and records what passes it, in both directions, as
// a pcapng file that tcpdump and tshark read.
//
// The lcore that polls a queue copies its frames into a ring of fixed size that
// only it writes; a goroutine of the port empties the rings into the file, oldest
// frame first. So the lcore neither waits nor allocates, and when the file cannot
// keep up frames are missing in it, never on the wire; their number stands in
// Dropped and in the file's interface statistics. Close writes the rest.
//
// Frames are recorded as they are: one whose checksum is left to the driver shows
// the incomplete checksum, and a super-segment is one long frame. Sent frames are
// those that the driver took, received ones those that it handed up.
package pcap
