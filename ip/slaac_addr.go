package ip

import (
	"bytes"
	"math/rand/v2"
	"slices"

	"dataplane/eth"
	"dataplane/internal/timer"
	"dataplane/perf"
)

// autoAddr is an address of ours on a link: made from an announced prefix, or given by
// who configured it. RFC 4862 5.4: before one is used others are asked for it. A given one
// that does not wait is used meanwhile (RFC 4429 says optimistic), and given up if somebody
// has it.
type autoAddr struct {
	Addr
	link  *autoLink
	given bool
	waits bool  // it is not ours before it is sure
	bits  uint8 // of a given one's subnet
	temp  bool
	tries uint8  // stable addresses of this prefix that somebody else had
	asked uint8  // solicitations sent; 0: not yet
	sure  bool   // nobody objected
	nonce uint64 // RFC 7527 4.1: so that our own words are known
	// Until when it is preferred, and when it ends; and when a temporary one was made.
	preferred, valid, made perf.Tick
	timer                  timer.Timer
}

// probing reports whether it is not certain yet that nobody else has a.
func (a *autoAddr) probing() bool { return !a.sure }

// next is the next moment after now at which a's standing changes.
func (a *autoAddr) next(now perf.Tick) perf.Tick {
	if a.given {
		return forever
	}
	next := a.valid
	if a.preferred > now {
		next = min(next, a.preferred)
		if a.temp {
			if t := a.preferred - tempAdvance; t > now {
				next = min(next, t)
			}
		}
	}
	return next
}

// add begins to look after an address. wait: others may do the same at this moment (RFC
// 4862 5.4.2).
func (k *autoLink) add(a *autoAddr, wait bool) bool {
	if !a.given && k.full() {
		k.l.stat.Event(perf.EvAutoRefused)
		return false
	}
	k.gone = slices.DeleteFunc(k.gone, func(g Addr) bool { return g == a.Addr })
	a.link, a.made = k, k.l.now
	a.timer.Init(a, 0)
	before := k.solicitedGroups()
	k.addrs = append(k.addrs, a)
	k.joinNew(before)
	if wait {
		k.l.cfg.Wheel.Arm(&a.timer, int64(k.l.now)+rand.Int64N(int64(perf.Second)))
	} else {
		a.ask()
	}
	return true
}

// full reports whether the link has as many addresses that nobody configured as it may.
func (k *autoLink) full() bool {
	n := 0
	for _, a := range k.addrs {
		if !a.given {
			n++
		}
	}
	return n >= maxAutoAddrs
}

// drop forgets an address.
func (k *autoLink) drop(a *autoAddr) {
	k.l.cfg.Wheel.Cancel(&a.timer)
	before := k.solicitedGroups()
	k.addrs = slices.DeleteFunc(k.addrs, func(x *autoAddr) bool { return x == a })
	k.joinNew(before)
}

