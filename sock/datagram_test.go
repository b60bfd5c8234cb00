package sock

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"

	"dataplane/internal/ring"
)

func TestDatagramRecords(t *testing.T) {
	var r ring.Bytes
	r.Init(16 << 10)
	rnd := rand.New(rand.NewPCG(1, 2))
	type sent struct {
		d Datagram
		b []byte
	}
	var queue []sent
	for range 5000 {
		if rnd.IntN(2) == 0 {
			d := Datagram{Len: rnd.IntN(3000), Iface: 3, TTL: 64, Peer: NameFrom(netip.MustParseAddrPort("10.1.2.3:99"))}
			b := make([]byte, d.Len)
			for i := range b {
				b[i] = byte(rnd.Uint32())
			}
			pos, ok := BeginDatagram(&r, &d)
			if !ok {
				continue
			}
			r.WriteAt(pos, b)
			EndDatagram(&r, &d)
			queue = append(queue, sent{d, b})
			continue
		}
		var d Datagram
		x, y, ok := NextDatagram(&r, &d)
		if ok != (len(queue) > 0) {
			t.Fatalf("ring says %v, %d records are in it", ok, len(queue))
		}
		if ok {
			if d != queue[0].d || !bytes.Equal(append(append([]byte{}, x...), y...), queue[0].b) {
				t.Fatalf("record %+v came out as %+v", queue[0].d, d)
			}
			DoneDatagram(&r, &d)
			queue = queue[1:]
		}
	}
}

// A limit smaller than one datagram does not shut out all.
func TestDatagramBiggerThanTheRing(t *testing.T) {
	var r ring.Bytes
	r.Init(MinBuf)
	big := Datagram{Len: 2 * MinBuf}
	if _, ok := BeginDatagram(&r, &big); !ok {
		t.Fatal("an empty ring refused a datagram")
	}
	r.WriteAt(headLen, make([]byte, big.Len))
	EndDatagram(&r, &big)
	if small := (Datagram{Len: 1}); Fits(&r, small.Len) {
		t.Error("a full ring has room")
	}
	var d Datagram
	if _, _, ok := NextDatagram(&r, &d); !ok || d.Len != big.Len {
		t.Errorf("%d bytes came out, %v", d.Len, ok)
	}
	DoneDatagram(&r, &d)
	if !Fits(&r, 1) {
		t.Error("no room in an empty ring")
	}
}
