package inet

import (
	"bytes"
	"syscall"
	"testing"

	"dataplane/ip"
	"dataplane/sock"
)

// six makes a socket of AF_INET6.
func (h *bed) six(typ int) *sock.Socket {
	h.t.Helper()
	s, err := h.Families.Create(syscall.AF_INET6, typ, 0)
	must(h.t, err)
	bound(s)
	h.t.Cleanup(func() { s.Close() })
	return s
}

// What is asked for of an IPv6 datagram comes with it, in Linux's order, and what a
// message or the socket says of hops and class is what leaves.
func TestControl6(t *testing.T) {
	each(t, func(t *testing.T, a, _ *bed) {
		const six = syscall.IPPROTO_IPV6
		u, v := a.six(sock.TypeDgram), a.six(sock.TypeDgram)
		at := sock.Name{Addr: ip.Loopback6, Port: 7}
		must(t, v.Ops.Bind(v, at))
		for _, name := range []int{syscall.IPV6_RECVPKTINFO, syscall.IPV6_RECVHOPLIMIT, syscall.IPV6_RECVTCLASS, ipv6RecvOrigDst} {
			must(t, v.SetInt(six, name, 1))
		}
		must(t, u.SetInt(six, syscall.IPV6_UNICAST_HOPS, 33))
		must(t, u.SetInt(six, syscall.IPV6_TCLASS, 0x28))
		fails(t, "hops", u.SetInt(six, syscall.IPV6_UNICAST_HOPS, 256), syscall.EINVAL)
		fails(t, "class", u.SetInt(six, syscall.IPV6_TCLASS, 256), syscall.EINVAL)
		addr := ip.Loopback6
		asked := append(controlOf(six, syscall.IPV6_HOPLIMIT, anInt(9)), controlOf(six, syscall.IPV6_TCLASS, anInt(3))...)
		asked = append(asked, controlOf(six, syscall.IPV6_PKTINFO, append(addr[:], anInt(0)...))...)
		for _, c := range []struct {
			control     []byte
			hops, class uint32
		}{{nil, 33, 0x28}, {asked, 9, 3}} {
			_, err := u.SendMsg(&sock.Msg{Buf: []byte("x"), Name: at, Named: true, Control: c.control})
			must(t, err)
			m := sock.Msg{Buf: make([]byte, 9), Control: make([]byte, 256)}
			_, err = v.RecvMsg(&m)
			must(t, err)
			lo := uint32(2)
			want := controlOf(six, syscall.IPV6_PKTINFO, append(addr[:], anInt(lo)...))
			want = append(want, controlOf(six, syscall.IPV6_HOPLIMIT, anInt(c.hops))...)
			want = append(want, controlOf(six, syscall.IPV6_TCLASS, anInt(c.class))...)
			dst := append([]byte{syscall.AF_INET6, 0, 0, 7, 0, 0, 0, 0}, addr[:]...)
			want = append(want, controlOf(six, ipv6RecvOrigDst, append(dst, 0, 0, 0, 0))...)
			if !bytes.Equal(m.Control[:m.NControl], want) {
				t.Errorf("%v, want %v", m.Control[:m.NControl], want)
			}
		}
		bad := controlOf(six, syscall.IPV6_HOPLIMIT, anInt(256))
		_, err := u.SendMsg(&sock.Msg{Buf: []byte("x"), Name: at, Named: true, Control: bad})
		fails(t, "a hop limit that cannot be", err, syscall.EINVAL)
	})
}

// The error queue of an IPv6 socket.
func TestErrorQueue6(t *testing.T) {
	each(t, func(t *testing.T, a, _ *bed) {
		u := a.six(sock.TypeDgram)
		must(t, u.SetInt(syscall.IPPROTO_IPV6, syscall.IPV6_RECVERR, 1))
		at := sock.Name{Addr: ip.Loopback6, Port: 99}
		_, err := u.SendTo([]byte("hello"), 0, at)
		must(t, err)
		_, err = u.Recv(make([]byte, 1), 0)
		fails(t, "pending", err, syscall.ECONNREFUSED)
		m := sock.Msg{Buf: make([]byte, 9), Control: make([]byte, 128)}
		n, err := u.RecvError(&m)
		must(t, err)
		c, _, _, _ := sock.NextControl(m.Control[:m.NControl])
		if string(m.Buf[:n]) != "hello" || m.Name != at || c.Level != syscall.IPPROTO_IPV6 || c.Type != syscall.IPV6_RECVERR ||
			len(c.Data) != 44 || c.Data[4] != sock.OriginICMP6 || c.Data[5] != 1 || c.Data[6] != 4 || !bytes.Equal(c.Data[24:40], at.Addr[:]) {
			t.Errorf("%q of %v: %+v", m.Buf[:n], m.Name, c)
		}
	})
}

// A stream's hops and class, and the path's MTU.
func TestStreamOptions6(t *testing.T) {
	a, _ := beds(t, 1)
	s := a.six(sock.TypeStream)
	const six = syscall.IPPROTO_IPV6
	must(t, s.SetInt(six, syscall.IPV6_TCLASS, 0xb8))
	if v, err := s.GetInt(syscall.IPPROTO_IP, syscall.IP_TOS); v != 0xb8 || err != nil {
		t.Errorf("%#x, %v", v, err)
	}
	_, err := s.GetInt(six, syscall.IPV6_MTU)
	fails(t, "not connected", err, syscall.ENOTCONN)
	must(t, s.SetInt(six, syscall.IPV6_UNICAST_HOPS, -1))
	if v, err := s.GetInt(six, syscall.IPV6_UNICAST_HOPS); v != 64 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
}
