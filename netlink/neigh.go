package netlink

import (
	"fmt"
	"syscall"

	"dataplane/eth"
	"dataplane/ip"
)

// Attributes of a neighbour (NDA_*), its states (NUD_*) and struct ndmsg.
const (
	ndaDst       = 1
	ndaLLAddr    = 2
	ndaCacheInfo = 3
	ndaProbes    = 4
	ndmsgLen     = 12

	nudPermanent = 0x80
	userHz       = 100
	ntfRouter    = 0x80
)

// nud is a state as Linux numbers it.
func nud(s eth.State) uint16 {
	switch s {
	case eth.Incomplete:
		return 0x01
	case eth.Reachable:
		return 0x02
	case eth.Stale:
		return 0x04
	case eth.Delay:
		return 0x08
	case eth.Probe:
		return 0x10
	case eth.Failed:
		return 0x20
	}
	return nudPermanent
}

// putNeighbor appends a message about a neighbour.
func putNeighbor(w *writer, typ, flags uint16, n *Neighbor, o *origin) {
	w.begin(typ, flags, o.seq, o.id)
	w.u8(family(n.Addr.Is4()), 0, 0, 0)
	w.u32(uint32(n.Index))
	w.u16(nud(n.State))
	var ntf uint8
	if n.Router {
		ntf = ntfRouter
	}
	w.u8(ntf, kindUnicast)
	w.attrAddr(ndaDst, n.Addr)
	if n.MAC != ([6]byte{}) {
		w.attr(ndaLLAddr, n.MAC[:])
	}
	at := w.nest(ndaCacheInfo)
	for _, age := range [3]int64{n.Confirmed, n.Used, n.Updated} {
		w.u32(uint32(age / (1e9 / userHz)))
	}
	w.u32(0)
	w.close(at)
	w.attr32(ndaProbes, uint32(n.Probes))
	w.end()
}

// getNeighbors answers RTM_GETNEIGH.
func (r *request) getNeighbors(v4, v6 bool) func(*writer) bool {
	all, o := r.f.plane.Neighbors(), r.origin()
	var index uint32
	if len(r.data) >= ndmsgLen {
		index = native.Uint32(r.data[4:])
	}
	return func(w *writer) bool {
		for len(all) > 0 {
			n := &all[0]
			all = all[1:]
			if (n.Addr.Is4() && v4 || !n.Addr.Is4() && v6) && (index == 0 || index == uint32(n.Index)) {
				putNeighbor(w, rtmNewNeigh, flagMulti, n, &o)
				return true
			}
		}
		return false
	}
}

// neighbor reads which neighbour r is about, and its attributes into a.
func (r *request) neighbor(a *attrs) (index int, dst ip.Addr, err error) {
	if len(r.data) < ndmsgLen {
		return 0, dst, syscall.EINVAL
	}
	v4, err := inetFamily(r.data[0])
	if err != nil {
		return 0, dst, err
	}
	a.parse(r.data[ndmsgLen:])
	index = int(int32(native.Uint32(r.data[4:])))
	dst, ok := a.addr(ndaDst, v4)
	if !ok || index <= 0 {
		return 0, dst, syscall.EINVAL
	}
	return index, dst, nil
}

// getNeighbor answers RTM_GETNEIGH for one.
func (r *request) getNeighbor() error {
	var a attrs
	index, dst, err := r.neighbor(&a)
	if err != nil {
		return err
	}
	for _, n := range r.f.plane.Neighbors() {
		if n.Index == index && n.Addr.Wire() == dst {
			var w writer
			o := r.origin()
			putNeighbor(&w, rtmNewNeigh, 0, &n, &o)
			r.reply(&w)
			return nil
		}
	}
	return syscall.ENOENT
}

// setNeighbor serves RTM_NEWNEIGH, of permanent ones, and RTM_DELNEIGH.
func (r *request) setNeighbor() error {
	var a attrs
	index, dst, err := r.neighbor(&a)
	if err != nil {
		return err
	}
	n := Neighbor{Index: index, Addr: dst.Scoped(uint16(index - 1)), State: eth.Permanent}
	o := r.origin()
	if r.Type == rtmDelNeigh {
		n.State = eth.Failed
		return r.f.changeNeighbor(&n, &o)
	}
	switch state := native.Uint16(r.data[8:]); {
	case state&nudPermanent == 0:
		return fmt.Errorf("netlink: only permanent neighbours can be added: %w", syscall.EOPNOTSUPP)
	case len(a[ndaLLAddr]) != len(n.MAC):
		return syscall.EINVAL
	}
	copy(n.MAC[:], a[ndaLLAddr])
	known := r.known(&n)
	switch {
	case known && r.Flags&flagExcl != 0, known && r.Flags&flagReplace == 0:
		return syscall.EEXIST
	case !known && r.Flags&flagCreate == 0:
		return syscall.ENOENT
	}
	return r.f.changeNeighbor(&n, &o)
}

// known reports whether the lcores know of n.
func (r *request) known(n *Neighbor) bool {
	for _, o := range r.f.plane.Neighbors() {
		if o.Index == n.Index && o.Addr == n.Addr && o.State != eth.Failed {
			return true
		}
	}
	return false
}
