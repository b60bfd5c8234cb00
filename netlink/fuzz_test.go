package netlink

import (
	"testing"

	"dataplane/sock"
)

// Whatever is sent, nothing breaks, what is answered is well-formed, and it is bounded.
func FuzzServe(f *testing.F) {
	c := &client{TB: f}
	for _, typ := range []uint16{rtmGetLink, rtmGetAddr, rtmGetRoute, rtmGetNeigh, rtmNewLink, rtmDelNeigh, diagByFamily} {
		f.Add(uint8(typ&1), c.message(typ, flagDump, make([]byte, 72)))
		f.Add(uint8(0), c.message(typ, flagAck, make([]byte, 16)))
	}
	f.Add(uint8(0), c.message(rtmNewAddr, flagCreate|flagAck, addrBody(1, prefix("10.0.1.2/24"))))
	f.Add(uint8(0), c.message(rtmDelAddr, flagAck, addrBody(1, prefix("10.0.0.2/24"))))
	f.Add(uint8(0), c.message(rtmNewRoute, flagCreate|flagAck, routeBody(prefix("10.5.0.0/16"), addr("10.0.0.9"), 1)))
	f.Add(uint8(0), c.message(rtmGetRoute, flagAck, routeBody(prefix("10.5.0.1/32"), addr("0.0.0.0"), 0)))
	code := append(step(codeSrcEqual, 8, 12), step(0, 0, 80)...)
	var w writer
	w.bytes(diagBody(2, protoTCP, 0xff, 1<<32-1, sock.Name{}, sock.Name{}, 0))
	w.attr(diagBytecode, code)
	f.Add(uint8(1), c.message(diagByFamily, flagDump, w.b))
	f.Fuzz(func(t *testing.T, protocol uint8, b []byte) {
		if len(b) == 0 || len(b) > 1<<16 {
			return
		}
		fam, p := rig(t)
		_, q := diagRig(t)
		p.diags = q.diags
		c := dial(t, fam, int(protocol&1)*protoSockDiag)
		must(t, c.SetInt(solNetlink, optExtAck, 1))
		c.send(b)
		buf := make([]byte, 1<<18)
		for range 10_000 {
			n, err := c.Recv(buf, sock.MsgDontwait)
			if err != nil {
				return
			}
			for rest := buf[:n]; len(rest) > 0; {
				h, ok := nextMessage(rest)
				if !ok {
					t.Fatalf("a malformed answer: % x", rest)
				}
				rest = h.more
			}
		}
		t.Error("it answers without end")
	})
}
