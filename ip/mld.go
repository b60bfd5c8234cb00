package ip

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// listeners takes a message of multicast listener discovery. Borrows m unless perf.Taken.
func (l *Layer) listeners(*mbuf.Mbuf, *Packet) perf.Verdict { return perf.DropICMPType }
