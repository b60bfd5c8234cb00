package packet

import (
	"slices"
	"syscall"
)

// Types of a struct packet_mreq, as Linux numbers them.
const (
	hearGroup     = 0 // PACKET_MR_MULTICAST
	hearAll       = 1 // PACKET_MR_PROMISC
	hearAllGroups = 2 // PACKET_MR_ALLMULTI
	hearStation   = 3 // PACKET_MR_UNICAST

	mreqLen = 16
)

// hearing is a wish to hear frames that are not for this station, a struct packet_mreq.
type hearing struct {
	iface uint32
	kind  uint16
	addr  [lenEther]byte
}

// membership reads a struct packet_mreq.
func membership(v []byte) (h hearing, errno syscall.Errno) {
	if len(v) < mreqLen {
		return h, syscall.EINVAL
	}
	h.iface, h.kind = native.Uint32(v), native.Uint16(v[4:])
	if n := native.Uint16(v[6:]); (h.kind == hearGroup || h.kind == hearStation) && n != lenEther {
		return h, syscall.EINVAL
	}
	if h.kind > hearStation {
		return h, syscall.EINVAL
	}
	if h.kind == hearGroup || h.kind == hearStation {
		copy(h.addr[:], v[8:])
	}
	return h, 0
}

// join adds a wish: PACKET_ADD_MEMBERSHIP. The same one may be added several times, and is
// then dropped as often. Errors: ENODEV, and what the port says.
func (p *private) join(h hearing) error {
	f := p.fam
	f.gate.Wr.Lock()
	defer f.gate.Wr.Unlock()
	if f.layers[0].iface(int(h.iface)-1) == nil {
		return syscall.ENODEV
	}
	if p.closed {
		return syscall.EBADF
	}
	f.hearing[h]++
	if err := f.tell(h.iface); err != nil {
		f.drop(h)
		return err
	}
	p.hears = append(p.hears, h)
	return nil
}

// part takes a wish back: PACKET_DROP_MEMBERSHIP. As in Linux it does not matter whether
// there was one.
func (p *private) part(h hearing) error {
	f := p.fam
	f.gate.Wr.Lock()
	defer f.gate.Wr.Unlock()
	i := slices.Index(p.hears, h)
	if i < 0 {
		return nil
	}
	p.hears = slices.Delete(p.hears, i, i+1)
	f.drop(h)
	return f.tell(h.iface)
}

// drop takes a wish out of the sum of all. Under the gate.
func (f *Family) drop(h hearing) {
	if f.hearing[h]--; f.hearing[h] == 0 {
		delete(f.hearing, h)
	}
}

// tell tells the port of an interface what is wished of it: a port knows no single
// groups and stations, so that it hands up all of them. Under the gate.
func (f *Family) tell(iface uint32) error {
	groups, all := false, false
	for h := range f.hearing {
		if h.iface == iface {
			all = all || h.kind == hearAll || h.kind == hearStation
			groups = groups || h.kind == hearGroup || h.kind == hearAllGroups
		}
	}
	return f.links.Listen(int(iface)-1, groups || all, all)
}

// leaveAll takes back all that a socket wished, and its place in a group.
func (p *private) leaveAll() {
	f := p.fam
	f.gate.Wr.Lock()
	defer f.gate.Wr.Unlock()
	p.closed = true
	hears := p.hears
	p.hears = nil
	for _, h := range hears {
		f.drop(h)
		f.tell(h.iface) //nolint:errcheck // nobody is there to hear of it
	}
	f.unshare(p)
}
