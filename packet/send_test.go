package packet

import (
	"bytes"
	"syscall"
	"testing"

	"dataplane/eth"
	"dataplane/sock"
)

// A frame is sent as it is, or gets its header; others hear it, and the sender does not.
func TestSend(t *testing.T) {
	b := newBench(t, 2)
	raw, dgram, ear := b.socket(sock.TypeRaw, protoAll), b.socket(sock.TypeDgram, protoAll), b.socket(sock.TypeRaw, protoAll)
	to := sock.Link{Iface: 1, Protocol: 0x88b5, HaLen: 6, Addr: [8]byte{2, 0, 0, 0, 0, 2}}
	f := ether(theirs, ours, 0x88b5, 100)
	for _, c := range []struct {
		s *sock.Socket
		b []byte
	}{{raw, f}, {dgram, f[eth.HdrLen:]}} {
		n, err := c.s.SendTo(c.b, 0, to.Name())
		if n != len(c.b) || err != nil {
			t.Fatal(n, err)
		}
		b.turn()
		sent := b.cores[0].links[0].frames
		if len(sent) != 1 || !bytes.Equal(sent[0], f) {
			t.Errorf("sent %x", sent)
		}
		b.cores[0].links[0].frames = nil
		got, from, ok := recv(ear)
		if !ok || !bytes.Equal(got, f) || from.PktType != outgoing {
			t.Errorf("heard %x, %+v", got, from)
		}
	}
	if n := count(raw); n != 1 {
		t.Errorf("the first has heard %d", n)
	}
	if n := count(dgram); n != 1 {
		t.Errorf("the second has heard %d", n)
	}
	raw.SetInt(syscall.SOL_PACKET, optQdiscBypass, 1)
	ear.SetInt(syscall.SOL_PACKET, optIgnoreOutgoing, 1)
	raw.SendTo(f, 0, to.Name())
	dgram.SendTo(f[eth.HdrLen:], 0, to.Name())
	b.turn()
	if n := count(ear) + count(dgram); n != 0 || len(b.cores[0].links[0].frames) != 2 {
		t.Errorf("%d heard of %d", n, len(b.cores[0].links[0].frames))
	}
}

// On a port with a VLAN the header has its tag; a frame may take several buffers.
func TestSendTaggedAndLong(t *testing.T) {
	b := newBench(t, 1)
	s := b.socket(sock.TypeDgram, 0)
	b.cores[0].ifaces[0].VLAN, b.cores[0].ifaces[0].MTU = 7, 9000
	to := sock.Link{Iface: 1, Protocol: 0x88b5, HaLen: 6, Addr: [8]byte{2, 0, 0, 0, 0, 2}}
	p := ether(theirs, ours, 0, 8000)
	if _, err := s.SendTo(p, 0, to.Name()); err != nil {
		t.Fatal(err)
	}
	b.turn()
	sent := b.cores[0].links[0].frames[0]
	h := eth.Header(sent)
	if h.Dst() != theirs || h.Src() != ours || h.TCI() != 7 || h.InnerType() != 0x88b5 || !bytes.Equal(sent[18:], p) {
		t.Errorf("%x", sent[:20])
	}
}

func TestSendErrors(t *testing.T) {
	b := newBench(t, 1)
	raw, dgram := b.socket(sock.TypeRaw, 0), b.socket(sock.TypeDgram, 0)
	eth0 := sock.Link{Iface: 1, HaLen: 6}
	long, none := sock.Link{Iface: 1, HaLen: 9}, sock.Link{Iface: 3, HaLen: 6}
	for _, c := range []struct {
		what string
		s    *sock.Socket
		n    int
		to   sock.Link
		want error
	}{
		{"no interface", raw, 60, sock.Link{}, syscall.ENXIO},
		{"no such interface", raw, 60, none, syscall.ENXIO},
		{"no header", raw, 13, eth0, syscall.EINVAL},
		{"too long", raw, 1515, eth0, syscall.EMSGSIZE},
		{"as long as may be", raw, 1514, eth0, nil},
		{"a too long address", dgram, 60, long, syscall.EINVAL},
		{"too long", dgram, 1501, eth0, syscall.EMSGSIZE},
		{"as long as may be", dgram, 1500, eth0, nil},
	} {
		if _, err := c.s.SendTo(make([]byte, c.n), 0, c.to.Name()); err != c.want {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	if _, err := raw.Send(make([]byte, 60), 0); err != syscall.ENXIO {
		t.Errorf("unbound: %v", err)
	}
	if err := raw.Ops.Bind(raw, eth0.Name()); err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Send(make([]byte, 60), 0); err != nil {
		t.Errorf("bound: %v", err)
	}
	name, err := raw.Ops.GetName(raw, false)
	if a := name.Link(); err != nil || a.Iface != 1 || a.HaLen != 6 || [6]byte(a.Addr[:6]) != ours {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := raw.Ops.GetName(raw, true); err != syscall.EOPNOTSUPP {
		t.Error(err)
	}
	if err := raw.Ops.Connect(raw, eth0.Name(), 0); err != syscall.EOPNOTSUPP {
		t.Error(err)
	}
	if _, err := b.fam.Create(sock.TypeStream, 0); err != syscall.ESOCKTNOSUPPORT {
		t.Error(err)
	}
	b.turn()
}
