package raw_test

import (
	"syscall"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/internal/wiretest"
	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// socket makes a raw socket of the stack of w.
func socket(t *testing.T, w *wiretest.Wire, typ, proto int) *sock.Socket {
	t.Helper()
	s, err := w.Host.Families.Create(syscall.AF_INET, typ, proto)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// The table of protocols is as it was once the last socket has gone; one that has no room
// misses packets, by name.
func TestListening(t *testing.T) {
	const proto = 200
	w := wiretest.New(t, wiretest.Config{})
	a, b, p := socket(t, w, sock.TypeRaw, proto), socket(t, w, sock.TypeRaw, proto), socket(t, w, sock.TypeDgram, ip.ProtoICMP)
	if err := p.Ops.Bind(p, sock.Name{Port: 5}); err != nil {
		t.Fatal(err)
	}
	if n := w.Stack.Raw.Len(); n != 3 {
		t.Errorf("%d sockets hear", n)
	}
	if err := b.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1); err != nil {
		t.Fatal(err)
	}
	come := func() {
		w.SendIP(&layers.IPv4{Version: 4, TTL: 9, Protocol: proto, SrcIP: wiretest.Peer.AsSlice(), DstIP: wiretest.Local.AsSlice()},
			gopacket.Payload(make([]byte, 1000)))
	}
	for range 20 {
		come()
	}
	if e := w.Stat.Events; e[perf.EvRawMissed] == 0 || e[perf.EvRawReceived]+e[perf.EvRawMissed] != 40 {
		t.Errorf("%d received, %d missed", e[perf.EvRawReceived], e[perf.EvRawMissed])
	}
	for _, s := range []*sock.Socket{a, b, p} {
		s.Close()
	}
	if n := w.Stack.Raw.Len(); n != 0 {
		t.Errorf("%d sockets still hear", n)
	}
	drops := w.Stat.Drops[perf.DropIPProto]
	come()
	if w.Stat.Drops[perf.DropIPProto] != drops+1 {
		t.Error("it still counts as delivered")
	}
	w.Next() // the peer is told
}
