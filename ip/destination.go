package ip

import (
	"cmp"
	"slices"
)

// Order of destinations: RFC 6724 6. A name often has several addresses; those that serve
// best are tried first.

// candidate is a destination with the source that packets to it would have.
type candidate struct {
	dst        Addr
	src        Prefix // with no address: dst cannot be reached
	deprecated bool
}

// Sort puts what has a destination each, which dst tells, into the order in which to try
// them. RFC 6724 6, rules 1 to 3, 5, 6 and 8 to 10; nobody here has home addresses or tunnels.
func Sort[T any](r *Routes, list []T, dst func(*T) Addr) {
	type entry struct {
		candidate
		v T
	}
	all := make([]entry, len(list))
	for i := range list {
		all[i] = entry{r.candidate(dst(&list[i])), list[i]}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return a.before(&b.candidate) })
	for i := range all {
		list[i] = all[i].v
	}
}

// candidate finds the source for a destination.
func (r *Routes) candidate(dst Addr) candidate {
	c := candidate{dst: dst}
	rt, ok := r.Lookup(dst)
	if !ok {
		return c
	}
	c.src.Addr = rt.Src
	for i := range r.ifaces {
		f := &r.ifaces[i]
		for _, p := range f.Prefixes {
			if p.Addr == rt.Src {
				c.src, c.deprecated = p, f.note(rt.Src).Deprecated
			}
		}
	}
	return c
}

// before is less than 0 if a is to be tried before b.
func (a *candidate) before(b *candidate) int {
	return cmp.Or(
		first(!a.src.Addr.IsZero(), !b.src.Addr.IsZero()),                   // rule 1
		first(a.fits(), b.fits()),                                           // rule 2
		first(!a.deprecated, !b.deprecated),                                 // rule 3
		first(a.labelled(), b.labelled()),                                   // rule 5
		cmp.Compare(policyOf(b.dst).precedence, policyOf(a.dst).precedence), // rule 6
		cmp.Compare(scopeOf(a.dst), scopeOf(b.dst)),                         // rule 8
		a.closer(b), // rule 9
	)
}

// first is less than 0 if only a holds, which then goes first.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// fits and labelled: source and destination have the same scope, and the same label.
func (a *candidate) fits() bool     { return scopeOf(a.dst) == scopeOf(a.src.Addr) }
func (a *candidate) labelled() bool { return policyOf(a.dst).label == policyOf(a.src.Addr).label }

// closer is rule 9: the longer prefix in common with the source. Of IPv6 only: addresses
// of IPv4 say little about where they are.
func (a *candidate) closer(b *candidate) int {
	if a.dst.Is4() || b.dst.Is4() {
		return 0
	}
	return cmp.Compare(b.src.shares(b.dst), a.src.shares(a.dst))
}
