package inet

import (
	"syscall"
	"testing"

	"dataplane/sock"
)

// IP_FREEBIND lets a listener wait for an address that is not there yet.
func TestFreeBind(t *testing.T) {
	a, _ := beds(t, 1)
	s := a.socket(sock.TypeStream)
	strange := nameAt("10.0.0.77:80")
	fails(t, "not ours", s.Ops.Bind(s, strange), syscall.EADDRNOTAVAIL)
	must(t, s.SetInt(syscall.IPPROTO_IP, ipFreeBind, 1))
	must(t, s.Ops.Bind(s, strange))
	must(t, s.Ops.Listen(s, 1))
}

// With IP_BIND_ADDRESS_NO_PORT connect chooses the port, and listen does if it comes to that.
func TestBindNoPort(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		l, name := b.listener(0)
		c := a.socket(sock.TypeStream)
		must(t, c.SetInt(syscall.IPPROTO_IP, ipNoPort, 1))
		must(t, c.Ops.Bind(c, a.at(0)))
		if n, _ := c.Names(); n.Port != 0 {
			t.Errorf("port %d", n.Port)
		}
		must(t, c.Ops.Connect(c, name, 0))
		if n, _ := c.Names(); n.Port == 0 || n.Addr != a.at(0).Addr {
			t.Errorf("%v", n)
		}
		s, err := l.Ops.Accept(l, 0)
		must(t, err)
		s.Close()
		x := a.socket(sock.TypeStream)
		must(t, x.SetInt(syscall.IPPROTO_IP, ipNoPort, 1))
		must(t, x.Ops.Bind(x, a.at(0)))
		must(t, x.Ops.Listen(x, 1))
		if n, _ := x.Names(); n.Port == 0 {
			t.Error("a listener without a port")
		}
	})
}

// Ports are chosen from IP_LOCAL_PORT_RANGE, for bind and for connect, until none is left.
func TestPortRange(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		const low = FirstEphemeral + 100
		_, name := b.listener(0)
		set := func(s *sock.Socket) {
			must(t, s.SetInt(syscall.IPPROTO_IP, ipPortRange, low|(low+1)<<16))
		}
		for i := range 3 {
			c := a.socket(sock.TypeStream)
			set(c)
			want := error(nil)
			if i == 2 {
				want = syscall.EADDRNOTAVAIL
			}
			fails(t, "connect", c.Ops.Connect(c, name, 0), want)
			if n, _ := c.Names(); want == nil && n.Port != low && n.Port != low+1 {
				t.Errorf("port %d", n.Port)
			}
		}
		u := a.socket(sock.TypeDgram)
		set(u)
		must(t, u.Ops.Bind(u, sock.Name{}))
		if n, _ := u.Names(); n.Port != low && n.Port != low+1 {
			t.Errorf("port %d", n.Port)
		}
		fails(t, "upside down", u.SetInt(syscall.IPPROTO_IP, ipPortRange, 2|1<<16), syscall.EINVAL)
	})
}
