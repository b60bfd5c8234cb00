package vnet

import (
	"testing"

	"dataplane/mbuf"
)

// newPool returns a pool that must be whole again at the end of the test.
func newPool(t testing.TB, count int) *mbuf.Pool {
	t.Helper()
	p, err := mbuf.NewPool(mbuf.Config{Name: t.Name(), Count: count})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// header is a decoded virtio-net header, as the specification lists its fields.
type header struct {
	flags, gso           byte
	hdrLen, size, at, of uint16
}

func decode(h Header) header {
	return header{h[atFlags], h[atGSOType], native.Uint16(h[atHdrLen:]), native.Uint16(h[atGSOSize:]),
		native.Uint16(h[atCsumStart:]), native.Uint16(h[atCsumOffset:])}
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
			h := make(Header, LenMerged)
			for i := range h {
				h[i] = 0xff // the last frame's
			}
			ok := h.Transmit(m)
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
		h := make(Header, Len)
		h[atFlags], h[atGSOType] = tt.flags, tt.gso
		native.PutUint16(h[atGSOSize:], tt.size)
		h.Receive(m)
		if m.OlFlags != tt.want || m.SegSize() != int(tt.size) {
			t.Errorf("%s: flags %#x, segments of %d; want %#x, %d", tt.name, m.OlFlags, m.SegSize(), tt.want, tt.size)
		}
		pool.Free(m)
	}
}

func TestPartial(t *testing.T) {
	h := make(Header, Len)
	if _, _, ok := h.Partial(); ok {
		t.Error("an empty header has a checksum to complete")
	}
	h[atFlags] = flagNeedsCsum
	native.PutUint16(h[atCsumStart:], 34)
	native.PutUint16(h[atCsumOffset:], 6)
	if start, offset, ok := h.Partial(); !ok || start != 34 || offset != 6 {
		t.Errorf("Partial() = %d, %d, %v", start, offset, ok)
	}
}

func TestGather(t *testing.T) {
	pool := newPool(t, 8)
	m := pool.Alloc()
	m.Append(10)
	m.Chain(pool.Alloc()) // no data: left out
	s := pool.Alloc()
	s.Append(20)
	m.Chain(s)
	v := make([]Vector, 2)
	if n := Gather(v, m); n != 2 || v[0].len != 10 || v[1].len != 20 || v[1].base != address(s.Bytes()) {
		t.Errorf("%d vectors: %+v", n, v)
	}
	if n := Gather(v[:1], m); n != -1 {
		t.Errorf("%d vectors where one has room", n)
	}
	pool.Free(m)
}
