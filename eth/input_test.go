package eth

import (
	"bytes"
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"
)

func tagged(tci, ethertype uint16, data ...byte) []byte {
	f := make([]byte, HdrLen+VLANLen, HdrLen+VLANLen+len(data))
	PutTagged(f, ourMAC, peerMAC, tci, ethertype)
	return append(f, data...)
}

func TestInput(t *testing.T) {
	group := [6]byte{1, 0, 0x5e, 0, 0, 1}
	llc := ipFrame(ourMAC, peerMAC, 1, 2, 3)
	be.PutUint16(llc[12:], 3) // 802.3: a length
	for _, c := range []struct {
		name    string
		frame   []byte
		vlan    uint16 // of the interface
		strip   int    // TCI that the port took off, -1: none
		verdict perf.Verdict
		group   bool
		data    []byte // what IPv4 gets
	}{
		{"ours", ipFrame(ourMAC, peerMAC, 1, 2), 0, -1, perf.Delivered, false, []byte{1, 2}},
		{"padded", ipFrame(ourMAC, peerMAC, append([]byte{9}, make([]byte, 45)...)...), 0, -1, perf.Delivered, false, append([]byte{9}, make([]byte, 45)...)},
		{"broadcast", ipFrame(BroadcastMAC, peerMAC, 1), 0, -1, perf.Delivered, true, []byte{1}},
		{"group", ipFrame(group, peerMAC, 1), 0, -1, perf.Delivered, true, []byte{1}},
		{"foreign", ipFrame(otherMAC, peerMAC, 1), 0, -1, perf.DropEthForeign, false, nil},
		{"empty", nil, 0, -1, perf.DropEthShort, false, nil},
		{"runt", make([]byte, 13), 0, -1, perf.DropEthShort, false, nil},
		{"header only", ipFrame(ourMAC, peerMAC), 0, -1, perf.Delivered, false, []byte{}},
		{"802.3", llc, 0, -1, perf.DropEthType, false, nil},
		{"unknown type", tagged(0, 0x88cc, 1), 0, -1, perf.DropEthType, false, nil},
		{"priority tag", tagged(7<<13, TypeIPv4, 5), 0, -1, perf.Delivered, false, []byte{5}},
		{"half a tag", tagged(7<<13, TypeIPv4)[:17], 0, -1, perf.DropEthShort, false, nil},
		{"VLAN on untagged", tagged(5, TypeIPv4, 5), 0, -1, perf.DropVLAN, false, nil},
		{"our VLAN", tagged(3<<13|5, TypeIPv4, 5), 5, -1, perf.Delivered, false, []byte{5}},
		{"other VLAN", tagged(6, TypeIPv4, 5), 5, -1, perf.DropVLAN, false, nil},
		{"untagged on VLAN", ipFrame(ourMAC, peerMAC, 1), 5, -1, perf.DropVLAN, false, nil},
		{"priority tag on VLAN", tagged(7<<13, TypeIPv4, 5), 5, -1, perf.DropVLAN, false, nil},
		{"stripped, our VLAN", ipFrame(ourMAC, peerMAC, 1), 5, 2<<13 | 5, perf.Delivered, false, []byte{1}},
		{"stripped, other VLAN", ipFrame(ourMAC, peerMAC, 1), 5, 6, perf.DropVLAN, false, nil},
		{"stripped, untagged iface", ipFrame(ourMAC, peerMAC, 1), 0, 6, perf.DropVLAN, false, nil},
		{"stripped priority", ipFrame(ourMAC, peerMAC, 1), 0, 6 << 13, perf.Delivered, false, []byte{1}},
		{"stripped and tagged", tagged(5, TypeIPv4, 5), 5, 5, perf.DropVLAN, false, nil},
		{"two tags", tagged(5, TypeVLAN, 0, 9, 8, 0), 5, -1, perf.DropEthType, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t, func(i *Iface, _ *Config) { i.VLAN = c.vlan })
			m := h.buffer(c.frame)
			if c.strip >= 0 {
				m.OlFlags |= mbuf.RxVLAN | mbuf.RxVLANStripped
				m.VlanTCI = uint16(c.strip)
			}
			v := h.l.Input(m, h.now)
			h.pool.Free(m)
			if v != c.verdict {
				t.Errorf("%v, want %v", v, c.verdict)
			}
			if (c.data != nil) != (len(h.got) == 1) {
				t.Fatalf("IPv4 got %v", h.got)
			}
			if c.data != nil && (!bytes.Equal(h.got[0].data, c.data) || h.got[0].group != c.group) {
				t.Errorf("IPv4 got %+v", h.got[0])
			}
			h.quiet()
		})
	}
}

func TestInputUnknownPort(t *testing.T) {
	h := newHost(t, nil)
	for _, port := range []uint16{1, 65535} {
		m := h.buffer(ipFrame(ourMAC, peerMAC, 1))
		m.Port = port
		if v := h.l.Input(m, h.now); v != perf.DropEthForeign {
			t.Errorf("port %d: %v", port, v)
		}
		h.pool.Free(m)
	}
}

func TestInputTaken(t *testing.T) {
	h := newHost(t, nil)
	h.answer = perf.Taken
	m := h.buffer(ipFrame(ourMAC, peerMAC, 1))
	if v := h.l.Input(m, h.now); v != perf.Taken {
		t.Errorf("%v", v)
	}
	if h.l.Now() != h.now {
		t.Error("Now")
	}
	h.pool.Free(m)
}

