//go:build dpdk

package dpdk

import "dataplane/pmd"

// What DPDK calls the offloads. RTE_ETH_*_OFFLOAD_* are macros with casts, which
// cgo does not see through.
const (
	rxVLANStrip = 1 << 0
	rxIPSum     = 1 << 1
	rxUDPSum    = 1 << 2
	rxTCPSum    = 1 << 3
	rxScatter   = 1 << 13
	rxRSSHash   = 1 << 19

	txVLANInsert = 1 << 0
	txIPSum      = 1 << 1
	txUDPSum     = 1 << 2
	txTCPSum     = 1 << 3
	txTSO        = 1 << 5
	txMultiSeg   = 1 << 15
)

// The RSS hash functions (RTE_ETH_RSS_*) that hash as the lcores do. The first four
// must be there; what a device lacks of the rest comes to its lcore by addresses.
const (
	rssIPv4    = 1 << 2
	rssTCP4    = 1 << 4
	rssUDP4    = 1 << 5
	rssIPv6    = 1 << 8
	rssTCP6    = 1 << 10
	rssUDP6    = 1 << 11
	rssFlows   = rssIPv4 | rssTCP4 | rssUDP4 | rssIPv6 | rssTCP6 | rssUDP6
	retaUnit   = 128 // entries of the lcores' table
	keyDefault = 40
)

// has is what a device can do in the plane's words.
func has(rx, tx uint64) pmd.Offload {
	var o pmd.Offload
	set := func(have, want uint64, bit pmd.Offload) {
		if have&want == want {
			o |= bit
		}
	}
	set(rx, rxUDPSum|rxTCPSum, pmd.RxChecksum)
	set(rx, rxVLANStrip, pmd.VLANStrip)
	set(tx, txIPSum, pmd.TxIPChecksum)
	set(tx, txTCPSum, pmd.TxTCPChecksum)
	set(tx, txUDPSum, pmd.TxUDPChecksum)
	set(tx, txVLANInsert, pmd.VLANInsert)
	set(tx, txMultiSeg, pmd.MultiSeg)
	set(tx, txTSO|txTCPSum|txIPSum|txMultiSeg, pmd.TSO)
	return o
}

// asked is what to ask the device for, so that o holds.
func asked(o pmd.Offload, canRx, canTx uint64) (rx, tx uint64) {
	if o.Has(pmd.RxChecksum) {
		rx |= rxIPSum | rxUDPSum | rxTCPSum
	}
	if o.Has(pmd.VLANStrip) {
		rx |= rxVLANStrip
	}
	for bit, want := range map[pmd.Offload]uint64{
		pmd.TxIPChecksum: txIPSum, pmd.TxTCPChecksum: txTCPSum, pmd.TxUDPChecksum: txUDPSum,
		pmd.VLANInsert: txVLANInsert, pmd.MultiSeg: txMultiSeg, pmd.TSO: txTSO,
	} {
		if o.Has(bit) {
			tx |= want
		}
	}
	return rx & canRx, tx & canTx
}

// spreads reports whether a device's table of so many entries leads to the queues
// as the lcores' own table does, which has entry i lead to i modulo queues.
func spreads(reta, queues int) bool {
	switch {
	case reta <= 0 || reta > 512:
		return false
	case reta%retaUnit == 0:
		return true
	}
	return retaUnit%reta == 0 && reta%queues == 0
}
