package lcore

import (
	"bytes"
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// TestSteering lets many flows arrive on few queues: each frame is delivered
// once, to the core that owns its flow, and in order within it.
func TestSteering(t *testing.T) {
	const flows, each = 64, 20
	for _, tt := range []struct{ cores, queues int }{{2, 1}, {2, 2}, {3, 1}, {3, 2}, {4, 4}} {
		r := newRig(t, tt.cores, Shared, Adaptive, newPort(tt.queues, 0))
		next := map[uint16]uint32{}
		for i, s := range r.stacks {
			s.input = func(m *mbuf.Mbuf) {
				port, n := flowOf(m)
				if owner := r.g.Owner(Hash4(mapped(hostA), mapped(hostB), port, 80)); owner != i {
					t.Errorf("core %d got a frame of core %d", i, owner)
				}
				if n != next[port] {
					t.Errorf("flow %d: number %d after %d", port, n, next[port])
				}
				next[port] = n + 1
				s.core.Pool().Free(m)
			}
		}
		for n := range uint32(each) {
			for f := range uint16(flows) {
				q := r.port.queues[int(f)%tt.queues] // a flow stays on its queue
				q.put(r.frame(udp4(t, f, 80, n)))
			}
			for r.g.Turn(perf.Second) {
			}
		}
		var all perf.Stat
		for i, c := range r.g.cores {
			if r.stacks[i].frames.Load() == 0 {
				t.Errorf("%d cores: core %d got nothing", tt.cores, i)
			}
			all.Add(c.Stat())
		}
		if all.RxFrames != flows*each || all.Delivered != flows*each || all.Events[perf.EvSteered] == 0 {
			t.Errorf("%d cores, %d queues: %d of %d frames, %d steered", tt.cores, tt.queues, all.Delivered, flows*each, all.Events[perf.EvSteered])
		}
		r.close()
	}
}

// TestSteeringTrustsRSS: a port that chose the core is believed, as long as it
// has a queue for every core; but it does not look into ICMP errors.
func TestSteeringTrustsRSS(t *testing.T) {
	for _, tt := range []struct {
		queues int
		want   int64 // frames of core 1's flow that stay on core 0
	}{{2, 1}, {1, 0}} {
		r := newRig(t, 2, Shared, Adaptive, newPort(tt.queues, pmd.RSS))
		port := r.flowOn(1)
		router := ip4([4]byte{192, 0, 2, 1}, hostA, layers.IPProtocolICMPv4)
		quote := encode(t, ether(layers.EthernetTypeIPv4), router, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)},
			ip4(hostA, hostB, layers.IPProtocolUDP), ports(port, 80))
		r.port.queues[0].put(r.frame(udp4(t, port, 80, 0)))
		r.g.Turn(perf.Second)
		if n := r.stacks[0].frames.Load(); n != tt.want {
			t.Errorf("%d queues with RSS: core 0 kept %d frames, not %d", tt.queues, n, tt.want)
		}
		r.port.queues[0].put(r.frame(quote))
		r.g.Turn(perf.Second)
		if n := r.stacks[0].frames.Load(); n != tt.want {
			t.Errorf("%d queues with RSS: core 0 kept the error", tt.queues)
		}
		if n := r.stacks[0].frames.Load() + r.stacks[1].frames.Load(); n != 2 {
			t.Errorf("%d frames of 2 arrived", n)
		}
		r.close()
	}
}

// TestSpread: what concerns every core reaches every core, once as itself and
// else as a copy.
func TestSpread(t *testing.T) {
	r := newRig(t, 3, Shared, Adaptive, newPort(1, 0))
	defer r.close()
	want := arp(t)
	m := r.frame(want)
	m.OlFlags, m.VlanTCI = mbuf.RxVLANStripped, 5
	r.port.queues[0].put(m)
	r.g.Turn(perf.Second)
	for i, s := range r.stacks {
		if len(s.got) != 1 {
			t.Fatalf("core %d got %d frames", i, len(s.got))
		}
		k := s.got[0]
		flags := uint64(mbuf.RxVLANStripped)
		if i != 0 {
			flags |= mbuf.FlagCopy
		}
		if !bytes.Equal(k.Bytes(), want) || k.Port != 7 || k.VlanTCI != 5 || k.OlFlags != flags {
			t.Errorf("core %d: port %d, tag %d, flags %x, %x", i, k.Port, k.VlanTCI, k.OlFlags, k.Bytes())
		}
	}
	if n := r.g.Core(0).Stat().Events[perf.EvSteerCopied]; n != 2 {
		t.Errorf("%d copies counted", n)
	}
}

