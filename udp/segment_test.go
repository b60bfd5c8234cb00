package udp

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/sock"
)

// payloads returns those of the datagrams in ps, which gopacket has judged.
func payloads(ps []gopacket.Packet) (all [][]byte) {
	for _, p := range ps {
		if u, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP); ok {
			all = append(all, u.Payload)
		}
	}
	return all
}

// cut returns b in pieces of n bytes.
func cut(b []byte, n int) (all [][]byte) {
	for ; len(b) > n; b = b[n:] {
		all = append(all, b[:n])
	}
	return append(all, b)
}

func TestSegments(t *testing.T) {
	for _, off := range []pmd.Offload{0, pmd.TxUDPChecksum} {
		r := newRig(t, off)
		r.knows(peer)
		s := r.bind(ip.Addr{}, port)
		r.connect(s, peer, far)
		for _, c := range []struct{ n, seg int }{{2, 1}, {1000, 999}, {1000, 500}, {1001, 500}, {64 * 10, 10}, {5000, 1472}, {40000, 1472}} {
			data := pattern(c.n)
			r.queue(s, sock.Datagram{Peer: name(peer, far), Seg: uint16(c.seg)}, data)
			r.turn()
			got, want := payloads(r.sent()), cut(data, c.seg)
			if len(got) != len(want) {
				t.Fatalf("%d datagrams of %d bytes in %d, want %d", len(got), c.seg, c.n, len(want))
			}
			for i := range got {
				if !bytes.Equal(got[i], want[i]) {
					t.Fatalf("datagram %d of %d differs", i, len(got))
				}
			}
		}
	}
}

// A port with USO gets all of it in one frame, if it is not too long.
func TestSegmentsUSO(t *testing.T) {
	r := newRig(t, pmd.USO|pmd.TxUDPChecksum|pmd.TxIPChecksum|pmd.MultiSeg)
	r.knows(peer)
	s := r.bind(ip.Addr{}, port)
	for _, c := range []struct{ max, frames, seg int }{{65535, 1, 1000}, {4000, 5, 0}} {
		r.link.ifc.MaxTSO = c.max
		r.queue(s, sock.Datagram{Peer: name(peer, far), Seg: 1000}, pattern(4500))
		r.turn()
		ms := r.take(r.link)
		if len(ms) != c.frames || ms[0].SegSize() != c.seg || (ms[0].OlFlags&mbuf.TxUDPSeg != 0) != (c.seg != 0) {
			t.Errorf("%d frames, the first of %d bytes with segments of %d, flags %x", len(ms), ms[0].PktLen, ms[0].SegSize(), ms[0].OlFlags)
		}
		if c.frames == 1 && ms[0].L4Len() != HdrLen {
			t.Errorf("transport header of %d bytes", ms[0].L4Len())
		}
		r.pool.FreeBulk(ms)
	}
}

// Segments are never cut into fragments, and those who asked to hear of it do.
func TestSegmentsTooLong(t *testing.T) {
	r := newRig(t, 0)
	r.knows(peer)
	s := r.bind(ip.Addr{}, port)
	r.connect(s, peer, far)
	r.queue(s, sock.Datagram{Peer: name(peer, far), Seg: 1473}, pattern(4000))
	r.turn()
	if n := len(r.sent()); n != 0 || s.TakeError() != syscall.EMSGSIZE || r.stat.Lost[perf.LostTooBig] != 1 {
		t.Errorf("%d packets left, %d counted", n, r.stat.Lost[perf.LostTooBig])
	}
}

// IP_PMTUDISC_PROBE: whole and with DF, up to what the link carries.
func TestProbe(t *testing.T) {
	r := newRig(t, 0)
	r.knows(peer)
	s := r.bind(ip.Addr{}, port)
	r.connect(s, peer, far)
	r.errno("probe", s.Sock.SetInt(syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, syscall.IP_PMTUDISC_PROBE), 0)
	for n, frames := range map[int]int{1472: 1, 1473: 0} {
		r.send(s, peer, far, pattern(n))
		ps := r.sent()
		if len(ps) != frames {
			t.Fatalf("%d bytes: %d packets", n, len(ps))
		}
		if frames == 1 && ps[0].Layer(layers.LayerTypeIPv4).(*layers.IPv4).Flags != layers.IPv4DontFragment {
			t.Error("no DF")
		}
	}
	r.errno("too long", s.TakeError(), syscall.EMSGSIZE)
}

// IP_PMTUDISC_INTERFACE and OMIT: without DF; what the link does not carry is refused by
// the one, and cut by the other.
func TestInterfaceMTU(t *testing.T) {
	for mode, frames := range map[int]int{ip.PMTUInterface: 0, ip.PMTUOmit: 2} {
		r := newRig(t, 0)
		r.knows(peer)
		s := r.bind(ip.Addr{}, port)
		r.connect(s, peer, far)
		r.errno("mode", s.Sock.SetInt(syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, mode), 0)
		for n, want := range map[int]int{1472: 1, 1473: frames} {
			r.send(s, peer, far, pattern(n))
			ps := r.sent()
			if len(ps) != want {
				t.Fatalf("mode %d, %d bytes: %d packets", mode, n, len(ps))
			}
			if want == 1 && ps[0].Layer(layers.LayerTypeIPv4).(*layers.IPv4).Flags != 0 {
				t.Errorf("mode %d: DF", mode)
			}
		}
		if e := s.TakeError(); (e == syscall.EMSGSIZE) != (mode == ip.PMTUInterface) {
			t.Errorf("mode %d: %v", mode, e)
		}
	}
}

// FuzzSegments: whatever is cut, gopacket finds the datagrams right and whole.
func FuzzSegments(f *testing.F) {
	f.Add(uint16(5000), uint16(700), uint16(0))
	f.Add(uint16(100), uint16(1), uint16(4090))
	f.Fuzz(func(t *testing.T, n, seg, skew uint16) {
		if seg == 0 || seg > 1472 || n == 0 || n > 60000 || int(n) > int(seg)*128 {
			return
		}
		r := newRig(t, 0)
		defer r.close()
		r.knows(peer)
		s := r.bind(ip.Addr{}, port)
		if k := int(skew) % 8000; k > 0 { // so that the record wraps
			r.queue(s, sock.Datagram{Peer: name(peer, far)}, pattern(min(k, 1472)))
		}
		data := pattern(int(n))
		r.queue(s, sock.Datagram{Peer: name(peer, far), Seg: seg}, data)
		for range 5 {
			r.turn()
		}
		got := payloads(r.sent())
		if skew%8000 > 0 {
			got = got[1:]
		}
		if !bytes.Equal(bytes.Join(got, nil), data) {
			t.Fatalf("%d datagrams, not the same bytes", len(got))
		}
		for i, g := range got {
			if len(g) != int(seg) && i != len(got)-1 {
				t.Fatalf("datagram %d has %d bytes, want %d", i, len(g), seg)
			}
		}
	})
}
