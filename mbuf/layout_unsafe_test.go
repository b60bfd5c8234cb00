package mbuf

import (
	"testing"
	"unsafe"
)

// TestLayout compares the layout with rte_mbuf of DPDK 22.11.
func TestLayout(t *testing.T) {
	var m Mbuf
	for _, f := range []struct {
		name      string
		got, want uintptr
	}{
		{"buf_addr", unsafe.Offsetof(m.bufAddr), 0},
		{"buf_iova", unsafe.Offsetof(m.bufIOVA), 8},
		{"data_off", unsafe.Offsetof(m.DataOff), 16},
		{"refcnt", unsafe.Offsetof(m.RefCnt), 18},
		{"nb_segs", unsafe.Offsetof(m.NbSegs), 20},
		{"port", unsafe.Offsetof(m.Port), 22},
		{"ol_flags", unsafe.Offsetof(m.OlFlags), 24},
		{"packet_type", unsafe.Offsetof(m.PacketType), 32},
		{"pkt_len", unsafe.Offsetof(m.PktLen), 36},
		{"data_len", unsafe.Offsetof(m.DataLen), 40},
		{"vlan_tci", unsafe.Offsetof(m.VlanTCI), 42},
		{"hash.rss", unsafe.Offsetof(m.RSS), 44},
		{"hash.fdir.hi", unsafe.Offsetof(m.hashHi), 48},
		{"vlan_tci_outer", unsafe.Offsetof(m.vlanTCIOuter), 52},
		{"buf_len", unsafe.Offsetof(m.BufLen), 54},
		{"pool", unsafe.Offsetof(m.mempool), 56},
		{"next", unsafe.Offsetof(m.next), 64},
		{"tx_offload", unsafe.Offsetof(m.TxOffload), 72},
		{"shinfo", unsafe.Offsetof(m.shinfo), 80},
		{"priv_size", unsafe.Offsetof(m.privSize), 88},
		{"timesync", unsafe.Offsetof(m.timesync), 90},
		{"dynfield1", unsafe.Offsetof(m.home), 92},
		{"dynfield1[1]", unsafe.Offsetof(m.dyn), 96},
		{"size", unsafe.Sizeof(m), 128},
	} {
		if f.got != f.want {
			t.Errorf("%s at %d, want %d", f.name, f.got, f.want)
		}
	}
}
