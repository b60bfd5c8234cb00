package ip

import (
	"sort"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/eth"
)

// fragmentOf is one fragment of a UDP datagram from peer0 to own0.
func fragmentOf(id uint16, off int, more bool, data []byte, change ...func(*layers.IPv4)) []byte {
	return serialize(ipv4(peer0, own0, layers.IPProtocolUDP, append([]func(*layers.IPv4){func(h *layers.IPv4) {
		h.Id, h.FragOffset = id, uint16(off/8)
		if more {
			h.Flags = layers.IPv4MoreFragments
		}
	}}, change...)...), gopacket.Payload(data))
}

// cutUp cuts a packet into fragments that carry n bytes each, in order.
func cutUp(b []byte, n int) [][]byte {
	h, _ := ParseHeader4(b)
	var all [][]byte
	for off := 0; off < len(b)-len(h); off += n {
		end := min(off+n, len(b)-len(h))
		f := append(append([]byte(nil), h...), b[len(h)+off:len(h)+end]...)
		fh := Header4(f[:len(h)])
		be.PutUint16(fh[2:], uint16(len(f)))
		w := uint16(off / 8)
		if end < len(b)-len(h) {
			w |= flagMF
		}
		be.PutUint16(fh[6:], w)
		fh.setChecksum()
		all = append(all, f)
	}
	return all
}

// rejoin puts the fragments in frames together, by what gopacket reads in them.
func rejoin(t testing.TB, frames [][]byte) []byte {
	t.Helper()
	var hs []*layers.IPv4
	for _, b := range frames {
		p := gopacket.NewPacket(b[eth.HdrLen:], layers.LayerTypeIPv4, gopacket.Default)
		h, ok := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		if !ok {
			t.Fatalf("no IPv4: %v", p)
		}
		if Fold(Sum(h.Contents, 0)) != 0xffff {
			t.Error("header checksum")
		}
		hs = append(hs, h)
	}
	sort.Slice(hs, func(i, k int) bool { return hs[i].FragOffset < hs[k].FragOffset })
	var data []byte
	for i, h := range hs {
		if h.Id != hs[0].Id || h.Protocol != hs[0].Protocol {
			t.Fatalf("fragments of different datagrams: %v, %v", h, hs[0])
		}
		if int(h.FragOffset)*8 != len(data) {
			t.Fatalf("fragment at %d, want %d", int(h.FragOffset)*8, len(data))
		}
		if more := h.Flags&layers.IPv4MoreFragments != 0; more != (i < len(hs)-1) {
			t.Fatalf("fragment %d of %d: more %v", i, len(hs), more)
		}
		data = append(data, h.Payload...)
	}
	h := *hs[0]
	h.Flags = 0
	return serialize(&h, gopacket.Payload(data))
}
