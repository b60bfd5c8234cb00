package ip

import (
	"bytes"
	"math/rand/v2"
	"syscall"
	"testing"

	"dataplane/pmd"
)

// TestSendLikeOutput: the short way makes the packets of the long one.
func TestSendLikeOutput(t *testing.T) {
	for _, off := range []pmd.Offload{0, pmd.TxIPChecksum} {
		for _, e := range []Endpoint{
			{Remote: peer0}, {Remote: peer0, TTL: 1, TOS: 0xb8}, {Remote: peer0, DontFrag: true}, {Remote: peer0, Local: own1},
		} {
			var sent [3][]byte
			for way := range sent {
				r := newRig(t)
				r.learn(0, peer0)
				r.ifaces[0].Offloads |= off
				m := r.buffer(pattern(333))
				var errno syscall.Errno
				switch way {
				case 0:
					errno = r.l.Output(m, &e, ProtoUDP, r.now)
				case 1:
					r.l.Resolve(&e)
					errno = r.l.Send(m, &e, ProtoUDP, r.now)
				case 2:
					r.l.Resolve(&e)
					if !r.begun(&e, pattern(333)) {
						errno = r.l.Send(m, &e, ProtoUDP, r.now)
						break
					}
					r.pool.Free(m)
				}
				frames := r.sent(0)
				if errno != 0 || len(frames) != 1 {
					t.Fatalf("%v, %d frames", errno, len(frames))
				}
				sent[way] = frames[0]
				e.Dst = Dst{}
			}
			if !bytes.Equal(sent[0], sent[1]) || !bytes.Equal(sent[0], sent[2]) {
				t.Errorf("%+v, offloads %v:\n%x\n%x\n%x", e, off, sent[0], sent[1], sent[2])
			}
		}
	}
}

// begun sends b by Begin; false: it was refused, and did nothing.
func (r *rig) begun(e *Endpoint, b []byte) bool {
	m := r.pool.Alloc()
	to := r.l.Begin(m, e, ProtoUDP, len(b), r.now)
	if to == nil {
		if m.PktLen != 0 || m.OlFlags != 0 {
			r.t.Error("Begin has refused, and done something")
		}
		r.pool.Free(m)
		return false
	}
	if len(to) != len(b) {
		r.t.Errorf("Begin lends %d bytes, not %d", len(to), len(b))
	}
	copy(to, b)
	e.Dst.Neigh.Send(m)
	return true
}

// TestSendHeader: gopacket finds the checksum right, whatever the header holds.
func TestSendHeader(t *testing.T) {
	r := newRig(t)
	r.learn(0, peer0)
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		e := Endpoint{Remote: peer0, TTL: uint8(rnd.Uint32()), TOS: uint8(rnd.Uint32()), DontFrag: rnd.IntN(2) == 0}
		if errno := r.l.Resolve(&e); errno != 0 {
			t.Fatal(errno)
		}
		if errno := r.l.Send(r.buffer(pattern(rnd.IntN(1480))), &e, ProtoUDP, r.now); errno != 0 {
			t.Fatal(errno)
		}
		r.packets(0) // judges
		if !r.begun(&e, pattern(rnd.IntN(1480))) {
			t.Fatal("Begin refuses an ordinary packet")
		}
		r.packets(0)
	}
}

// TestEndpointPseudoSum: what is kept with a route is what the addresses add up to.
func TestEndpointPseudoSum(t *testing.T) {
	r := newRig(t)
	for _, a := range []Addr{peer0, far, own0, addr("127.0.0.1")} {
		e := Endpoint{Remote: a}
		if errno := r.l.Resolve(&e); errno != 0 {
			t.Fatalf("%v: %v", a, errno)
		}
		if got, want := Fold(e.PseudoSum(ProtoUDP, 1234)), Fold(PseudoSum(e.Local, a, ProtoUDP, 1234)); got != want {
			t.Errorf("%v: %#x, want %#x", a, got, want)
		}
	}
}

// TestPacketChecksumOK is the short check against the long one, right sums and wrong ones.
func TestPacketChecksumOK(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 20000 {
		n := 8 + rnd.IntN(40)
		if rnd.IntN(10) == 0 {
			n = 8 + rnd.IntN(1600)
		}
		b, addrs := randomBytes(rnd, n), randomBytes(rnd, 8)
		for i := range b {
			if rnd.IntN(3) == 0 {
				b[i] = 0xff // drive the carries
			}
		}
		src, dst := From4([4]byte(addrs[:4])), From4([4]byte(addrs[4:]))
		pseudo := PseudoSum(src, dst, ProtoUDP, n)
		if rnd.IntN(2) == 0 {
			b[6], b[7] = 0, 0
			be.PutUint16(b[6:], ^Fold(Sum(b, pseudo)))
		}
		want := Fold(Sum(b, pseudo)) == 0xffff
		if got := (&Packet{Proto: ProtoUDP, sum: pairSum(src, dst)}).ChecksumOK(b); got != want {
			t.Fatalf("%d bytes: %v, want %v", n, got, want)
		}
	}
}