// TestSpreadWithoutBuffers: a copy that cannot be made is a drop with a name, the
// frame itself goes on.
func TestSpreadWithoutBuffers(t *testing.T) {
	r := newRig(t, 2, Shared, Adaptive, newPort(1, 0))
	c := r.g.Core(0)
	var all []*mbuf.Mbuf
	for m := c.Pool().Alloc(); m != nil; m = c.Pool().Alloc() {
		all = append(all, m)
	}
	r.port.queues[0].put(r.frame(arp(t)))
	r.g.Turn(perf.Second)
	if c.Stat().Drops[perf.DropNoMbuf] != 1 || len(r.stacks[0].got) != 1 || len(r.stacks[1].got) != 0 {
		t.Errorf("%d drops", c.Stat().Drops[perf.DropNoMbuf])
	}
	c.Pool().FreeBulk(all)
	r.close()
}

func TestSteerRingFull(t *testing.T) {
	r := newRig(t, 2, Shared, Adaptive, newPort(1, 0))
	port := r.flowOn(1)
	c := r.g.Core(0)
	for range steerDepth + 10 {
		r.port.queues[0].put(r.frame(udp4(t, port, 80, 0)))
	}
	for c.Turn(perf.Second) { // core 1 does not run
	}
	s := c.Stat()
	if s.Drops[perf.DropSteerFull] != 10 || s.RxFrames != 10 {
		t.Errorf("%d dropped, %d received", s.Drops[perf.DropSteerFull], s.RxFrames)
	}
	r.close()
	if n := r.stacks[1].frames.Load(); n != steerDepth {
		t.Errorf("core 1 got %d frames when the group stopped, not %d", n, steerDepth)
	}
}

// TestSteer: a stack hands over what it put together itself.
func TestSteer(t *testing.T) {
	r := newRig(t, 2, Shared, Adaptive, newPort(1, 0))
	defer r.close()
	c := r.g.Core(0)
	frame := func(b []byte) *mbuf.Mbuf {
		m := c.Pool().Alloc()
		copy(m.Append(len(b)), b)
		return m
	}
	for _, b := range [][]byte{udp4(t, r.flowOn(0), 80, 1), arp(t), nil} {
		m := frame(b)
		if c.Steer(m) {
			t.Fatal("a frame of the core's own was taken")
		}
		c.Pool().Free(m)
	}
	other := udp4(t, r.flowOn(1), 80, 2)
	if !c.Steer(frame(other)) {
		t.Fatal("the other core's frame was not taken")
	}
	r.g.Turn(perf.Second)
	if len(r.stacks[1].got) != 1 {
		t.Fatal("it did not arrive")
	}
	s := c.Stat()
	for range steerDepth + 1 {
		s.RxFrames++
		if !c.Steer(frame(other)) {
			t.Fatal("not taken")
		}
		s.Count(perf.Taken)
	}
	if s.Drops[perf.DropSteerFull] != 1 || !s.Balanced() {
		t.Errorf("a full ring: %d drops", s.Drops[perf.DropSteerFull])
	}
}

func TestSteerAlone(t *testing.T) {
	r := newRig(t, 1, Shared, Adaptive, newPort(1, 0))
	defer r.close()
	m := r.frame(udp4(t, 1, 2, 3))
	if r.g.Core(0).Steer(m) {
		t.Error("the only core gave a frame away")
	}
	r.gen.Free(m)
}

// chain cuts b into segments of n bytes.
func (r *rig) chain(b []byte, n int) *mbuf.Mbuf {
	head := r.frame(b[:min(n, len(b))])
	for b = b[min(n, len(b)):]; len(b) > 0; b = b[min(n, len(b)):] {
		head.Chain(r.frame(b[:min(n, len(b))]))
	}
	return head
}

// TestSteerChains: headers may lie in several segments, and copies are whole.
func TestSteerChains(t *testing.T) {
	r := newRig(t, 2, Shared, Adaptive, newPort(1, 0))
	defer r.close()
	for _, n := range []int{1, 7, 14, 33, 34, 40} {
		r.port.queues[0].put(r.chain(udp4(t, r.flowOn(1), 80, 1), n))
		r.g.Turn(perf.Second)
		if got := len(r.stacks[1].got); got != 1 {
			t.Errorf("segments of %d bytes: core 1 got %d frames", n, got)
		}
		r.stacks[1].Close(0)
	}
	for _, size := range []int{0, 1, 2000, 2048, 2049, 9000} {
		big := encode(t, ether(layers.EthernetTypeARP), gopacket.Payload(bytes.Repeat([]byte{1, 2, 3}, size/3+1)))
		m := r.chain(big, 700)
		k := r.g.Core(0).duplicate(m)
		got := make([]byte, len(big)+1)
		if n := k.CopyTo(0, got); n != len(big) || !bytes.Equal(got[:n], big) || int(k.PktLen) != len(big) {
			t.Errorf("a copy of %d bytes has %d, PktLen %d", len(big), n, k.PktLen)
		}
		r.g.Core(0).Pool().Free(k)
		r.gen.Free(m)
	}
}
