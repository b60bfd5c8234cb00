package tap

import (
	"testing"

	"dataplane/mbuf"
)

// header is a decoded virtio-net header, as the specification lists its fields.
type header struct {
	flags, gso           byte
	hdrLen, size, at, of uint16
}

func decode(h vnetHeader) header {
	return header{h[vnetFlags], h[vnetGSOType], native.Uint16(h[vnetHdrLen:]), native.Uint16(h[vnetGSOSize:]),
		native.Uint16(h[vnetCsumStart:]), native.Uint16(h[vnetCsumOffset:])}
}

func TestTransmitHeader(t *testing.T) {
	pool := newPool(t, 8)
	const v4, v6 = mbuf.TxIPv4, mbuf.TxIPv6
	for _, tt := range []struct {
		name            string
		flags           uint64
		l2, l3, l4, mss int
		size            int  // of the frame
		cwr             bool // in the TCP flags
		want            header
		refused         bool
	}{
		{name: "plain", size: 60},
		{name: "hints only", flags: v4, l2: 14, l3: 20, size: 60},
		{name: "udp", flags: v4 | mbuf.TxUDPChecksum, l2: 14, l3: 20, size: 60, want: header{1, 0, 0, 0, 34, 6}},
		{name: "tcp", flags: v4 | mbuf.TxTCPChecksum, l2: 14, l3: 20, size: 60, want: header{1, 0, 0, 0, 34, 16}},
		{name: "tcp6 with vlan", flags: v6 | mbuf.TxTCPChecksum, l2: 18, l3: 40, size: 90, want: header{1, 0, 0, 0, 58, 16}},
		{name: "tso4", flags: v4 | mbuf.TxTCPSeg, l2: 14, l3: 20, l4: 32, mss: 100, size: 1000, want: header{1, 1, 66, 100, 34, 16}},
		{name: "tso6", flags: v6 | mbuf.TxTCPSeg, l2: 14, l3: 40, l4: 20, mss: 100, size: 1000, want: header{1, 4, 74, 100, 54, 16}},
		{name: "tso with the checksum flag too", flags: v4 | mbuf.TxTCPSeg | mbuf.TxTCPChecksum, l2: 14, l3: 20, l4: 20, mss: 100, size: 1000, want: header{1, 1, 54, 100, 34, 16}},
		{name: "tso with cwr", flags: v4 | mbuf.TxTCPSeg, l2: 14, l3: 20, l4: 20, mss: 100, size: 1000, cwr: true, want: header{1, 0x81, 54, 100, 34, 16}},
		{name: "uso", flags: v4 | mbuf.TxUDPSeg, l2: 14, l3: 20, l4: 8, mss: 100, size: 1000, want: header{1, 5, 42, 100, 34, 6}},
		{name: "uso6", flags: v6 | mbuf.TxUDPSeg | mbuf.TxUDPChecksum, l2: 14, l3: 40, l4: 8, mss: 100, size: 1000, want: header{1, 5, 62, 100, 54, 6}},
		{name: "one segment", flags: v4 | mbuf.TxTCPSeg, l2: 14, l3: 20, l4: 20, mss: 946, size: 1000, want: header{1, 0, 0, 0, 34, 16}},
		{name: "no segment size", flags: v4 | mbuf.TxTCPSeg, l2: 14, l3: 20, l4: 20, size: 1000, refused: true},
		{name: "no header length", flags: v4 | mbuf.TxUDPSeg, l2: 14, l3: 20, mss: 100, size: 1000, refused: true},
		{name: "headers beyond the frame", flags: v4 | mbuf.TxTCPChecksum, l2: 14, l3: 20, size: 51, refused: true},
		{name: "shortest frame", flags: v4 | mbuf.TxTCPChecksum, l2: 14, l3: 20, size: 52, want: header{1, 0, 0, 0, 34, 16}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := pool.Alloc()
			defer pool.Free(m)
			clear(m.Append(tt.size))
			if tt.cwr {
				m.Bytes()[tt.l2+tt.l3+tcpFlags] = tcpCWR
			}
			m.OlFlags = tt.flags
			m.SetTx(tt.l2, tt.l3, tt.l4, tt.mss)
			h := make(vnetHeader, vnetLenMrg)
			for i := range h {
				h[i] = 0xff // the last frame's
			}
			ok := h.transmit(m)
			if ok == tt.refused {
				t.Fatalf("transmit = %v", ok)
			}
			if got := decode(h); ok && (got != tt.want || h[10] != 0 || h[11] != 0) {
				t.Errorf("header %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestReceiveHeader(t *testing.T) {
	pool := newPool(t, 8)
	for _, tt := range []struct {
		name  string
		flags byte
		gso   byte
		size  uint16
		want  uint64
	}{
		{"unknown", 0, gsoNone, 0, 0},
		{"partial checksum", flagNeedsCsum, gsoNone, 0, mbuf.RxL4ChecksumGood},
		{"verified", flagDataValid, gsoNone, 0, mbuf.RxL4ChecksumGood},
		{"tcp4", flagNeedsCsum, gsoTCPv4, 1448, mbuf.RxL4ChecksumGood | mbuf.RxLRO},
		{"tcp6 with cwr", flagNeedsCsum, gsoTCPv6 | gsoECN, 1428, mbuf.RxL4ChecksumGood | mbuf.RxLRO},
		{"udp", flagNeedsCsum, gsoUDP, 1400, mbuf.RxL4ChecksumGood | mbuf.RxLRO},
		{"ecn without segments", 0, gsoECN, 0, 0},
	} {
		m := pool.Alloc()
		h := make(vnetHeader, vnetLen)
		h[vnetFlags], h[vnetGSOType] = tt.flags, tt.gso
		native.PutUint16(h[vnetGSOSize:], tt.size)
		h.receive(m)
		if m.OlFlags != tt.want || m.SegSize() != int(tt.size) {
			t.Errorf("%s: flags %#x, segments of %d; want %#x, %d", tt.name, m.OlFlags, m.SegSize(), tt.want, tt.size)
		}
		pool.Free(m)
	}
}
