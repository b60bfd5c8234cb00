package udp

import (
	"testing"

	"dataplane/eth"
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/sock"
)

// BenchmarkInput is from the Ethernet header to the socket's ring and out of it.
func BenchmarkInput(b *testing.B) {
	for _, c := range []struct {
		name      string
		n         int
		connected bool
		flags     uint64
	}{{"64/bound", 64, false, 0}, {"64/connected", 64, true, 0}, {"64/checked", 64, true, mbuf.RxL4ChecksumGood | mbuf.RxIPChecksumGood}, {"1400", 1400, true, 0}} {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b, 0)
			s := r.bind(ip.Addr{}, port)
			if c.connected {
				r.connect(s, peer, far)
			}
			f := dgram{data: pattern(c.n)}.bytes()
			var d sock.Datagram
			for b.Loop() {
				m := r.pool.Alloc()
				copy(m.Append(len(f)), f)
				m.OlFlags |= c.flags
				r.input(m)
				sock.NextDatagram(&s.RX, &d)
				sock.DoneDatagram(&s.RX, &d)
			}
		})
	}
}

// BenchmarkOutput is from the socket's ring to the port, 32 datagrams a turn.
func BenchmarkOutput(b *testing.B) {
	for _, c := range []struct {
		name      string
		n         int
		connected bool
		off       pmd.Offload
	}{{"64/unconnected", 64, false, 0}, {"64/connected", 64, true, 0}, {"64/offload", 64, true, pmd.TxUDPChecksum | pmd.TxIPChecksum}, {"1400", 1400, true, 0}} {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b, c.off)
			r.link.mute = true
			s := r.bind(ip.Addr{}, port)
			if c.connected {
				r.connect(s, peer, far)
			}
			d := sock.Datagram{Peer: name(peer, far), Len: c.n}
			data := pattern(c.n)
			i := 0
			for b.Loop() {
				sock.PutDatagram(&s.TX, &d, data, nil)
				if i++; i&31 == 0 {
					s.Kick(sock.ReqSend)
					r.turn()
					r.now += 1000
					r.eth.Confirm(r.eth.Neighbor(&r.link.ifc, eth.Addr(peer)), r.now)
				}
			}
			s.Kick(sock.ReqSend)
			r.turn()
		})
	}
}
