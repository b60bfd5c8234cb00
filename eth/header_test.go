package eth

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

func TestHeaderLikeGopacket(t *testing.T) {
	b := make([]byte, HdrLen+VLANLen+4)
	PutTagged(b, peerMAC, ourMAC, 5<<13|1<<12|77, TypeIPv6)
	h, ok := ParseHeader(b)
	if !ok {
		t.Fatal("refused")
	}
	p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
	e := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
	q := p.Layer(layers.LayerTypeDot1Q).(*layers.Dot1Q)
	if !sameMAC(e.DstMAC, h.Dst()) || !sameMAC(e.SrcMAC, h.Src()) || h.Dst() != peerMAC || h.Src() != ourMAC {
		t.Errorf("addresses: %v", e)
	}
	if q.VLANIdentifier != 77 || q.Priority != 5 || !q.DropEligible || h.TCI() != 5<<13|1<<12|77 {
		t.Errorf("tag: %+v, ours %#x", q, h.TCI())
	}
	if uint16(q.Type) != h.InnerType() || h.InnerType() != TypeIPv6 || h.Type() != TypeVLAN {
		t.Errorf("types: %v %#x %#x", q.Type, h.InnerType(), h.Type())
	}
	if tagged, whole := h.Tagged(); !tagged || !whole {
		t.Error("Tagged")
	}
	if tagged, whole := h[:HdrLen+3].Tagged(); !tagged || whole {
		t.Error("half a tag is whole")
	}
}

func TestHeaderShort(t *testing.T) {
	for n := range HdrLen {
		if _, ok := ParseHeader(make([]byte, n)); ok {
			t.Errorf("%d bytes are taken for a header", n)
		}
	}
	if _, ok := ParseHeader(make([]byte, HdrLen)); !ok {
		t.Error("a bare header is refused")
	}
}

func TestGroupMAC(t *testing.T) {
	if m := GroupMAC4([4]byte{239, 255, 1, 2}); m != [6]byte{1, 0, 0x5e, 0x7f, 1, 2} {
		t.Errorf("%x", m)
	}
	if h := Header(ipFrame(GroupMAC4([4]byte{224, 0, 0, 1}), ourMAC)); !h.Group() {
		t.Error("a group is none")
	}
	if h := Header(ipFrame(ourMAC, BroadcastMAC)); h.Group() {
		t.Error("a station is a group")
	}
}

func TestPrefix4(t *testing.T) {
	p := Prefix4{[4]byte{10, 1, 2, 3}, 24}
	if !p.Contains([4]byte{10, 1, 2, 99}) || p.Contains([4]byte{10, 1, 3, 3}) {
		t.Error("Contains")
	}
	if !p.Broadcast([4]byte{10, 1, 2, 255}) || p.Broadcast([4]byte{10, 1, 2, 254}) {
		t.Error("Broadcast")
	}
	for _, bits := range []uint8{31, 32} {
		p.Bits = bits
		if p.Broadcast(p.Addr) {
			t.Errorf("/%d has a broadcast address", bits)
		}
	}
	p.Bits = 0
	if !p.Contains([4]byte{200, 1, 1, 1}) {
		t.Error("/0 does not contain all")
	}
}

func TestARPLikeGopacket(t *testing.T) {
	f := arpFrame(t, ARPReply, ourMAC, side(peerMAC, peerIP), side(ourMAC, ourIP))
	a, ok := ParseARP(f[HdrLen:])
	if !ok {
		t.Fatal("refused")
	}
	if a.Op() != ARPReply || a.SenderMAC() != peerMAC || a.SenderIP() != peerIP || a.TargetMAC() != ourMAC || a.TargetIP() != ourIP {
		t.Errorf("%x", []byte(a))
	}
	var b [ARPLen]byte
	putARP(b[:], ARPReply, side(peerMAC, peerIP), side(ourMAC, ourIP))
	if !bytes.Equal(b[:], f[HdrLen:HdrLen+ARPLen]) { // gopacket pads
		t.Errorf("wrote %x, gopacket %x", b, f[HdrLen:])
	}
}

func FuzzARP(f *testing.F) {
	var b [ARPLen]byte
	putARP(b[:], ARPRequest, side(peerMAC, peerIP), side([6]byte{}, ourIP))
	f.Add(b[:])
	f.Add(b[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := ParseARP(b)
		if !ok {
			return
		}
		var c [ARPLen]byte
		putARP(c[:], a.Op(), side(a.SenderMAC(), a.SenderIP()), side(a.TargetMAC(), a.TargetIP()))
		if !bytes.Equal(c[:], b[:ARPLen]) {
			t.Errorf("read %x, wrote %x", b[:ARPLen], c)
		}
	})
}
