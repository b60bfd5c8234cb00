package wiretest

import (
	"strings"
	"testing"

	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/tcp"
)

// TestFlow: a connection from handshake to close, all by templates.
func TestFlow(t *testing.T) {
	w := New(t, Config{})
	f, a := w.Passive(Seg{MSS: 1000, WScale: 7, SackOK: true, TS: true}, 10*perf.Millisecond)
	a.WantState(tcp.Established)
	f.Send(Seg{Data: "question"})
	f.Expect(Seg{})
	a.ExpectString("question")
	a.WriteString("answer")
	f.Expect(Seg{Flags: tcp.ACK | tcp.PSH, Data: "answer"})
	f.Send(Seg{Flags: tcp.FIN | tcp.ACK})
	if !a.EOF() {
		t.Error("no end of stream")
	}
	a.Close()
	f.Expect(Seg{Flags: tcp.FIN | tcp.ACK}) // which acknowledges the peer's
	f.Send(Seg{})
	if !a.Dead() {
		t.Error("not dead")
	}
	w.QuietFor(perf.Minute)
}

// TestActive: the stack connects; its numbers may be chosen by the clock.
func TestActive(t *testing.T) {
	w := New(t, Config{})
	w.AtISN(40000, 80, 0xffff_fff0)
	f, a := w.Active(Seg{}, 10*perf.Millisecond)
	if f.ISS>>8 != 0xffffff {
		t.Errorf("begins at %#x", f.ISS)
	}
	a.Write(1000)
	f.Expect(Seg{Len: 1000})
	f.Send(Seg{Len: 500})
	f.Recv()
	a.Expect(500)
}

// TestFlowFailures: one line for each field that differs.
func TestFlowFailures(t *testing.T) {
	w := New(t, Config{})
	f, a := w.Passive(Seg{TS: true}, 0)
	for _, tt := range []struct {
		want Seg
		says string
	}{
		{Seg{}, "length: want 0, got 100"},
		{Seg{Len: 100, Seq: 5}, "seq: want 5, got"},
		{Seg{Len: 100, Ack: 9}, "ack: want 9, got 1"},
		{Seg{Len: 100, Flags: tcp.ACK | tcp.FIN}, "flags: want F., got P."},
		{Seg{Len: 100, Wnd: 7}, "window: want 7, got"},
		{Seg{Len: 100, Wnd: ZeroWindow}, "window: want 0, got"},
		{Seg{Len: 100, Sack: []Block{{1, 2}}}, "sack: want [{1 2}], got []"},
		{Seg{Len: 100, NoTS: true}, "timestamps: want none, got them"},
		{Seg{Len: 100, TSEcr: 5}, "tsecr: want 5, got"},
		{Seg{Data: "x"}, "length: want 1, got 100"},
		{Seg{Data: strings.Repeat("x", 100)}, "data: want"},
		{Seg{Len: 100, MSS: 9, SackOK: true, WScale: 2}, "mss: want 9, got 0"},
	} {
		a.Write(100)
		if out := fails(t, w, func() { f.Expect(tt.want) }); !strings.Contains(out, tt.says) {
			t.Errorf("%+v: no %q in\n%s", tt.want, tt.says, out)
		}
		f.Send(Seg{})
	}
	a.WriteString("not the pattern")
	if out := fails(t, w, func() { f.Expect(Seg{Len: 15}) }); !strings.Contains(out, "not the pattern's") {
		t.Errorf("got\n%s", out)
	}
	if out := fails(t, w, func() { f.Expect(Seg{}) }); !strings.Contains(out, "got nothing") {
		t.Errorf("got\n%s", out)
	}
}

// TestSendOdd: what the test sends is what it says, judged by the drops.
func TestSendOdd(t *testing.T) {
	w := New(t, Config{})
	f, a := w.Passive(Seg{}, 0)
	f.Send(Seg{Len: 10, BadSum: true})
	w.Quiet()
	if n := w.Drops(perf.DropTCPChecksum); n != 1 {
		t.Errorf("%d wrong checksums", n)
	}
	f.Send(Seg{Len: 10, RawOpts: []byte{2, 0, 0, 0}}) // option of length 0
	if n := w.Drops(perf.DropTCPChecksum); n != 1 {
		t.Errorf("raw options spoil the checksum")
	}
	_ = a
}

// TestFullLink: frames that the link refuses leave later.
func TestFullLink(t *testing.T) {
	w := New(t, Config{})
	f, a := w.Passive(Seg{}, 0)
	w.port.full = true
	a.Write(100)
	w.Quiet()
	w.FillTx(false)
	f.Expect(Seg{Len: 100})
}

// TestOffloads: a port that cuts and sums by itself sees super-segments.
func TestOffloads(t *testing.T) {
	w := New(t, Config{MaxTSO: 65535, Offloads: pmd.TSO | pmd.TxTCPChecksum | pmd.TxIPChecksum | pmd.MultiSeg})
	f, a := w.Passive(Seg{MSS: 1000}, 0)
	a.Write(10_000)
	f.Expect(Seg{Len: 10_000})
	if f.Frame.SegSize != 1000 {
		t.Errorf("segments of %d", f.Frame.SegSize)
	}
}

// TestUDP: datagrams both ways.
func TestUDP(t *testing.T) {
	w := New(t, Config{})
	a := w.BindUDP(7)
	w.SendUDP(Datagram{Local: 7, Remote: 5000, Data: "hello"})
	w.SendUDP(Datagram{Local: 7, Remote: 5001, Data: "no checksum", NoSum: true})
	a.Expect(5000, "hello")
	a.Expect(5001, "no checksum")
	a.SendTo(5000, "hello yourself")
	w.ExpectUDP(Datagram{Local: 7, Remote: 5000, Data: "hello yourself"})
	if e := a.Connect(5002); e != 0 {
		t.Fatal(e)
	}
	a.SendTo(0, "only you")
	w.ExpectUDP(Datagram{Local: 7, Remote: 5002, Data: "only you"})
	w.Quiet()
	a.Close()
	w.SendUDP(Datagram{Local: 7, Remote: 5002, Data: "anybody?"})
	w.ExpectICMP(ICMP{Type: 3, Code: 3})
}
