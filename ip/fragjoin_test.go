package ip

import (
	"bytes"
	"testing"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

func TestReassemblyLateDrop(t *testing.T) {
	r := newRig(t)
	r.udp.answer = perf.DropUDPFull
	r.give(cutUp(udpPacket(peer0, own0, pattern(3000), ident(1)), 1480)...)
	if r.drops(perf.DropUDPFull) != 3 {
		t.Errorf("%d frames dropped", r.drops(perf.DropUDPFull))
	}
}

func TestReassemblySteer(t *testing.T) {
	var took *mbuf.Mbuf
	mine := true
	r := newRig(t, func(c *Config) {
		c.Steer = func(m *mbuf.Mbuf) bool {
			if mine {
				return false
			}
			took = m
			return true
		}
	})
	data := pattern(3000)
	whole := udpPacket(peer0, own0, data, ident(1))
	r.give(cutUp(whole, 1480)...)
	r.only(1)
	mine = false
	r.give(cutUp(whole, 1480)...)
	r.only(0)
	if took == nil {
		t.Fatal("not offered")
	}
	b := make([]byte, took.PktLen)
	took.CopyTo(0, b)
	if !bytes.Equal(b[eth.HdrLen:], whole) {
		t.Errorf("steered frame: % x", b[:60])
	}
	// The other core takes it like any frame.
	mine = true
	r.inMbuf(0, took)
	if got := r.only(1)[0]; !bytes.Equal(got.data[8:], data) {
		t.Error("wrong data")
	}
	// A broadcast came to every core in pieces.
	mine = false
	for _, f := range cutUp(udpPacket(peer0, broadcast4, data, ident(2)), 1480) {
		r.in(0, r.framed(0, bcast, f))
	}
	r.only(1)
}
