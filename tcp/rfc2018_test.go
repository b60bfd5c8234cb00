package tcp_test

import "testing"

// TestRFC2018Blocks: 3, 4: blocks report what is held, the newest first, at
// most four, three beside timestamps, and none once all is in order.
func TestRFC2018Blocks(t *testing.T) {
	for _, ts := range []bool{false, true} {
		w := newWire(t)
		f, a := w.Passive(Seg{SackOK: true, TS: ts}, 10*ms)
		most := 4
		if ts {
			most = 3
		}
		var blocks []Block
		for i := range int64(6) {
			start := 101 + 200*i
			f.Send(Seg{Seq: start, Len: 100})
			blocks = append([]Block{{Start: start, End: start + 100}}, blocks...)
			f.Expect(Seg{Ack: 1, Sack: blocks[:min(len(blocks), most)]})
		}
		f.Send(Seg{Seq: 301, Len: 100}) // again: a D-SACK before the rest
		s, _ := f.Recv()
		if len(s.Sack) == 0 || s.Sack[0] != (Block{Start: 301, End: 401}) {
			t.Errorf("after a duplicate %v", s.Sack)
		}
		f.Send(Seg{Seq: 1, Len: 1200})
		s, _ = f.Recv()
		if s.Ack != 1201 {
			t.Errorf("ack %d", s.Ack)
		}
		a.Expect(1200)
		f.Send(Seg{Seq: 1201, Len: 100})
		f.Expect(Seg{})
	}
}

// TestRFC2018NotAgreed: 2: no blocks without the peer's SACK permitted.
func TestRFC2018NotAgreed(t *testing.T) {
	w := newWire(t)
	f, _ := w.Passive(Seg{}, 10*ms)
	f.Send(Seg{Seq: 101, Len: 100})
	f.Expect(Seg{Ack: 1})
	f.Send(Seg{Seq: 1, Len: 50})
	f.Expect(Seg{Ack: 51})
}

// TestRFC2883Duplicate: 4.1: what arrives twice below the cumulative ACK is
// reported once.
func TestRFC2883Duplicate(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{SackOK: true}, 10*ms)
	f.Send(Seg{Len: 1000})
	f.Expect(Seg{})
	f.Send(Seg{Seq: 1, Len: 500})
	f.Expect(Seg{Sack: sack(1, 501)})
	f.Send(Seg{Len: 100})
	f.Expect(Seg{})
	a.Expect(1100)
}

// TestRFC2018Bounded: a peer that leaves holes everywhere (SegmentSmack) costs
// bounded memory, and the connection still works.
func TestRFC2018Bounded(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{SackOK: true}, 10*ms)
	for i := range int64(6000) {
		f.Send(Seg{Seq: 2 + 2*i, Len: 1})
	}
	w.Flush()
	for at := int64(1); at < 13001; at += 1000 {
		f.Send(Seg{Seq: at, Len: 1000})
	}
	w.Flush()
	if a.Readable() != 13000 {
		t.Errorf("%d bytes to read", a.Readable())
	}
	a.Expect(13000)
}
