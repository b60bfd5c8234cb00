package api

import (
	"bytes"
	"reflect"
	"testing"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// echo is an echo request of either family; raw IPv6 sockets complete its checksum.
func echo(t *testing.T, six bool, id int) []byte {
	t.Helper()
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: id, Seq: 7, Data: []byte("are you there")}}
	if six {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	b, err := m.Marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Ping sockets and raw sockets of both families, to oneself: the answer comes to the one
// that asked; a raw socket hears what its filter lets pass, of its own family.
func TestPingAndRaw(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		n := open(t, cfg)
		for _, c := range []struct {
			family, proto, reply, head int
			to                         unix.Sockaddr
		}{
			{unix.AF_INET, unix.IPPROTO_ICMP, int(ipv4.ICMPTypeEchoReply), 20, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}},
			{unix.AF_INET6, unix.IPPROTO_ICMPV6, int(ipv6.ICMPTypeEchoReply), 0, &unix.SockaddrInet6{Addr: [16]byte{15: 1}}},
		} {
			six := c.family == unix.AF_INET6
			ping, err := n.testSocket(c.family, unix.SOCK_DGRAM, c.proto)
			if err != nil {
				t.Fatal(err)
			}
			ear, err := n.testSocket(c.family, unix.SOCK_RAW, c.proto)
			if err != nil {
				t.Fatal(err)
			}
			u := n.Posix()
			if six {
				f := new(unix.ICMPv6Filter)
				for i := range f.Data {
					f.Data[i] = ^uint32(0)
				}
				f.Data[c.reply>>5] &^= 1 << (c.reply & 31)
				err = u.SetsockoptICMPv6Filter(ear.fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, f)
			} else {
				err = u.SetsockoptInt(ear.fd, unix.SOL_RAW, 1, ^(1 << c.reply))
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ping.Sendto(echo(t, six, 99), 0, c.to); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 200)
			k, from, err := ping.Recvfrom(buf, 0)
			if err != nil || !reflect.DeepEqual(from, c.to) {
				t.Fatalf("%v from %+v", err, from)
			}
			answer := bytes.Clone(buf[:k])
			m, err := icmp.ParseMessage(c.proto, answer)
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := m.Body.(*icmp.Echo); !ok || e.Seq != 7 || e.ID == 99 || string(e.Data) != "are you there" {
				t.Errorf("%+v %+v", m, m.Body)
			}
			k, from, err = ear.Recvfrom(buf, 0)
			if err != nil || !reflect.DeepEqual(from, c.to) || !bytes.Equal(buf[c.head:k], answer) {
				t.Errorf("the raw socket heard %x from %+v, %v", buf[:k], from, err)
			}
			if _, err := ear.Sendto(echo(t, six, 5), 0, c.to); err != nil {
				t.Fatal(err)
			}
			k, _, err = ear.Recvfrom(buf, 0)
			if m, perr := icmp.ParseMessage(c.proto, buf[c.head:k]); err != nil || perr != nil || m.Body.(*icmp.Echo).ID != 5 {
				t.Errorf("the raw socket's own: %x, %v", buf[:k], err)
			}
		}
	})
}

// A raw IPv6 socket whose checksum the plane makes, and one that is of neither's family.
func TestRawChecksum(t *testing.T) {
	n := open(t, Config{})
	u, to := n.Posix(), &unix.SockaddrInet6{Addr: [16]byte{15: 1}}
	s, err := n.testSocket(unix.AF_INET6, unix.SOCK_RAW, 201)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM, 3); err != unix.EINVAL {
		t.Errorf("an odd place: %v", err)
	}
	if err := u.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sendto([]byte("ab\x00\x00cd"), 0, to); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	k, _, err := s.Recvfrom(buf, 0)
	if err != nil || k != 6 || buf[2]|buf[3] == 0 {
		t.Errorf("%x %v", buf[:k], err)
	}
	if v, err := u.GetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM); v != 2 || err != nil {
		t.Errorf("%d %v", v, err)
	}
	if _, err := s.Sendto([]byte("x"), 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != unix.EINVAL && err != unix.EAFNOSUPPORT {
		t.Errorf("to IPv4: %v", err)
	}
}
