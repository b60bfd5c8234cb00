package packet

import (
	"syscall"
	"testing"

	"dataplane/eth"
	"dataplane/sock"
)

// packet4 is a UDP packet between two hosts and ports in a frame.
func packet4(src, dst byte, sport, dport uint16) []byte {
	f := ether(ours, theirs, eth.TypeIPv4, 40)
	p := f[eth.HdrLen:]
	clear(p)
	p[0], p[9] = 0x45, protoUDP
	p[15], p[19] = src, dst
	be.PutUint16(p[20:], sport)
	be.PutUint16(p[22:], dport)
	return f
}

// team returns n sockets that share frames.
func (b *bench) team(n int, arg uint32) []*sock.Socket {
	b.Helper()
	var out []*sock.Socket
	for range n {
		s := b.socket(sock.TypeRaw, protoAll)
		if err := s.SetInt(syscall.SOL_PACKET, optFanout, int(int32(arg))); err != nil {
			b.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// A flow goes to one socket, in both directions and from all lcores; flows spread.
func TestFanoutHash(t *testing.T) {
	b := newBench(t, 2)
	team := b.team(3, 9|fanoutHash<<16)
	all := b.socket(sock.TypeRaw, protoAll)
	used := 0
	for port := range uint16(40) {
		b.comes(0, packet4(1, 2, port, 80))
		b.comes(1, packet4(2, 1, 80, port))
		b.goes(1, packet4(1, 2, port, 80))
		got := [3]int{count(team[0]), count(team[1]), count(team[2])}
		if got[0]+got[1]+got[2] != 3 || got[0] != 3 && got[1] != 3 && got[2] != 3 {
			t.Errorf("port %d: %v", port, got)
		}
		for i, n := range got {
			if n > 0 {
				used |= 1 << i
			}
		}
	}
	if used != 7 {
		t.Errorf("sockets used: %b", used)
	}
	if n := count(all); n != 120 {
		t.Errorf("who is in no group heard %d", n)
	}
}

// The other ways of sharing; and a socket that has no room.
func TestFanoutWays(t *testing.T) {
	for _, c := range []struct {
		way  uint32
		want [3]int
	}{{fanoutTurns, [3]int{20, 20, 20}}, {fanoutCPU, [3]int{0, 60, 0}}, {fanoutQueue, [3]int{0, 60, 0}}, {fanoutRollover, [3]int{60, 0, 0}}} {
		b := newBench(t, 2)
		team := b.team(3, 1|c.way<<16)
		for range 60 {
			b.comes(1, packet4(1, 2, 3, 4))
		}
		if got := [3]int{count(team[0]), count(team[1]), count(team[2])}; got != c.want {
			t.Errorf("way %d: %v", c.way, got)
		}
	}
	b := newBench(t, 1)
	team := b.team(3, 1|(fanoutRandom|flagRollover)<<16)
	for _, s := range team {
		s.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1)
	}
	for range 100 {
		b.comes(0, packet4(1, 2, 3, 4))
	}
	got := [3]int{count(team[0]), count(team[1]), count(team[2])}
	if got[0] == 0 || got[0] != got[1] || got[1] != got[2] {
		t.Errorf("full: %v", got)
	}
	if err := team[0].Close(); err != nil {
		t.Fatal(err)
	}
	b.comes(0, packet4(1, 2, 3, 4))
	if n := count(team[1]) + count(team[2]); n != 1 {
		t.Errorf("after one has left: %d", n)
	}
}

func TestFanoutErrors(t *testing.T) {
	b := newBench(t, 1)
	a := b.team(1, 5|fanoutHash<<16)[0]
	set := func(s *sock.Socket, v uint32) error { return s.SetInt(syscall.SOL_PACKET, optFanout, int(int32(v))) }
	if err := set(a, 5); err != syscall.EALREADY {
		t.Errorf("again: %v", err)
	}
	if v, err := a.GetInt(syscall.SOL_PACKET, optFanout); v != 5 || err != nil {
		t.Errorf("%x %v", v, err)
	}
	bound := sock.Link{Iface: 1}
	if err := a.Ops.Bind(a, bound.Name()); err != syscall.EINVAL {
		t.Errorf("bind: %v", err)
	}
	s := b.socket(sock.TypeRaw, protoAll)
	for _, v := range []uint32{5 | fanoutTurns<<16, 5 | flagRollover<<16, 6 | 6<<16, 6 | 0x8000<<16} {
		if err := set(s, v); err != syscall.EINVAL {
			t.Errorf("%x: %v", v, err)
		}
	}
	if err := set(b.socket(sock.TypeRaw, 0), 6); err != syscall.EINVAL {
		t.Errorf("hears nothing: %v", err)
	}
	if err := set(b.socket(sock.TypeRaw, eth.TypeARP), 5); err != syscall.EINVAL {
		t.Errorf("hears something else: %v", err)
	}
	if err := set(s, flagUniqueID<<16); err != nil {
		t.Errorf("a number of its own: %v", err)
	}
	if v, _ := s.GetInt(syscall.SOL_PACKET, optFanout); v != 1 {
		t.Errorf("it is %x", v)
	}
	a.Close()
	if len(b.fam.fanouts) != 1 || len(b.cores[0].layer.groups) != 1 {
		t.Error("an empty group stays")
	}
}

func TestMembership(t *testing.T) {
	b := newBench(t, 1)
	a, c := b.socket(sock.TypeRaw, protoAll), b.socket(sock.TypeRaw, protoAll)
	mreq := func(iface int, kind uint16, alen int) []byte {
		v := make([]byte, mreqLen)
		native.PutUint32(v, uint32(iface))
		native.PutUint16(v[4:], kind)
		native.PutUint16(v[6:], uint16(alen))
		return v
	}
	set := func(s *sock.Socket, name int, v []byte) error { return s.SetOption(syscall.SOL_PACKET, name, v) }
	for _, v := range [][]byte{mreq(1, hearAll, 0), mreq(1, hearGroup, 6)} {
		if err := set(a, optAddMembership, v); err != nil {
			t.Error(err)
		}
	}
	if err := set(c, optAddMembership, mreq(1, hearAllGroups, 0)); err != nil {
		t.Error(err)
	}
	if err := set(a, optDropMembership, mreq(1, hearAll, 0)); err != nil {
		t.Error(err)
	}
	if err := set(a, optDropMembership, mreq(1, hearAll, 0)); err != nil { // as in Linux
		t.Error(err)
	}
	for want, v := range map[syscall.Errno][]byte{
		syscall.ENODEV: mreq(9, hearAll, 0), syscall.EOPNOTSUPP: mreq(2, hearAll, 0), syscall.EINVAL: mreq(1, 4, 0),
	} {
		if err := set(a, optAddMembership, v); err != want {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if err := set(a, optAddMembership, mreq(1, hearGroup, 8)); err != syscall.EINVAL {
		t.Error(err)
	}
	a.Close()
	c.Close()
	want := []string{"all", "all", "all", "groups", "groups", "nothing"}
	if len(b.heard) != len(want) {
		t.Fatal(b.heard)
	}
	for i := range want {
		if b.heard[i] != want[i] {
			t.Fatalf("%v, want %v", b.heard, want)
		}
	}
}
