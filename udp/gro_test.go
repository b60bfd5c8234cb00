package udp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

// setGRO switches UDP_GRO on.
func (r *rig) setGRO(s *Sock) {
	r.t.Helper()
	r.errno("UDP_GRO", s.Sock.SetInt(syscall.IPPROTO_UDP, udpGRO, 1), 0)
	if v, e := s.Sock.GetInt(syscall.IPPROTO_UDP, udpGRO); v != 1 || e != 0 {
		r.t.Errorf("UDP_GRO is %d, %v", v, e)
	}
}

// trains returns what waits in s's ring, as length/segment size.
func (r *rig) trains(s *Sock) (all []string) {
	for {
		d, data, ok := r.got(s)
		if !ok {
			return all
		}
		if len(data) != d.Len {
			r.t.Errorf("%d bytes of %d", len(data), d.Len)
		}
		all = append(all, fmt.Sprintf("%d/%d", d.Len, d.Seg))
	}
}

func TestGRO(t *testing.T) {
	r := newRig(t, 0)
	r.burst = true
	s := r.bind(ip.Addr{}, port)
	r.setGRO(s)
	in := func(what string, want []string, ds ...dgram) {
		t.Helper()
		for _, d := range ds {
			r.verdict(what, r.recv(d), perf.Delivered)
		}
		if got := r.trains(s); got != nil {
			t.Errorf("%s: %v before the end of the burst", what, got)
		}
		r.udp.EndBurst()
		if got := r.trains(s); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	d := func(n int) dgram { return dgram{data: pattern(n)} }
	in("one", []string{"100/0"}, d(100))
	in("alike", []string{"300/100"}, d(100), d(100), d(100))
	in("the last is shorter", []string{"250/100", "50/0"}, d(100), d(100), d(50), d(50))
	in("longer", []string{"100/0", "300/200"}, d(100), d(200), d(100))
	in("nothing in it", []string{"100/0", "0/0", "0/0", "100/0"}, d(100), d(0), d(0), d(100))
	in("another flow", []string{"100/0", "100/0", "100/0"}, d(100), dgram{data: pattern(100), sport: far + 1}, d(100))
	in("another TOS", []string{"100/0", "100/0"}, d(100), dgram{data: pattern(100), tos: 1})
	in("another TTL", []string{"100/0", "100/0"}, d(100), dgram{data: pattern(100), ttl: 9})
	var many []dgram
	for range maxTrain + 1 {
		many = append(many, d(10))
	}
	in("too many", []string{"640/10", "10/0"}, many...)
	many = nil
	for range 45 {
		many = append(many, d(1472))
	}
	in("too long", []string{"64768/1472", "1472/0"}, many...)

	r.errno("off", s.Sock.SetInt(syscall.IPPROTO_UDP, udpGRO, 0), 0)
	in("switched off", []string{"100/0", "100/0"}, d(100), d(100))
}

// A port that has merged datagrams does the same.
func TestGROMerged(t *testing.T) {
	r := newRig(t, 0)
	r.burst = true
	s := r.bind(ip.Addr{}, port)
	merged := func(n, seg int) {
		t.Helper()
		f := dgram{data: pattern(n)}.bytes()
		m := r.pool.Alloc()
		copy(m.Append(len(f)), f)
		m.OlFlags |= mbuf.RxLRO | mbuf.RxL4ChecksumGood
		m.SetTx(0, 0, HdrLen, seg)
		r.verdict("merged", r.input(m), perf.Delivered)
	}
	for _, c := range []struct {
		on   bool
		want string
	}{{false, "[400/0 400/0 200/0 400/0 400/0 400/0]"}, {true, "[1000/400 1200/400]"}} {
		if c.on {
			r.setGRO(s)
		}
		merged(1000, 400)
		merged(800, 400)
		r.verdict("one more", r.recv(dgram{data: pattern(400)}), perf.Delivered)
		r.udp.EndBurst()
		if got := fmt.Sprint(r.trains(s)); got != c.want {
			t.Errorf("%v: %v, want %v", c.on, got, c.want)
		}
	}
}

// The ring's limit holds for a train as for single datagrams, and none is lost
// that there is room for.
func TestGROFullRing(t *testing.T) {
	r := newRig(t, 0)
	r.burst = true
	s := r.bind(ip.Addr{}, port)
	r.setGRO(s)
	s.RX.SetLimit(sock.Space(2000))
	for i := range 3 {
		want := perf.Delivered
		if i == 2 {
			want = perf.DropUDPFull
		}
		r.verdict("datagram", r.recv(dgram{data: pattern(1000)}), want)
	}
	r.udp.EndBurst()
	if got := fmt.Sprint(r.trains(s)); got != "[2000/1000]" {
		t.Error(got)
	}
}

// FuzzGRO: what comes out of merged records is what single ones bring.
func FuzzGRO(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, uint8(20))
	}
	f.Fuzz(func(t *testing.T, seed uint64, n uint8) {
		r := newRig(t, 0)
		defer r.close()
		r.burst = true
		one, many := r.bind(ip.Addr{}, port), r.bind(ip.Addr{}, port+1)
		r.setGRO(many)
		rnd := rand.New(rand.NewPCG(seed, 0))
		for range n {
			d := dgram{data: pattern(rnd.IntN(3) * 700 / (1 + rnd.IntN(2))), sport: far + uint16(rnd.IntN(8)/7)}
			r.recv(d)
			d.dport = port + 1
			r.recv(d)
			if rnd.IntN(6) == 0 {
				r.udp.EndBurst()
			}
		}
		r.udp.EndBurst()
		for {
			d, all, ok := r.got(many)
			seg := int(d.Seg)
			if seg == 0 {
				seg = max(d.Len, 1)
			}
			for first := true; first || len(all) > 0; first = false {
				w, data, more := r.got(one)
				part := all[:min(seg, len(all))]
				if more != ok || w.Peer != d.Peer || !bytes.Equal(data, part) {
					t.Fatalf("%d bytes from %v, want %d from %v", len(part), d.Peer, len(data), w.Peer)
				}
				all = all[len(part):]
			}
			if !ok {
				return
			}
		}
	})
}
