package ip

import (
	"crypto/rand"
	"crypto/sha256"
)

// IIDs is how a host makes the second half of its addresses.
type IIDs struct {
	MAC    [6]byte
	Name   string // of the interface
	Secret []byte // RFC 7217; none: the link address makes it (RFC 4291 appendix A)
}

// In is the host's address in a prefix of 64 bits. tries counts those that somebody else
// had (RFC 7217 5: DAD_Counter).
func (i *IIDs) In(prefix Addr, tries uint8) (a Addr, ok bool) {
	if len(i.Secret) == 0 {
		a = LinkLocal(i.MAC)
		copy(a[:8], prefix[:8])
		return a, tries == 0 && i.MAC != [6]byte{}
	}
	h := sha256.New()
	wire := prefix.Wire()
	h.Write(wire[:8])
	h.Write([]byte(i.Name))
	h.Write([]byte{tries})
	h.Write(i.Secret)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	copy(a[:8], prefix[:8])
	copy(a[8:], sum[:8])
	return a, tries < maxTries && !reservedIID(a)
}

// maxTries is how many addresses are tried in one prefix. RFC 7217 5: IDGEN_RETRIES.
const maxTries = 3

// randomIID is a temporary address in a prefix of 64 bits: RFC 8981 3.3.1.
func randomIID(prefix Addr) (a Addr) {
	copy(a[:8], prefix[:8])
	for {
		rand.Read(a[8:]) //nolint:errcheck // never fails
		if !reservedIID(a) {
			return a
		}
	}
}

// reservedIID reports whether no host may have such an address: RFC 5453 3.
func reservedIID(a Addr) bool {
	id := be.Uint64(a[8:])
	return id == 0 || id>>8 == 0x02005eff_fe000000>>8 || id >= 0xfdffffff_ffffff80 && id <= 0xfdffffff_ffffffff
}
