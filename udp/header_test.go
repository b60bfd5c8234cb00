package udp

import (
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/ip"
)

func TestHeaderLikeGopacket(t *testing.T) {
	var b [HdrLen]byte
	PutHeader(b[:], 53, 65535, 8, 0xabcd)
	u := &layers.UDP{}
	if err := u.DecodeFromBytes(b[:], gopacket.NilDecodeFeedback); err != nil {
		t.Fatal(err)
	}
	h, ok := ParseHeader(b[:])
	if !ok || uint16(u.SrcPort) != h.SrcPort() || uint16(u.DstPort) != h.DstPort() || int(u.Length) != h.Length() || u.Checksum != h.Checksum() {
		t.Errorf("%+v, ours %x", u, []byte(h))
	}
	if h.SrcPort() != 53 || h.DstPort() != 65535 || h.Length() != 8 || h.Checksum() != 0xabcd {
		t.Errorf("%x", []byte(h))
	}
	for n := range HdrLen {
		if _, ok := ParseHeader(b[:n]); ok {
			t.Errorf("%d bytes are taken for a header", n)
		}
	}
}

// FuzzInput feeds datagrams to a layer that lives on: buffers are conserved,
// every frame has a fate, and what is delivered has the length it says.
func FuzzInput(f *testing.F) {
	d := dgram{data: []byte("hello")}.bytes()
	f.Add(d[34:], false, byte(0))
	f.Add(d[34:40], true, byte(1))
	f.Add([]byte{0, 1, 0x13, 0x88, 0, 9, 0, 0, 7, 7, 7}, false, byte(2))
	f.Fuzz(func(t *testing.T, u []byte, toAll bool, kind byte) {
		r := newRig(t, 0)
		s := r.bind(ip.Addr{}, port)
		c := r.bind(ours, port)
		r.connect(c, peer, far)
		frame := dgram{data: make([]byte, min(len(u), 1400)), dst: map[bool]ip.Addr{true: subnet, false: ours}[toAll]}.bytes()
		copy(frame[34:], u)
		m := r.pool.Alloc()
		copy(m.Append(len(frame)), frame)
		switch kind & 3 {
		case 1:
			m.OlFlags |= 1 << 8 // the port says it is right
		case 2:
			m.OlFlags |= 1<<16 | 1<<8
			m.SetTx(0, 0, 0, int(kind)*16)
		}
		r.input(m)
		for _, s := range []*Sock{s, c} {
			for {
				d, data, ok := r.got(s)
				if !ok {
					break
				}
				if d.Len != len(data) || len(data) > len(frame) {
					t.Errorf("%d bytes, says %d", len(data), d.Len)
				}
			}
		}
	})
}

// FuzzError feeds ICMP errors' quotations.
func FuzzError(f *testing.F) {
	f.Add([]byte{0x13, 0x88, 0x17, 0x70, 0, 8, 0, 0}, byte(3), byte(3))
	f.Add([]byte{1, 2, 3}, byte(3), byte(4))
	f.Fuzz(func(t *testing.T, quote []byte, typ, code byte) {
		r := newRig(t, 0)
		s := r.bind(ours, port)
		r.connect(s, peer, far)
		r.udp.Error(&ip.Error{Src: ours, Dst: peer, Type: typ, Code: code, Payload: quote, Errno: 1, Hard: true, Now: r.now})
	})
}
