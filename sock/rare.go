package sock

// Rare is what few Socks have: options beyond the usual ones. It is the lcore's, but for
// what says otherwise.
type Rare struct {
	Device uint32 // index of the only interface that it works with (SO_BINDTODEVICE), 0: all
	MinTTL uint8  // packets that come with less are not for it (IP_MINTTL)

	RecvErr bool      // hints are errors, too (IP_RECVERR, IPV6_RECVERR)
	Errs    *ErrQueue // the lcore fills it, the application empties it; nil: none
}

// Rarely returns the rare part of sk, which it now has.
func (sk *Sock) Rarely() *Rare {
	if sk.Opt.Rare == nil {
		sk.Opt.Rare = new(Rare)
	}
	return sk.Opt.Rare
}

// Inherit returns what the connections of a listener begin with.
func (r *Rare) Inherit() *Rare {
	if r == nil {
		return nil
	}
	c := *r
	c.Errs = nil // of the listener
	return &c
}