// solicitedGroups is the groups in which the link's addresses are looked for.
func (k *autoLink) solicitedGroups() (groups []Addr) {
	for _, a := range k.addrs {
		if g := SolicitedNode(a.Addr); !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	return groups
}

// joinNew reports the groups that the link's addresses need now, and not before, and the
// other way round.
func (k *autoLink) joinNew(before []Addr) {
	after := k.solicitedGroups()
	for _, g := range changed(before, after) {
		k.l.SetGroup(GroupKey{g, k.ifc.Index}, Filter{Exclude: slices.Contains(after, g)}, k.l.now)
	}
}

// ask asks whether anybody has a. RFC 4862 5.4.2: from the unspecified address.
func (a *autoAddr) ask() {
	k := a.link
	a.asked++
	a.nonce = rand.Uint64() | 1<<16
	if m := k.l.cfg.Pool.Alloc(); m != nil {
		b := m.Append(ndLen + optUnit)
		clear(b)
		b[0] = ICMP6NeighborSolicit
		wire := a.Addr.Wire()
		copy(b[8:24], wire[:])
		be.PutUint64(b[24:], a.nonce>>16)
		b[24], b[25] = optNonce, 1
		k.l.stat.Event(perf.EvNDSolicitSent)
		k.l.sendLink6(m, &link6{ifc: k.ifc, dst: SolicitedNode(a.Addr), hops: ndHopLimit})
	}
	wait := perf.Second
	if k.retrans > 0 {
		wait = k.retrans
	}
	k.l.cfg.Wheel.Arm(&a.timer, int64(k.l.now+wait))
}

// Expire is the timer of an address: nobody objected, or it is time to ask.
func (a *autoAddr) Expire(_ uint8, at int64) {
	k := a.link
	k.l.now = max(k.l.now, perf.Tick(at))
	if a.asked == 0 {
		a.ask()
		return
	}
	a.sure = true
	k.tidy()
	// RFC 4861 7.2.6, RFC 9131 6: who knew another station by this address, or none, knows us.
	k.l.advertise(k.ifc, a.Addr, AllNodes, [6]byte{}, eth.FlagOverride)
}

// probed: somebody else asks for the address as well. RFC 4862 5.4.3, 5.4.5.
func (a *autoAddr) probed(nonce uint64) {
	if nonce != 0 && nonce == a.nonce&^0xffff {
		return // RFC 7527 4.2: our own, come back by a loop in the link
	}
	a.taken()
}

// claimed: somebody says that he has the address. mac nil: he did not say where.
func (a *autoAddr) claimed(mac *[6]byte) {
	if mac != nil && bytes.Equal(mac[:], a.link.ifc.MAC[:]) {
		return // our own words, come back
	}
	a.link.l.stat.Event(perf.EvARPConflict)
	if a.probing() {
		a.taken()
	}
}

// taken gives the address up; a stable one of this prefix is made anew (RFC 7217 6).
func (a *autoAddr) taken() {
	k := a.link
	k.l.cfg.Log.Warn("another station has our address", "iface", k.ifc.Name, "addr", a.Addr.Netip())
	k.l.stat.Event(perf.EvAddrDuplicate)
	k.drop(a)
	switch {
	case a.given:
		k.gone = append(k.gone, a.Addr)
		if len(k.gone) > maxAutoAddrs {
			k.gone = k.gone[1:]
		}
	case a.temp:
		k.makeAddr(Prefix{a.Addr, 64}.Masked().Addr, true, a.tries+1, a.preferred, a.valid)
	default:
		k.makeAddr(Prefix{a.Addr, 64}.Masked().Addr, false, a.tries+1, a.preferred, a.valid)
	}
	k.tidy()
}

// makeAddr makes an address of ours in a prefix.
func (k *autoLink) makeAddr(prefix Addr, temp bool, tries uint8, preferred, valid perf.Tick) {
	if tries >= maxTries {
		return
	}
	var a Addr
	ok := true
	if temp {
		a = randomIID(prefix)
	} else {
		ids := IIDs{MAC: k.ifc.MAC, Name: k.ifc.Name, Secret: k.cfg.Secret}
		a, ok = ids.In(prefix, tries)
	}
	if a = a.Scoped(k.ifc.Index); !ok || k.addr(a) != nil {
		return
	}
	k.add(&autoAddr{Addr: a, waits: true, temp: temp, tries: tries, preferred: preferred, valid: valid}, true)
}

// FollowAddrs looks after what the snapshot says of the links' addresses: those that are
// new are checked, those that are gone are forgotten. Runs on the speaker.
func (l *Layer) FollowAddrs(now perf.Tick) {
	l.now = max(l.now, now)
	r := l.snapshot()
	for _, k := range l.auto.links {
		f := r.iface(k.ifc.Index)
		if f == nil {
			continue
		}
		all := slices.Concat(f.Prefixes, f.Waiting)
		for _, a := range slices.Clone(k.addrs) {
			if a.given && !slices.ContainsFunc(all, func(p Prefix) bool { return p.Addr == a.Addr }) {
				k.drop(a)
			}
		}
		for i, p := range all {
			if !p.Is4() && k.addr(p.Addr) == nil {
				waits := i >= len(f.Prefixes)
				k.add(&autoAddr{Addr: p.Addr, given: true, waits: waits, bits: p.Bits, preferred: forever, valid: forever}, false)
			}
		}
	}
}
