package sock

// Rare is what few Socks have: options beyond the usual ones. It is the lcore's, but for
// what says otherwise.
type Rare struct {
	MinTTL  uint8  // packets that come with less are not for it (IP_MINTTL)
	MinHops uint8  // likewise for IPv6 (IPV6_MINHOPCOUNT)
	Device  uint16 // the interface it is bound to, plus 1; 0: none (SO_BINDTODEVICE)
	Filter  *Filter

	Defer    uint8  // a connection without data is accepted after so many SYN-ACKs (TCP_DEFER_ACCEPT); 0: at once
	Deferred bool   // the peer of a half-open connection has our SYN-ACK
	SaveSyn  bool   // connections keep their SYN (TCP_SAVE_SYN)
	Syn      []byte // the headers of the SYN (TCP_SAVED_SYN)
	NotSent  uint32 // bytes that may wait to be sent for the first time (TCP_NOTSENT_LOWAT); 0: any
	SndBuf   int32  // with NotSent: SO_SNDBUF, as the ring holds less
	Clamp    int32  // the window that is shown at most (TCP_WINDOW_CLAMP); 0: what fits

	RecvErr bool      // hints are errors, too (IP_RECVERR, IPV6_RECVERR)
	Errs    *ErrQueue // the lcore fills it, the application empties it; nil: none
	Urgent  *Urgent   // nil: none yet; once FlagUrgent is set the application looks at it
}

// Guards reports whether not every packet may come in.
func (r *Rare) Guards() bool {
	return r != nil && (r.MinTTL|r.MinHops != 0 || r.Filter != nil || r.Device != 0)
}

// NearEnough reports whether a packet that came with ttl may come in, if it is for the
// limits to say.
func (r *Rare) NearEnough(ttl uint8, four bool) bool {
	if four {
		return ttl >= r.MinTTL
	}
	return ttl >= r.MinHops
}

// Elsewhere reports whether a packet that came by an interface is for others, as the
// socket is bound to another one.
func (r *Rare) Elsewhere(iface uint16) bool {
	return r != nil && r.Device != 0 && r.Device != iface+1
}

// Rarely returns the rare part of sk, which it now has.
func (sk *Sock) Rarely() *Rare {
	if sk.Opt.Rare == nil {
		sk.Opt.Rare = new(Rare)
	}
	return sk.Opt.Rare
}

// HearOnly lets sk hear what comes by one link (its number plus 1; 0: by any). On its lcore.
func (sk *Sock) HearOnly(link uint16) {
	if link != 0 || sk.Opt.Rare != nil {
		sk.Rarely().Device = link
	}
}

// Inherit returns what the connections of a listener begin with.
func (r *Rare) Inherit() *Rare {
	if r == nil {
		return nil
	}
	c := *r
	c.Errs = nil // of the listener
	if c.Urgent = nil; r.Urgent != nil && r.Urgent.Inline.Load() {
		c.Urgent = new(Urgent)
		c.Urgent.Inline.Store(true)
	}
	return &c
}
