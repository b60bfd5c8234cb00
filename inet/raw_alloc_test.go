package inet

import (
	"testing"

	"dataplane/ip"
	"dataplane/sock"
)

// A ping to oneself and its answer allocate nothing, on either side of the rings.
func TestPingAllocates(t *testing.T) {
	a, _ := beds(t, 1)
	p, ear := a.protoSocket(sock.TypeDgram, ip.ProtoICMP), a.protoSocket(sock.TypeRaw, ip.ProtoICMP)
	must(t, p.Ops.Connect(p, a.at(0), 0))
	req, buf := echoRequest(1, 1, "to myself"), make([]byte, 100)
	if n := testing.AllocsPerRun(500, func() {
		if _, err := p.SendTo(req, 0, a.at(0)); err != nil {
			t.Fatal(err)
		}
		for _, s := range [3]*sock.Socket{p, ear, ear} { // the answer; and both as a raw socket hears them
			if _, err := s.Recv(buf, 0); err != nil {
				t.Fatal(err)
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations for a ping", n)
	}
}
