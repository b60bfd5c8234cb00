package inet

import (
	"errors"
	"syscall"
	"testing"

	"dataplane/ip"
	"dataplane/sock"
)

func TestCreate(t *testing.T) {
	a, _ := beds(t, 2)
	for _, c := range []struct {
		typ, proto int
		want       error
	}{
		{sock.TypeStream, 0, nil}, {sock.TypeStream, ip.ProtoTCP, nil}, {sock.TypeDgram, 0, nil}, {sock.TypeDgram, ip.ProtoUDP, nil},
		{sock.TypeStream, ip.ProtoUDP, syscall.EPROTONOSUPPORT}, {sock.TypeDgram, ip.ProtoTCP, syscall.EPROTONOSUPPORT},
		{sock.TypeDgram, 250, syscall.EPROTONOSUPPORT}, {sock.TypeRaw, 1, nil}, {sock.TypeRaw, 0, syscall.EPROTONOSUPPORT},
		{sock.TypeSeqpacket, 0, syscall.ESOCKTNOSUPPORT}, {0, 0, syscall.ESOCKTNOSUPPORT}, {-1, 0, syscall.EINVAL}, {99, 0, syscall.EINVAL},
	} {
		s, err := a.Families.Create(syscall.AF_INET, c.typ, c.proto)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("type %d protocol %d: %v, want %v", c.typ, c.proto, err, c.want)
		}
		if err == nil {
			if len(s.Group()) != 2 || s.State() != sock.Unconnected || s.Protocol == 0 {
				t.Errorf("%d Socks for 2 lcores, state %v, protocol %d", len(s.Group()), s.State(), s.Protocol)
			}
			s.Close()
		}
	}
	if s, err := a.Families.Create(syscall.AF_INET6, sock.TypeStream, 0); err != nil || s.Family != syscall.AF_INET6 {
		t.Errorf("AF_INET6: %v", err)
	}
}

// toy is operations of nobody.
type toy struct{ sock.NoOps }

func TestRegisterProtosw(t *testing.T) {
	h := NewHost(nil)
	mine := &Protosw{Type: sock.TypeDgram, Protocol: 200, Ops: toy{}, NewSock: newUDP}
	for _, p := range []*Protosw{
		{Type: sock.TypeStream, Protocol: ip.ProtoTCP, Ops: toy{}}, {Type: sock.TypeDgram, Protocol: ip.ProtoUDP, Ops: toy{}},
	} {
		if err := h.RegisterProtosw(p); !errors.Is(err, syscall.EPERM) {
			t.Errorf("over a permanent entry: %v", err)
		}
	}
	must(t, h.RegisterProtosw(mine))
	if p, e := h.sw.find(sock.TypeDgram, 200); p != mine || e != 0 {
		t.Errorf("not found: %v", e)
	}
	if p, e := h.sw.find(sock.TypeStream, 200); p != nil || e != syscall.EPROTONOSUPPORT {
		t.Errorf("with another type: %v", e)
	}
	// A new one goes behind the permanent ones, as in inet_register_protosw.
	if p, _ := h.sw.find(sock.TypeDgram, 0); p == nil || p.Protocol != ip.ProtoUDP {
		t.Error("protocol 0 is not UDP any more")
	}
	over := &Protosw{Type: sock.TypeDgram, Protocol: 200, Ops: toy{}}
	must(t, h.RegisterProtosw(over))
	if p, _ := h.sw.find(sock.TypeDgram, 200); p != over {
		t.Error("an entry that is not permanent cannot be replaced")
	}
	must(t, h.UnregisterProtosw(over))
	must(t, h.UnregisterProtosw(mine))
	if err := h.UnregisterProtosw(mine); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("twice: %v", err)
	}
	if err := h.UnregisterProtosw(&inetsw[0]); !errors.Is(err, syscall.EPERM) {
		t.Errorf("a permanent entry: %v", err)
	}
	if p, _ := h.sw.find(sock.TypeDgram, 0); p == nil || p.Protocol != ip.ProtoUDP {
		t.Error("UDP is not the only datagram protocol again")
	}
	if other := NewHost(nil); len(*other.sw.rows.Load()) != len(inetsw) {
		t.Error("hosts share their tables")
	}
}

// Who binds or listens when another goroutine has just closed the socket leaves nothing
// behind.
func TestClosedSocketsTakeNoPort(t *testing.T) {
	a, _ := beds(t, 1)
	for _, typ := range []int{sock.TypeStream, sock.TypeDgram} {
		s, bound := a.socket(typ), a.socket(typ)
		must(t, bound.Ops.Bind(bound, a.at(7000)))
		s.Close()
		bound.Close()
		fails(t, "bind", s.Ops.Bind(s, a.at(7001)), sock.ErrClosed)
		if typ == sock.TypeStream {
			fails(t, "listen", s.Ops.Listen(s, 1), sock.ErrClosed)
			fails(t, "listen where it was bound", bound.Ops.Listen(bound, 1), sock.ErrClosed)
		}
		for _, port := range []uint16{7000, 7001} {
			other := a.socket(typ)
			must(t, other.Ops.Bind(other, a.at(port)))
			if typ == sock.TypeStream {
				must(t, other.Ops.Listen(other, 1))
			}
		}
	}
}
