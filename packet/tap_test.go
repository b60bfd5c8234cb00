package packet

import (
	"bytes"
	"syscall"
	"testing"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

const typeARP = eth.TypeARP

// Whom a frame is for, and where it comes from, stands in the name.
func TestNames(t *testing.T) {
	b := newBench(t, 1)
	s := b.socket(sock.TypeRaw, protoAll)
	for _, c := range []struct {
		dst  [6]byte
		want uint8
	}{{ours, toHost}, {eth.BroadcastMAC, toAll}, {[6]byte{1, 0, 0x5e}, toGroup}, {[6]byte{2, 9}, toOther}} {
		f := ether(c.dst, theirs, eth.TypeIPv4, 50)
		b.comes(0, f)
		got, from, ok := recv(s)
		want := sock.Link{Iface: 1, Protocol: eth.TypeIPv4, HaType: haEther, PktType: c.want, HaLen: 6, Addr: [8]byte(append(theirs[:], 0, 0))}
		if !ok || !bytes.Equal(got, f) || from != want {
			t.Errorf("%x from %+v, want type %d", got, from, c.want)
		}
	}
	b.goes(0, ether(theirs, ours, eth.TypeIPv4, 50))
	if got, from, _ := recv(s); len(got) != 64 || from.PktType != outgoing || [6]byte(from.Addr[:6]) != ours {
		t.Errorf("sent: %x from %+v", got, from)
	}
}

// What a socket hears depends on what it is bound to.
func TestHears(t *testing.T) {
	b := newBench(t, 1)
	all, arp, none, lo := b.socket(sock.TypeRaw, protoAll), b.socket(sock.TypeRaw, typeARP), b.socket(sock.TypeRaw, 0), b.socket(sock.TypeRaw, 0)
	to := sock.Link{Iface: 2, Protocol: protoAll}
	if err := lo.Ops.Bind(lo, to.Name()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []uint16{eth.TypeIPv4, typeARP, 40} {
		b.comes(0, ether(ours, theirs, p, 46))
		b.goes(0, ether(theirs, ours, p, 46))
	}
	if n := count(all); n != 6 {
		t.Errorf("all: %d", n)
	}
	if n := count(arp); n != 1 { // what goes out is for ETH_P_ALL, as in Linux
		t.Errorf("ARP: %d", n)
	}
	if n := count(none) + count(lo); n != 0 {
		t.Errorf("%d that nobody asked for", n)
	}
	for proto, head := range map[uint16][]byte{proto8022: {0xaa, 0xaa}, proto8023: {0xff, 0xff}} {
		s := b.socket(sock.TypeDgram, proto)
		f := ether(ours, theirs, 40, 46)
		copy(f[eth.HdrLen:], head)
		b.comes(0, f)
		if got, from, _ := recv(s); !bytes.Equal(got, f[eth.HdrLen:]) || from.Protocol != proto {
			t.Errorf("802.3: %x %+v", got, from)
		}
	}
	to.Iface = 7
	if err := lo.Ops.Bind(lo, to.Name()); err != syscall.ENODEV {
		t.Errorf("no such interface: %v", err)
	}
}

// The last one who leaves puts out the light.
func TestTapFollowsSockets(t *testing.T) {
	b := newBench(t, 2)
	a, c := b.socket(sock.TypeRaw, protoAll), b.socket(sock.TypeDgram, typeARP)
	on := func() bool { return b.cores[0].tap != nil && b.cores[1].tap != nil }
	off := func() bool { return b.cores[0].tap == nil && b.cores[1].tap == nil }
	if !on() {
		t.Error("nobody looks")
	}
	a.Close()
	if !on() {
		t.Error("nobody looks any more")
	}
	c.Close()
	if !off() {
		t.Error("somebody still looks")
	}
	d := b.socket(sock.TypeRaw, 0)
	if !off() {
		t.Error("somebody looks for one who hears nothing")
	}
	hears := sock.Link{Protocol: protoAll}
	if err := d.Ops.Bind(d, hears.Name()); err != nil || !on() {
		t.Errorf("after bind nobody looks: %v", err)
	}
}

// Every part brings what its lcore saw; what came first is read first.
func TestOrder(t *testing.T) {
	b := newBench(t, 3)
	s := b.socket(sock.TypeRaw, protoAll)
	for i := range 30 {
		b.comes(i*7%3, append(ether(ours, theirs, eth.TypeIPv4, 46), byte(i)))
	}
	for i := range 30 {
		if got, _, _ := recv(s); len(got) != 61 || got[60] != byte(i) {
			t.Fatalf("%d: %x", i, got)
		}
	}
}

// Frames in several segments are copied whole; what finds no room is counted.
func TestLongAndMissed(t *testing.T) {
	b := newBench(t, 1)
	s := b.socket(sock.TypeRaw, protoAll)
	f := ether(ours, theirs, eth.TypeIPv4, 3000)
	b.comes(0, f)
	if got, _, _ := recv(s); !bytes.Equal(got, f) {
		t.Errorf("%d bytes", len(got))
	}
	if err := s.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		b.comes(0, f)
	}
	var v [8]byte
	if n, err := s.GetOption(syscall.SOL_PACKET, optStatistics, v[:]); n != 8 || err != nil {
		t.Fatal(n, err)
	}
	if seen, missed := native.Uint32(v[:]), native.Uint32(v[4:]); seen != 6 || missed != 4 {
		t.Errorf("%d seen, %d missed", seen, missed)
	}
	if e := b.cores[0].stat.Events; e[perf.EvPacketReceived] != 2 || e[perf.EvPacketMissed] != 4 {
		t.Errorf("counted %d and %d", e[perf.EvPacketReceived], e[perf.EvPacketMissed])
	}
	s.GetOption(syscall.SOL_PACKET, optStatistics, v[:])
	if v != [8]byte{} {
		t.Errorf("asked again: %x", v)
	}
}

// A frame of a VLAN port is of the protocol behind the tag; a tag that the device took
// off is told beside the frame.
func TestVLAN(t *testing.T) {
	b := newBench(t, 1)
	s := b.socket(sock.TypeDgram, typeARP)
	if err := s.SetInt(syscall.SOL_PACKET, optAuxdata, 1); err != nil {
		t.Fatal(err)
	}
	c := b.cores[0]
	c.ifaces[0].VLAN = 5
	f := make([]byte, 60)
	eth.PutTagged(f, ours, theirs, 5, typeARP)
	b.comes(0, f)
	if got, from, _ := recv(s); len(got) != 42 || from.Protocol != typeARP {
		t.Errorf("%x %+v", got, from)
	}
	m := c.alloc(ether(ours, theirs, typeARP, 46), 100)
	m.OlFlags |= mbuf.RxVLANStripped | mbuf.RxL4ChecksumGood
	m.VlanTCI = 0x2005
	c.tap([]*mbuf.Mbuf{m}, b.now)
	c.pool.Free(m)
	msg := sock.Msg{Buf: make([]byte, 20), Control: make([]byte, 64)}
	n, err := s.RecvMsg(&msg)
	if n != 20 || err != nil || msg.Len != 46 || msg.Flags != sock.MsgTrunc {
		t.Fatalf("%d %v %d %x", n, err, msg.Len, msg.Flags)
	}
	aux, _, _, err := sock.NextControl(msg.Control[:msg.NControl])
	if err != nil || aux.Level != syscall.SOL_PACKET || aux.Type != optAuxdata || len(aux.Data) != auxLen {
		t.Fatalf("%+v %v", aux, err)
	}
	status := uint32(statusUser | statusSum | statusVLAN | statusVLANTag)
	if d := aux.Data; native.Uint32(d) != status || native.Uint32(d[4:]) != 46 || native.Uint16(d[16:]) != 0x2005 || native.Uint16(d[18:]) != eth.TypeVLAN {
		t.Errorf("%x", d)
	}
}

func TestReceiveAllocates(t *testing.T) {
	b := newBench(t, 1)
	s := b.socket(sock.TypeRaw, protoAll)
	c := b.cores[0]
	m := c.alloc(ether(ours, theirs, eth.TypeIPv4, 1000), 1<<11)
	defer c.pool.Free(m)
	burst, buf := []*mbuf.Mbuf{m}, make([]byte, 2000)
	if n := testing.AllocsPerRun(1000, func() {
		c.tap(burst, b.now)
		if _, err := s.Recv(buf, sock.MsgDontwait); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a frame", n)
	}
	out := ether(theirs, ours, eth.TypeIPv4, 1000)
	to := sock.Link{Iface: 2}
	c.links[1].frames = make([][]byte, 0, 4000)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := s.SendTo(out, 0, to.Name()); err != nil {
			t.Fatal(err)
		}
		b.turn()
	}); n > 1 { // the one of the link of this test
		t.Errorf("%v allocations for a frame sent", n)
	}
}

func TestPoll(t *testing.T) {
	b := newBench(t, 2)
	s := b.socket(sock.TypeRaw, protoAll)
	writable := uint32(sock.PollWritable | sock.PollWrBand)
	if m := s.Ops.Poll(s); m != writable {
		t.Errorf("at first: %x", m)
	}
	b.comes(1, ether(ours, theirs, eth.TypeIPv4, 46))
	if m := s.Ops.Poll(s); m != writable|sock.PollReadable {
		t.Errorf("with a frame: %x", m)
	}
	count(s)
	for range 100 {
		s.SendTo(make([]byte, 1500), sock.MsgDontwait, (&sock.Link{Iface: 1}).Name())
	}
	if m := s.Ops.Poll(s); m != 0 {
		t.Errorf("full: %x", m)
	}
	b.turn()
	b.turn()
	if m := s.Ops.Poll(s); m != writable {
		t.Errorf("sent: %x", m)
	}
}
