package sock

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"

	"dataplane/internal/ring"
)

func someBytes(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// Records come out as they went in: whole, extended, published one by one or
// several at a time.
func TestDatagramRecords(t *testing.T) {
	var r ring.Bytes
	r.Init(16 << 10)
	rnd := rand.New(rand.NewPCG(1, 2))
	type sent struct {
		d Datagram
		b []byte
	}
	var queue []sent // as the ring should hold it
	visible := 0     // of those, published
	for range 20000 {
		switch rnd.IntN(4) {
		case 0:
			d := Datagram{
				Len: rnd.IntN(3000), Iface: 3, TTL: 64, TOS: uint8(rnd.Uint32()), Flags: FlagTOS, Seg: uint16(rnd.Uint32()),
				Time: 77, Peer: NameFrom(netip.MustParseAddrPort("10.1.2.3:99")), Local: NameFrom(netip.MustParseAddrPort("10.1.2.4:1")),
			}
			b := someBytes(rnd, d.Len)
			if x, y, ok := AppendDatagram(&r, &d); ok {
				CopyIn(x, y, b)
				queue = append(queue, sent{d, b})
			}
		case 1:
			if visible == len(queue) {
				continue
			}
			s := &queue[len(queue)-1]
			b := someBytes(rnd, rnd.IntN(2000))
			if h, x, y, ok := ExtendDatagram(&r, r.Written()-uint64(Space(s.d.Len)), len(b)); ok {
				CopyIn(x, y, b)
				s.b = append(s.b, b...)
				s.d.Len, s.d.Seg = len(s.b), 99
				h.SetSeg(99)
			}
		case 2:
			PublishDatagrams(&r)
			visible = len(queue)
		default:
			pos := r.Tail()
			if (pos != r.Head()) != (visible > 0) {
				t.Fatalf("ring says %v, %d records are in it", pos != r.Head(), visible)
			}
			if visible == 0 {
				continue
			}
			h, x, y := DatagramAt(&r, pos)
			if d := h.Get(); d != queue[0].d || !bytes.Equal(append(bytes.Clone(x), y...), queue[0].b) {
				t.Fatalf("record %+v came out as %+v", queue[0].d, d)
			}
			r.Release(pos + uint64(Space(h.Len())))
			queue, visible = queue[1:], visible-1
		}
	}
}

// A limit smaller than one datagram does not shut out all.
func TestDatagramBiggerThanTheRing(t *testing.T) {
	var r ring.Bytes
	r.Init(MinBuf)
	big := Datagram{Len: 2 * MinBuf}
	x, y, ok := AppendDatagram(&r, &big)
	if !ok || len(x)+len(y) != big.Len {
		t.Fatal("an empty ring refused a datagram")
	}
	if Fits(&r, 1) {
		t.Error("a full ring has room")
	}
	PublishDatagrams(&r)
	if Fits(&r, 1) {
		t.Error("a full ring has room")
	}
	h, x, y := DatagramAt(&r, r.Tail())
	if h.Len() != big.Len || len(x)+len(y) != big.Len {
		t.Errorf("%d bytes came out", h.Len())
	}
	r.Release(r.Head())
	if !Fits(&r, 1) {
		t.Error("no room in an empty ring")
	}
}

func TestPlainRecord(t *testing.T) {
	local := NameFrom(netip.MustParseAddrPort("10.1.2.4:0"))
	for _, c := range []struct {
		d    Datagram
		want bool
	}{
		{Datagram{Len: 3, Peer: NameFrom(netip.MustParseAddrPort("10.1.2.3:99"))}, true},
		{Datagram{TTL: 1}, false}, {Datagram{TOS: 1}, false}, {Datagram{Flags: FlagTOS}, false},
		{Datagram{Seg: 1}, false}, {Datagram{Iface: 1}, false}, {Datagram{Local: local}, false},
	} {
		var h Record
		h.Put(&c.d)
		if h.Plain() != c.want {
			t.Errorf("%+v: %v", c.d, h.Plain())
		}
	}
}
