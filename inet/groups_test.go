package inet

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"dataplane/perf"
	"dataplane/sock"
)

func mreq(group, iface string) []byte {
	g, i := netip.MustParseAddr(group).As4(), netip.MustParseAddr(iface).As4()
	return append(g[:], i[:]...)
}

func mreqSource(group, iface, source string) []byte {
	s := netip.MustParseAddr(source).As4()
	return append(mreq(group, iface), s[:]...)
}

// storage is a struct sockaddr_storage with an IPv4 address.
func storage(a string) []byte {
	b := make([]byte, sizeStorage)
	addr := netip.MustParseAddr(a)
	if addr.Is6() {
		binary.NativeEndian.PutUint16(b, syscall.AF_INET6)
		copy(b[8:], addr.AsSlice())
		return b
	}
	binary.NativeEndian.PutUint16(b, syscall.AF_INET)
	copy(b[4:], addr.AsSlice())
	return b
}

func groupReq(index uint32, addrs ...string) []byte {
	b := make([]byte, 8)
	binary.NativeEndian.PutUint32(b, index)
	for _, a := range addrs {
		b = append(b, storage(a)...)
	}
	return b
}

func setsockopt(t *testing.T, s *sock.Socket, name int, v []byte, want error) {
	t.Helper()
	if err := s.SetOption(syscall.IPPROTO_IP, name, v); err != want { //nolint:errorlint // the identity is the contract
		t.Errorf("option %d: %v, want %v", name, err, want)
	}
}

// listenerAt is a datagram socket bound to a port, which others may share.
func (h *bed) listenerAt(port uint16) *sock.Socket {
	h.t.Helper()
	s := h.socket(syscall.SOCK_DGRAM)
	must(h.t, s.SetInt(syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1))
	must(h.t, s.Ops.Bind(s, sock.Name{Port: port}))
	return s
}

// said is what s has received, in order: as much as want, which may come late, and what
// comes in a while after that.
func said(s *sock.Socket, want string) (all string) {
	buf := make([]byte, 100)
	for {
		wait := 100 * time.Millisecond
		if len(all) < len(want) {
			wait = 20 * time.Second
		}
		s.Rd.SetDeadline(time.Now().Add(wait))
		n, err := s.Recv(buf, 0)
		if err != nil {
			return all
		}
		all += string(buf[:n])
	}
}

// TestGroups: every socket that has joined gets a group's datagrams once, whatever the
// number of lcores; others do not if they say so; and the sender's own do with loop.
func TestGroups(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		const group = "239.1.2.3"
		to := nameAt(group + ":5000")
		joined, also, deaf, own := b.listenerAt(5000), b.listenerAt(5000), b.listenerAt(5000), a.listenerAt(5000)
		setsockopt(t, joined, syscall.IP_ADD_MEMBERSHIP, mreq(group, "10.0.0.2"), nil)
		setsockopt(t, also, mcastJoinGroup, groupReq(1, group), nil)
		must(t, deaf.SetInt(syscall.IPPROTO_IP, 49, 0))
		sender := a.socket(syscall.SOCK_DGRAM)
		send := func(what string, want error) {
			t.Helper()
			_, err := sender.SendTo([]byte(what), 0, to)
			fails(t, "send", err, want)
		}
		send("x", syscall.ENETUNREACH) // no route leads there
		setsockopt(t, sender, syscall.IP_MULTICAST_IF, []byte{10, 0, 0, 1}, nil)
		send("a", nil)
		if x, y, z := said(joined, "a"), said(also, "a"), said(deaf, ""); x != "a" || y != "a" || z != "" {
			t.Errorf("joined %q and %q, not joined %q", x, y, z)
		}
		setsockopt(t, own, syscall.IP_ADD_MEMBERSHIP, mreq(group, "10.0.0.1"), nil)
		send("b", nil)
		must(t, sender.SetInt(syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL, 0))
		send("c", nil)
		must(t, sender.SetInt(syscall.IPPROTO_IP, syscall.IP_MULTICAST_LOOP, 0))
		send("d", nil)
		must(t, sender.SetInt(syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL, 5))
		send("e", nil)
		if x, y := said(own, "bc"), said(joined, "be"); x != "bc" || y != "be" {
			t.Errorf("our own %q, the other's %q", x, y)
		}
		setsockopt(t, joined, syscall.IP_DROP_MEMBERSHIP, mreq(group, "10.0.0.2"), nil)
		also.Close()
		send("f", nil)
		if x := said(joined, ""); x != "" {
			t.Errorf("nobody is joined: %q", x)
		}
		if b.Groups.Joined(0, to.Addr) {
			t.Error("a closed socket is joined")
		}
		drops := uint64(0)
		for i := range b.group.Len() {
			drops += b.group.Core(i).Stat().Drops[perf.DropUDPFull]
		}
		if drops != 0 {
			t.Errorf("%d dropped", drops)
		}
	})
}

