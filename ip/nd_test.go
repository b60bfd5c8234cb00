package ip

import (
	"strings"
	"testing"

	"dataplane/eth"
	"dataplane/perf"
)

// solicitation is a question for target, with the asker's link address.
func solicitation(target Addr, mac [6]byte) []byte {
	w := target.Wire()
	b := append(make([]byte, 4), w[:]...)
	return append(append(b, optSource, 1), mac[:]...)
}

// TestSolicitFlood: whoever asks in many names gets his answers, and makes us ask nobody,
// also when there is no room to remember him.
func TestSolicitFlood(t *testing.T) {
	g := newAutoRig(t, Auto{})
	g.advance(2 * perf.Second)
	g.discard()
	const n = 3000 // more than neighbours are remembered
	for i := range n {
		src := peerLL.Wire()
		be.PutUint16(src[10:], uint16(i))
		mac := [6]byte{2, 0, 0, 1}
		be.PutUint16(mac[4:], uint16(i))
		if v := g.nd(src, SolicitedNode(ll6), ICMP6NeighborSolicit, solicitation(ll6, mac)); v != perf.Delivered {
			t.Fatal(v)
		}
		frames := g.sent(0)
		if len(frames) != 1 || [6]byte(frames[0][:6]) != mac || frames[0][eth.HdrLen+HdrLen6] != ICMP6NeighborAdvert {
			t.Fatalf("question %d: %x", i, frames)
		}
	}
}

// TestSolicited: who is answered, and how. RFC 4861 7.2.4.
func TestSolicited(t *testing.T) {
	g := newAutoRig(t, Auto{})
	g.advance(2 * perf.Second)
	g.discard()
	w := ll6.Wire()
	bare := append(make([]byte, 4), w[:]...)
	g.e.Learn(g.ifaces[0], eth.Addr(peerLL), peerMAC)
	me, peer := w.String(), peerLL.Wire().String()
	for what, c := range map[string]struct {
		src, dst Addr
		body     []byte
		want     string
	}{
		"a neighbour":                 {peerLL.Wire(), SolicitedNode(ll6), solicitation(ll6, peerMAC), me + ">" + peer + " NA " + me + " 60"},
		"one who does not say where":  {peerLL.Wire(), w, bare, me + ">" + peer + " NA " + me + " 60"},
		"one who wants the address":   {Addr{}, SolicitedNode(ll6), bare, me + ">ff02::1 NA " + me + " 20"},
		"one who wants it, but wrong": {Addr{}, w, bare, ""},
		"one who looks for another":   {peerLL.Wire(), SolicitedNode(ll6), solicitation(far6, peerMAC), ""},
	} {
		g.nd(c.src, c.dst, ICMP6NeighborSolicit, c.body)
		if got := strings.TrimSpace(g.said()); got != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}
