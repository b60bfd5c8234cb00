package pmd

import "strings"

// Offload is a set of things that a port does in the core's place.
type Offload uint32

// The offloads. Those that need a partner are in Info only if the partner has its
// half: Tx*Checksum need the far end's RxChecksum where the link is virtual.
const (
	RxChecksum    Offload = 1 << iota // verifies checksums and says so in OlFlags
	TxIPChecksum                      // completes IPv4 header checksums
	TxTCPChecksum                     // completes TCP checksums; the pseudo header's sum is left in the field
	TxUDPChecksum                     // the same for UDP
	TSO                               // cuts TCP super-segments
	USO                               // cuts UDP super-segments
	LRO                               // hands up frames that were merged (RxLRO, SegSize)
	MultiSeg                          // sends and receives chains
	RSS                               // chooses the queue by the plane's own Toeplitz key
	VLANStrip                         // moves the tag of a received frame to VlanTCI
	VLANInsert                        // moves VlanTCI into a sent frame

	// TxChecksums is whatever completes checksums.
	TxChecksums = TxIPChecksum | TxTCPChecksum | TxUDPChecksum

	// AllOffloads is every bit.
	AllOffloads = VLANInsert<<1 - 1
)

var offloadNames = [...]string{
	"rx-checksum", "tx-ip-checksum", "tx-tcp-checksum", "tx-udp-checksum",
	"tso", "uso", "lro", "multi-seg", "rss", "vlan-strip", "vlan-insert",
}

// Has reports whether o contains every bit of want.
func (o Offload) Has(want Offload) bool { return o&want == want }

// String lists the names, separated by commas; "none" when there are none.
func (o Offload) String() string {
	var names []string
	for i, name := range offloadNames {
		if o&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ",")
}
