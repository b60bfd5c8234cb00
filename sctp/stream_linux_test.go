package sctp

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"dataplane/ip"
)

// cmsg is a control message of level IPPROTO_SCTP.
func cmsg(typ int, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	native.PutUint64(b, uint64(unix.CmsgLen(len(data))))
	native.PutUint32(b[8:], number)
	native.PutUint32(b[12:], uint32(typ))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

// TestSix: associations by IPv6, over the loopback and by link-local addresses, and by IPv4
// to a listener of both families; messages on several streams, with their numbers.
func TestSix(t *testing.T) {
	a, b := pair(t)
	must(t, Register(a))
	must(t, Register(b))
	far := ip.LinkLocal(b.Ports()[0].MAC)
	for _, c := range []struct {
		family int
		to     unix.Sockaddr
		own    bool // it listens on the same plane
	}{
		{unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: 8}, true},
		{unix.AF_INET6, &unix.SockaddrInet6{Port: 9}, true}, // this host
		{unix.AF_INET6, &unix.SockaddrInet6{Addr: far, Port: 10, ZoneId: 1}, false},
		{unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{10: 0xff, 11: 0xff, 12: 10, 15: 2}, Port: 11}, false},
		{unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{10, 0, 0, 2}, Port: 12}, false},
	} {
		t.Run(fmt.Sprint(c.to), func(t *testing.T) {
			u, v := a.Posix(), b.Posix()
			if c.own {
				v = u
			}
			l, err := v.Socket(unix.AF_INET6, unix.SOCK_SEQPACKET, unix.IPPROTO_SCTP)
			must(t, err)
			defer v.Close(l)
			port := 0
			switch sa := c.to.(type) {
			case *unix.SockaddrInet6:
				port = sa.Port
			case *unix.SockaddrInet4:
				port = sa.Port
			}
			must(t, v.Bind(l, &unix.SockaddrInet6{Port: port}))
			must(t, v.Listen(l, 1))
			fd, err := u.Socket(c.family, unix.SOCK_SEQPACKET, unix.IPPROTO_SCTP)
			must(t, err)
			defer u.Close(fd)
			must(t, u.Connect(fd, c.to))
			s, from, err := v.Accept(l)
			must(t, err)
			defer v.Close(s)
			own, err := u.Getsockname(fd)
			must(t, err)
			if x, ok := from.(*unix.SockaddrInet6); !ok || c.family == unix.AF_INET6 && fmt.Sprint(x.Addr, x.Port) != fmt.Sprint(own.(*unix.SockaddrInet6).Addr, own.(*unix.SockaddrInet6).Port) {
				t.Errorf("from %+v, who says %+v", from, own)
			}
			must(t, v.SetsockoptInt(s, number, optRecvRcvInfo, 1))
			for _, id := range []uint16{0, 1, 200, 1} {
				info := make([]byte, sndInfoLen)
				native.PutUint16(info, id)
				be.PutUint32(info[4:], 77+uint32(id))
				if n, err := u.SendmsgN(fd, []byte{byte(id)}, cmsg(cmsgSndInfo, info), nil, 0); n != 1 || err != nil {
					t.Fatal(n, err)
				}
				p, oob := make([]byte, 9), make([]byte, 99)
				n, k, flags, _, err := v.Recvmsg(s, p, oob, 0)
				want := make([]byte, rcvInfoLen)
				native.PutUint16(want, id)
				be.PutUint32(want[8:], 77+uint32(id))
				if n != 1 || err != nil || p[0] != byte(id) || flags&unix.MSG_EOR == 0 || !bytes.Equal(oob[:k], cmsg(cmsgRcvInfo, want)) {
					t.Fatalf("stream %d: %d %v %#x %x", id, n, err, flags, oob[:k])
				}
			}
			// The answer comes on a stream that the other has opened.
			must(t, u.SetsockoptInt(fd, number, optEvents, 1))
			info := make([]byte, sndRcvLen)
			native.PutUint16(info, 200)
			native.PutUint16(info[4:], unordered)
			if n, err := v.SendmsgN(s, []byte("abc"), cmsg(cmsgSndRcv, info), nil, 0); n != 3 || err != nil {
				t.Fatal(n, err)
			}
			p, oob := make([]byte, 9), make([]byte, 99)
			n, k, _, _, err := u.Recvmsg(fd, p, oob, 0)
			native.PutUint16(info[4:], 0)
			if n != 3 || err != nil || !bytes.Equal(oob[:k], cmsg(cmsgSndRcv, info)) {
				t.Errorf("the answer: %d %v %x", n, err, oob[:k])
			}
		})
	}
	u := a.Posix()
	fd, err := u.Socket(unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_SCTP)
	must(t, err)
	defer u.Close(fd)
	for _, c := range []struct {
		what string
		got  error
		want error
	}{
		{"an address of nobody", u.Bind(fd, &unix.SockaddrInet6{Addr: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}}), unix.EADDRNOTAVAIL},
		{"a link-local address of no link", u.Connect(fd, &unix.SockaddrInet6{Addr: far, Port: 9}), unix.EINVAL},
		{"no route", u.Connect(fd, &unix.SockaddrInet6{Addr: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}, Port: 9}), unix.ENETUNREACH},
		{"nobody listens", u.Connect(fd, &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: 99}), unix.ECONNREFUSED},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
}