func TestOutputTags(t *testing.T) {
	for _, c := range []struct {
		name   string
		vlan   uint16
		insert bool
		want   []byte
	}{
		{"untagged", 0, false, ipFrame(peerMAC, ourMAC, 7)},
		{"tag in the frame", 5, false, nil},
		{"tag by the port", 5, true, ipFrame(peerMAC, ourMAC, 7)},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t, func(i *Iface, _ *Config) {
				i.VLAN = c.vlan
				if c.insert {
					i.Offloads |= pmd.VLANInsert
				}
			})
			if c.want == nil {
				c.want = make([]byte, HdrLen+VLANLen)
				PutTagged(c.want, peerMAC, ourMAC, c.vlan, TypeIPv4)
				c.want = append(c.want, 7)
			}
			m := h.pool.Alloc()
			m.Append(1)[0] = 7
			m.SetTx(0, 20, 8, 1000)
			h.l.OutputTo(m, h.ifc, peerMAC, TypeIPv4)
			if m.L2Len() != len(c.want)-1 || m.L3Len() != 20 || m.L4Len() != 8 || m.SegSize() != 1000 {
				t.Errorf("lengths %d %d %d %d", m.L2Len(), m.L3Len(), m.L4Len(), m.SegSize())
			}
			if c.insert != (m.OlFlags&mbuf.TxVLAN != 0) || c.insert && m.VlanTCI != 5 {
				t.Errorf("flags %#x, TCI %d", m.OlFlags, m.VlanTCI)
			}
			if f := h.frames(); len(f) != 1 || !bytes.Equal(f[0], c.want) {
				t.Errorf("sent %x, want %x", f, c.want)
			}
		})
	}
}

func TestOutputWithoutHeadroom(t *testing.T) {
	h := newHost(t, nil)
	m := h.pool.Alloc()
	m.Append(1)
	m.Prepend(m.Headroom())
	h.l.OutputTo(m, h.ifc, peerMAC, TypeIPv4)
	h.quiet()
	if h.stat.Lost[perf.LostNoMbuf] != 1 {
		t.Error("not counted")
	}
}

func TestHotPathAllocs(t *testing.T) {
	h := newHost(t, nil)
	h.mute = true
	h.l.answered(h.l.Neighbor(h.ifc, Addr4(peerIP)), peerMAC, true, h.now)
	n := h.l.Neighbor(h.ifc, Addr4(peerIP))
	in := ipFrame(ourMAC, peerMAC, 1, 2, 3)
	if a := testing.AllocsPerRun(1000, func() {
		h.recv(in)
		m := h.pool.Alloc()
		m.Append(64)
		h.l.Output(m, n, TypeIPv4, h.now)
		h.l.Confirm(n, h.now)
		h.ifc.Tx.Flush()
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

// FuzzInput feeds frames to a layer that lives on: whatever comes, buffers are
// conserved, the table stays bounded and time goes on.
func FuzzInput(f *testing.F) {
	f.Add(ipFrame(ourMAC, peerMAC, 1, 2, 3), uint16(0), uint16(0))
	f.Add(tagged(5, TypeARP, 1), uint16(5), uint16(0))
	f.Add(arpFrame(f, ARPRequest, BroadcastMAC, side(peerMAC, peerIP), side([6]byte{}, ourIP)), uint16(0), uint16(1))
	f.Add(arpFrame(f, ARPReply, ourMAC, side(peerMAC, ourIP), side(ourMAC, ourIP)), uint16(0), uint16(2))
	f.Fuzz(func(t *testing.T, frame []byte, vlan, tci uint16) {
		h := newHost(t, func(i *Iface, c *Config) { i.VLAN, c.MaxNeighbors = vlan&vidMask, 16 })
		h.send(peerIP, 1)
		for i := range 4 {
			m := h.buffer(frame[:min(len(frame), 1500)])
			if tci != 0 {
				m.OlFlags |= mbuf.RxVLANStripped
				m.VlanTCI = tci
			}
			if i&1 != 0 {
				m.OlFlags |= mbuf.FlagCopy
			}
			h.l.Input(m, h.now)
			h.pool.Free(m)
			h.advance(perf.Second)
		}
		if h.l.nb.n > 16 {
			t.Errorf("%d neighbours", h.l.nb.n)
		}
	})
}

func BenchmarkInput(b *testing.B) {
	h := newHost(b, nil)
	h.mute = true
	m := h.buffer(ipFrame(ourMAC, peerMAC, make([]byte, 50)...))
	for b.Loop() {
		h.l.Input(m, h.now)
		m.Prepend(HdrLen)
	}
	h.pool.Free(m)
}

func BenchmarkOutput(b *testing.B) {
	h := newHost(b, nil)
	h.mute = true
	h.l.answered(h.l.Neighbor(h.ifc, Addr4(peerIP)), peerMAC, true, h.now)
	n := h.l.Neighbor(h.ifc, Addr4(peerIP))
	for b.Loop() {
		m := h.pool.Alloc()
		m.Append(64)
		h.l.Output(m, n, TypeIPv4, h.now)
	}
	h.ifc.Tx.Flush()
}
