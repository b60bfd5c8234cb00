package netlink

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"dataplane/ip"
)

// Attributes of an address (IFA_*).
const (
	ifaAddress   = 1
	ifaLocal     = 2
	ifaLabel     = 3
	ifaBroadcast = 4
	ifaCacheInfo = 6
	ifaFlags     = 8
	ifaProto     = 11

	ifaddrLen     = 8    // struct ifaddrmsg
	ifaTemporary  = 0x01 // of IPv6
	ifaSecondary  = 0x01 // of IPv4: there is another of its subnet, which packets leave from
	ifaNoDAD      = 0x02
	ifaTentative  = 0x40
	ifaDeprecated = 0x20
	ifaPermanent  = 0x80
	forever       = 0xffffffff
	scopeUniverse = 0
	scopeSite     = 200
	scopeLink     = 253
	scopeHost     = 254
)

// family is AF_INET or AF_INET6.
func family(v4 bool) uint8 {
	if v4 {
		return syscall.AF_INET
	}
	return syscall.AF_INET6
}

// scopeOf is how far an address of ours is good for.
func scopeOf(a ip.Addr) uint8 {
	switch {
	case a.IsLoopback():
		return scopeHost
	case a.IsLinkLocal() && !a.Is4():
		return scopeLink
	}
	return scopeUniverse
}

// putAddr appends a message about an address of an interface.
func putAddr(w *writer, typ, flags uint16, h held, o *origin) {
	f, p, v4 := h.iface, h.Prefix, h.Is4()
	what, preferred, valid, made := uint8(ifaPermanent), uint32(forever), uint32(forever), uint32(0)
	if h.life != nil {
		what, preferred, valid, made = 0, h.life.Preferred, h.life.Valid, sinceStart(h.life.Made)
	}
	for _, n := range f.Notes {
		if n.Addr == p.Addr && n.Temporary { // a router's, so it ends by itself
			what = ifaTemporary
		}
		if n.Addr == p.Addr && n.Deprecated {
			what, preferred = what|ifaDeprecated, 0
		}
	}
	if v4 && secondary(f, p) {
		what |= ifaSecondary
	}
	if slices.Contains(f.Waiting, p) {
		what |= ifaTentative
	}
	w.begin(typ, flags, o.seq, o.id)
	w.u8(family(v4), p.Bits, what, scopeOf(p.Addr))
	w.u32(uint32(f.Index) + 1)
	w.attrAddr(ifaAddress, p.Addr)
	if v4 {
		w.attrAddr(ifaLocal, p.Addr)
		if b, ok := p.Broadcast(); ok && slices.Contains(f.Brd, p.Addr) {
			w.attrAddr(ifaBroadcast, b)
		}
		w.attrText(ifaLabel, shortName(f.Name))
	}
	w.attr32(ifaFlags, uint32(what))
	at := w.nest(ifaCacheInfo)
	w.u32(preferred)
	w.u32(valid)
	w.u32(made)
	w.u32(made) // changed
	w.close(at)
	w.end()
}

// alive finds how long addresses live.
func alive(all []held, links []Link) {
	for i := range all {
		k := int(all[i].iface.Index)
		if k >= len(links) {
			continue
		}
		for j := range links[k].Lives {
			if links[k].Lives[j].Addr == all[i].Addr {
				all[i].life = &links[k].Lives[j]
			}
		}
	}
}

// start is what moments are told from, in hundredths of a second: as in Linux that of the
// machine is not told.
var start = time.Now()

// sinceStart is a moment so many nanoseconds ago.
func sinceStart(ago int64) uint32 { return uint32(max(int64(time.Since(start))-ago, 0) / 1e7) }

// secondary reports whether f has an earlier address of the subnet of p.
func secondary(f *ip.RouteIface, p ip.Prefix) bool {
	for _, q := range f.Prefixes {
		if q == p {
			break
		}
		if q.Bits == p.Bits && q.Masked() == p.Masked() {
			return true
		}
	}
	return false
}

