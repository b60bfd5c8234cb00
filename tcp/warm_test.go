package tcp_test

import (
	"testing"

	"dataplane/sock"
	"dataplane/tcp"
)

// TestQuietRings: a connection in which nothing moves gives the memory of its rings
// back, and takes some again; one with something in them keeps it.
func TestQuietRings(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 8)
	f := open(w, 40000, Seg{MSS: 1460})
	a := ls.Accept()
	g := open(w, 40001, Seg{MSS: 1460})
	b := ls.Accept()
	g.Send(Seg{Data: "unread"})
	w.Flush()
	for range 3 {
		f.Send(Seg{Data: "ping"})
		a.WriteString("pong")
		for w.Pending() > 0 {
			f.Recv()
		}
		f.Send(Seg{})
		if a.SK.RX.Cap() == 0 || a.SK.TX.Cap() == 0 {
			t.Fatal("no memory")
		}
		a.ExpectString("ping")
		w.Advance(5 * sec)
		w.Flush()
		if n := a.SK.RX.Cap() + a.SK.TX.Cap(); n != 0 {
			t.Fatalf("%d bytes after 5 s without data", n)
		}
	}
	b.ExpectString("unread")
	a.WantState(tcp.Established)
}

// TestQuietRingsMany: all of many connections do, in several parts of a round, and
// those that end meanwhile are forgotten.
func TestQuietRingsMany(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 1000)
	var apps []*App
	for i := range 500 {
		f := open(w, uint16(10000+i), Seg{MSS: 1460})
		a := ls.Accept()
		f.Send(Seg{Data: "x"})
		a.ExpectString("x")
		w.Flush()
		if i%3 == 0 {
			f.Send(Seg{Flags: RST})
			continue
		}
		apps = append(apps, a)
	}
	if n := w.Stack.TCP.TestWarm(); n != 500 {
		t.Errorf("%d are on the list", n)
	}
	w.Advance(5 * sec)
	for i, a := range apps {
		if n := a.SK.RX.Cap(); n != 0 {
			t.Fatalf("connection %d of %d holds %d bytes", i, len(apps), n)
		}
	}
	if n := w.Stack.TCP.TestWarm(); n != 0 {
		t.Errorf("%d are still on the list", n)
	}
}

// TestQuietOrphan: a peer that takes all and does not acknowledge the end of it keeps no
// memory of a connection that nobody has any more.
func TestQuietOrphan(t *testing.T) {
	for _, free := range []uint32{0, sock.ReqFree} {
		w := newWire(t)
		ls := w.Listen(80, 8)
		f := open(w, 40000, Seg{MSS: 1460})
		a := ls.Accept()
		a.WriteString("all of it")
		f.Expect(Seg{Data: "all of it", Flags: ACK | PSH})
		f.Send(Seg{})
		a.SK.Kick(sock.ReqClose | free)
		w.Turn()
		f.Expect(Seg{Flags: FIN | ACK | PSH})
		w.Advance(12 * sec) // between two of its FINs
		if n := a.SK.TX.Cap(); n != 0 {
			t.Errorf("%d bytes of one in %v", n, a.State())
		}
		a.WantState(tcp.FinWait1)
	}
}
