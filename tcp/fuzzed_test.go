package tcp_test

import (
	"testing"

	wt "dataplane/internal/wiretest"
	"dataplane/perf"
	"dataplane/pmd"
)

// What package internal/fuzz has found, as short as it can be told.

// A challenge ACK of a half-open connection shows the window that there is: scaled only
// if the peer scales, and with timestamps if it has them.
func TestChallengeOfHalfOpen(t *testing.T) {
	for name, c := range map[string]struct {
		syn Seg
		wnd int
	}{
		"plain":  {Seg{Flags: SYN, MSS: 1460}, 65535},
		"scaled": {Seg{Flags: SYN, MSS: 1460, WScale: 7, TS: true}, 256 << 10 >> 7},
	} {
		t.Run(name, func(t *testing.T) {
			w := wt.New(t, wt.Config{})
			w.Listen(80, 8)
			f := w.Flow(80, 40000)
			f.Send(c.syn)
			f.Expect(Seg{Flags: SYN | ACK, Wnd: 65535})
			again := c.syn
			again.Seq = 1000
			f.Send(again)
			f.Expect(Seg{Ack: 1, Wnd: c.wnd, TS: c.syn.TS, NoTS: !c.syn.TS})
		})
	}
}

// A super-segment that reports SACK blocks is cut into segments that have room
// for them: with whole ones the packets would not fit the link and never leave.
func TestSuperSegmentWithBlocks(t *testing.T) {
	w := wt.New(t, wt.Config{Offloads: pmd.TxTCPChecksum | pmd.TSO | pmd.MultiSeg, MaxTSO: 65535})
	f, a := w.Passive(Seg{MSS: 1460, SackOK: true}, 10*ms)
	f.Send(Seg{Seq: 101, Len: 100})
	f.Expect(Seg{Ack: 1, Sack: []Block{{Start: 101, End: 201}}})
	a.Write(6000)
	for got := 0; got < 6000; {
		m := w.Next()
		got += len(m.Payload)
		size := m.SegSize
		if size == 0 {
			size = len(m.Payload)
		}
		if n := 20 + int(m.TCP.DataOffset)*4 + size; n > 1500 {
			t.Errorf("packets of %d bytes on a link of 1500", n)
		}
	}
	if n := w.Stat.Lost[perf.LostTooBig]; n != 0 {
		t.Errorf("%d packets were too big", n)
	}
}

// So is a segment that is sent again.
func TestResendWithBlocks(t *testing.T) {
	w := wt.New(t, wt.Config{})
	f, a := w.Passive(Seg{MSS: 1460, SackOK: true}, 10*ms)
	f.Send(Seg{Seq: 2001, Len: 100})
	f.Expect(Seg{Ack: 1, Sack: []Block{{Start: 2001, End: 2101}}})
	a.Write(10_000)
	w.Flush()
	for end := int64(4000); end <= 8000; end += 1000 {
		f.Send(Seg{Seq: 1, Ack: 1, Sack: []Block{{Start: 3001, End: end}}})
	}
	if n := w.Stat.Lost[perf.LostTooBig]; n != 0 {
		t.Errorf("%d packets were too big", n)
	}
	again := 0
	for w.Pending() > 0 {
		if m := w.Next(); m.TCP != nil && len(m.Payload) > 0 && m.TCP.Seq == uint32(a.TCP().TestISS())+1 {
			again++
		}
	}
	if again != 1 {
		t.Errorf("the lost segment was sent %d times", again)
	}
}