// getAddrs answers RTM_GETADDR, IPv4 first.
func (r *request) getAddrs(v4, v6 bool) func(*writer) bool {
	all, o := addresses(r.f.plane.Routes()), r.origin()
	alive(all, r.f.plane.Links())
	all = slices.DeleteFunc(all, func(h held) bool { return h.Is4() && !v4 || !h.Is4() && !v6 })
	slices.SortStableFunc(all, func(a, b held) int { return int(family(a.Is4())) - int(family(b.Is4())) })
	return func(w *writer) bool {
		if len(all) == 0 {
			return false
		}
		putAddr(w, rtmNewAddr, flagMulti, all[0], &o)
		all = all[1:]
		return true
	}
}

// address reads the address that a message of ifaddrmsg is about, and its flags.
func (r *request) address() (index uint16, p ip.Prefix, flags uint32, err error) {
	if len(r.data) < ifaddrLen {
		return 0, p, 0, syscall.EINVAL
	}
	v4, err := inetFamily(r.data[0])
	if err != nil {
		return 0, p, 0, err
	}
	var a attrs
	a.parse(r.data[ifaddrLen:])
	local, ok := a.addr(ifaLocal, v4)
	peer, also := a.addr(ifaAddress, v4)
	switch {
	case !ok && !also, !ok && v4 && r.Type == rtmNewAddr:
		return 0, p, 0, syscall.EINVAL
	case !ok:
		local = peer
	case also && peer != local:
		return 0, p, 0, fmt.Errorf("netlink: addresses of a peer are not offered: %w", syscall.EOPNOTSUPP)
	}
	bits := r.data[1]
	if v4 && bits > 32 || bits > 128 {
		return 0, p, 0, syscall.EINVAL
	}
	if info := a[ifaCacheInfo]; len(info) >= 8 && native.Uint32(info[4:]) != forever {
		return 0, p, 0, fmt.Errorf("netlink: addresses that end by themselves are not offered: %w", syscall.EOPNOTSUPP)
	}
	i := native.Uint32(r.data[4:])
	if i == 0 || i > 0xffff {
		return 0, p, 0, syscall.ENODEV
	}
	index = uint16(i - 1)
	flags = uint32(r.data[2])
	if more := a[ifaFlags]; len(more) >= 4 {
		flags = native.Uint32(more)
	}
	return index, ip.Prefix{Addr: local.Scoped(index), Bits: bits}, flags, nil
}

// newAddr serves RTM_NEWADDR.
func (r *request) newAddr() error {
	index, p, flags, err := r.address()
	if err != nil {
		return err
	}
	brd, given := r.broadcast()
	if own, ok := p.Broadcast(); given && (!ok || own != brd) {
		return fmt.Errorf("netlink: another broadcast address than the subnet's is not offered: %w", syscall.EOPNOTSUPP)
	}
	return r.change(func(d *ip.Draft) error {
		if f := d.Iface(index); f != nil && r.Flags&flagReplace != 0 && r.Flags&flagExcl == 0 {
			if slices.Contains(f.Prefixes, p) || slices.Contains(f.Waiting, p) {
				return nil
			}
		}
		give := d.OfferAddr
		if flags&ifaNoDAD != 0 {
			give = d.AddAddr
		}
		err := give(index, p)
		if err == nil && given {
			d.GiveBroadcast(index, p)
		}
		return err
	})
}

// broadcast is the broadcast address that a message of ifaddrmsg brings.
func (r *request) broadcast() (ip.Addr, bool) {
	var a attrs
	a.parse(r.data[ifaddrLen:])
	b, ok := a.addr(ifaBroadcast, r.data[0] == syscall.AF_INET)
	return b, ok && b.Is4()
}

// delAddr serves RTM_DELADDR.
func (r *request) delAddr() error {
	index, p, _, err := r.address()
	if err != nil {
		return err
	}
	return r.change(func(d *ip.Draft) error { return d.DelAddr(index, p) })
}
