package tcp

import "dataplane/perf"

// cookies makes and checks SYN cookies (RFC 4987 3.6): initial sequence
// numbers of ours that carry what a SYN queue would have remembered.
//
//	cookie = hash(tuple) + irs + slot<<24 + (hash(tuple, slot, irs) + mss index) mod 2^24
//
// slot counts periods of 64 s; a cookie is good in its own slot and the next,
// so for 64 to 128 s. A guess is right once in 2^28.
type cookies struct {
	key [16]byte
}

const (
	cookieSlot  = 64 * perf.Second
	cookieSlots = 2 // how many slots a cookie is good for
	cookieMask  = 1<<24 - 1
)

// cookieMSS are the sizes a cookie can carry: common path MTUs less 40, and
// the least we ever send. A peer gets the greatest not above its own.
var cookieMSS = [8]uint16{64, 216, 536, 1220, 1360, 1440, 1460, 8960}

// cookieMSSIndex is the index of the greatest size not above mss.
func cookieMSSIndex(mss uint16) int {
	i := len(cookieMSS) - 1
	for i > 0 && cookieMSS[i] > mss {
		i--
	}
	return i
}

// make returns our initial sequence number for a SYN with sequence number irs.
func (c *cookies) make(t *fourTuple, irs uint32, mssIndex int, now perf.Tick) uint32 {
	slot := uint32(now / cookieSlot)
	return c.base(t, irs) + slot<<24 + (c.secret(t, irs, slot)+uint32(mssIndex))&cookieMask
}

// check takes the ACK that ends a handshake: cookie is its acknowledgment
// number less one, irs its sequence number less one. It returns the peer's
// MSS, rounded down; false: not a cookie of ours, or too old.
func (c *cookies) check(t *fourTuple, irs, cookie uint32, now perf.Tick) (mss int, ok bool) {
	d := cookie - c.base(t, irs)
	slot := uint32(now / cookieSlot)
	age := (slot - d>>24) & 0xff
	if age >= cookieSlots {
		return 0, false
	}
	i := (d - c.secret(t, irs, slot-age)) & cookieMask
	if i >= uint32(len(cookieMSS)) {
		return 0, false
	}
	return int(cookieMSS[i]), true
}

// base hides the slot number; it rises with irs, as a sequence number should
// for one tuple.
func (c *cookies) base(t *fourTuple, irs uint32) uint32 {
	return uint32(t.hash(&c.key, hashCookie, 0)) + irs
}

// secret is what nobody else can compute for this slot.
func (c *cookies) secret(t *fourTuple, irs, slot uint32) uint32 {
	return uint32(t.hash(&c.key, hashCookieSlot, uint64(slot)<<32|uint64(irs)))
}

// With timestamps the other options of the SYN ride in the low bits of the
// TSval of our SYN-ACK and come back in TSecr:
//
//	bits 0-3 window scale, 15: none    bit 4 SACK permitted
const (
	cookieTSBits  = 5
	cookieTSMask  = 1<<cookieTSBits - 1
	cookieNoScale = 15
	cookieSackOK  = 1 << 4
)

// cookieTS is the TSval of a SYN-ACK with a cookie: the greatest not after ts
// that carries the options of the peer's SYN, so that the timestamps that
// follow do not go back.
func cookieTS(ts uint32, o *Options) uint32 {
	bits := uint32(cookieNoScale)
	if o.WScale >= 0 {
		bits = uint32(o.WScale)
	}
	if o.SackOK {
		bits |= cookieSackOK
	}
	v := ts&^cookieTSMask | bits
	if seqGT(v, ts) {
		v -= cookieTSMask + 1
	}
	return v
}

// cookieOptions reads what cookieTS wrote, from the TSecr of the ACK, into o.
func cookieOptions(tsecr uint32, o *Options) {
	o.WScale = -1
	if s := tsecr & cookieNoScale; s <= maxWScale {
		o.WScale = int8(s)
	}
	o.SackOK = tsecr&cookieSackOK != 0
	o.TS = true
}