// TestGroupSources: filters by source, by both kinds of options.
func TestGroupSources(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		const group, here, peer = "239.1.2.3", "10.0.0.2", "10.0.0.1"
		s := b.listenerAt(5000)
		sender := a.socket(syscall.SOCK_DGRAM)
		setsockopt(t, sender, syscall.IP_MULTICAST_IF, []byte{10, 0, 0, 1}, nil)
		hears := func(want string) {
			t.Helper()
			_, err := sender.SendTo([]byte("a"), 0, nameAt(group+":5000"))
			must(t, err)
			if got := said(s, want); got != want {
				t.Errorf("heard %q, want %q", got, want)
			}
		}
		setsockopt(t, s, ipBlockSource, mreqSource(group, here, peer), syscall.EINVAL)
		setsockopt(t, s, syscall.IP_ADD_MEMBERSHIP, mreq(group, here), nil)
		setsockopt(t, s, syscall.IP_ADD_MEMBERSHIP, mreq(group, here), syscall.EADDRINUSE)
		setsockopt(t, s, ipBlockSource, mreqSource(group, here, peer), nil)
		hears("")
		setsockopt(t, s, mcastUnblockSource, groupReq(1, group, peer), nil)
		hears("a")
		setsockopt(t, s, syscall.IP_DROP_MEMBERSHIP, mreq(group, here), nil)
		setsockopt(t, s, ipAddSourceMembership, mreqSource(group, here, "10.0.0.77"), nil)
		hears("")
		setsockopt(t, s, mcastJoinSource, groupReq(1, group, peer), nil)
		hears("a")
		// The whole filter at once: all but the peer.
		v := append(mreq(group, here), 0, 0, 0, 0, 1, 0, 0, 0, 10, 0, 0, 1)
		setsockopt(t, s, ipMsfilter, v, nil)
		hears("")
	})
}

// TestGroupErrors: what Linux refuses.
func TestGroupErrors(t *testing.T) {
	_, b := beds(t, 1)
	s := b.socket(syscall.SOCK_DGRAM)
	for _, c := range []struct {
		name int
		v    []byte
		want error
	}{
		{syscall.IP_ADD_MEMBERSHIP, mreq("10.0.0.9", "10.0.0.2"), syscall.EINVAL},
		{syscall.IP_ADD_MEMBERSHIP, mreq("239.0.0.1", "10.0.0.9"), syscall.ENODEV},
		{syscall.IP_ADD_MEMBERSHIP, mreq("239.0.0.1", "0.0.0.0"), syscall.ENODEV}, // no route leads there
		{syscall.IP_ADD_MEMBERSHIP, []byte{239, 0, 0, 1}, syscall.EINVAL},
		{syscall.IP_DROP_MEMBERSHIP, mreq("239.0.0.1", "10.0.0.2"), syscall.EADDRNOTAVAIL},
		{syscall.IP_MULTICAST_IF, []byte{10, 0, 0, 9}, syscall.EADDRNOTAVAIL},
		{syscall.IP_MULTICAST_IF, []byte{10}, syscall.EINVAL},
		{mcastJoinGroup, groupReq(9, "239.0.0.1"), syscall.ENODEV},
		{mcastJoinGroup, groupReq(1), syscall.EINVAL},
	} {
		setsockopt(t, s, c.name, c.v, c.want)
	}
	must(t, s.SetInt(syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL, 7))
	if v, err := s.GetInt(syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL); v != 7 || err != nil {
		t.Errorf("TTL %d, %v", v, err)
	}
	fails(t, "TTL 256", s.SetInt(syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL, 256), syscall.EINVAL)
	if v, err := s.GetInt(syscall.IPPROTO_IP, syscall.IP_MULTICAST_LOOP); v != 1 || err != nil {
		t.Errorf("loop %d, %v", v, err)
	}
	setsockopt(t, s, syscall.IP_MULTICAST_IF, mreq("0.0.0.0", "10.0.0.2"), nil)
	v := make([]byte, 4)
	if n, err := s.GetOption(syscall.IPPROTO_IP, syscall.IP_MULTICAST_IF, v); n != 4 || err != nil || [4]byte(v) != [4]byte{10, 0, 0, 2} {
		t.Errorf("%v %v %v", v, n, err)
	}
	st := b.socket(syscall.SOCK_STREAM)
	setsockopt(t, st, syscall.IP_ADD_MEMBERSHIP, mreq("239.0.0.1", "10.0.0.2"), syscall.EPROTO)
}
