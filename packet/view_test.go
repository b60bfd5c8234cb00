package packet

import (
	"bytes"
	"syscall"
	"testing"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/sock"
)

// Frames are lent whole and in order, also where they wrap, and room comes back.
func TestView(t *testing.T) {
	b := newBench(t, 2)
	s := b.socket(sock.TypeRaw, protoAll)
	if err := s.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8000); err != nil {
		t.Fatal(err)
	}
	var v View
	var f Frame
	s.Rd.Lock()
	defer s.Rd.Unlock()
	joined := 0
	var frames [][]byte
	for i := range 300 {
		frames = append(frames, ether(ours, theirs, eth.TypeIPv4, 46+i*5))
		b.comes(i%2, frames[i])
		if i < 2 {
			continue // two are always waiting, so that the rings go round
		}
		if err := v.Next(s, sock.MsgDontwait, &f); err != nil {
			t.Fatal(i, err)
		}
		want := frames[i-2]
		if !bytes.Equal(f.Data, want) || f.Len != len(want) || f.Iface != 1 || f.Type != toHost || f.Proto != eth.TypeIPv4 {
			t.Fatalf("%d: %d of %d bytes", i, len(f.Data), f.Len)
		}
		if len(v.own) > 0 && &f.Data[0] == &v.own[0] {
			joined++
		}
	}
	if joined == 0 || joined > 100 {
		t.Errorf("%d frames were put together", joined)
	}
	v.Next(s, sock.MsgDontwait, &f)
	v.Next(s, sock.MsgDontwait, &f)
	if err := v.Next(s, sock.MsgDontwait, &f); err != syscall.EAGAIN {
		t.Error(err)
	}
	v.Done()
	for _, sk := range s.Group() {
		if sk.RX.Len() != 0 {
			t.Errorf("%d bytes stay", sk.RX.Len())
		}
	}
}

func TestViewTag(t *testing.T) {
	b := newBench(t, 1)
	s := b.socket(sock.TypeRaw, protoAll)
	c := b.cores[0]
	m := c.alloc(ether(ours, theirs, typeARP, 46), 100)
	m.OlFlags, m.VlanTCI = mbuf.RxVLANStripped, 0x2005
	c.tap([]*mbuf.Mbuf{m}, b.now)
	c.pool.Free(m)
	var v View
	var f Frame
	if err := v.Next(s, sock.MsgDontwait, &f); err != nil {
		t.Fatal(err)
	}
	h := eth.Header(f.Data)
	if f.Len != 64 || len(f.Data) != 64 || h.Dst() != ours || h.Src() != theirs || h.TCI() != 0x2005 || h.InnerType() != typeARP || f.Data[18+45] != 45 {
		t.Errorf("%x", f.Data)
	}
}
