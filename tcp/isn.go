package tcp

import (
	"encoding/binary"

	"dataplane/ip"
	"dataplane/perf"

	"github.com/dchest/siphash"
)

// fourTuple names a connection.
type fourTuple struct {
	local, remote ip.Addr
	lport, rport  uint16
}

// What a keyed hash is made for: the same key never gives the same number for
// two purposes.
const (
	hashNumbers = iota // the two that a connection begins with
	hashCookie
	hashCookieSlot
)

// hash is SipHash of the tuple, the purpose and, unless it is 0, one number more, by
// key. What is hashed differs for two that differ: the purpose stands behind the
// addresses, which are short if both are IPv4, and the length counts.
func (t *fourTuple) hash(key *[16]byte, purpose uint8, n uint64) uint64 {
	var b [45]byte
	k := 8
	if t.local.Is4() && t.remote.Is4() {
		copy(b[0:4], t.local[12:])
		copy(b[4:8], t.remote[12:])
	} else {
		copy(b[0:16], t.local[:])
		copy(b[16:32], t.remote[:])
		k = 32
	}
	binary.BigEndian.PutUint16(b[k:], t.lport)
	binary.BigEndian.PutUint16(b[k+2:], t.rport)
	b[k+4] = purpose
	k += 5
	if n != 0 {
		binary.BigEndian.PutUint64(b[k:], n)
		k += 8
	}
	return siphash.Hash(binary.LittleEndian.Uint64(key[0:]), binary.LittleEndian.Uint64(key[8:]), b[:k])
}

// numbers are the two that a connection begins with, halves of one hash.
//
// The initial sequence number: RFC 6528 3: a clock of 4 us plus a keyed hash of the
// tuple, so that it rises for one tuple and tells nothing about another.
//
// What it adds to its timestamp clock: RFC 7323 5.4, 7: unpredictable and different
// per connection; as it is the same each time for one tuple, a new connection's
// timestamps rise above the old one's.
func numbers(key *[16]byte, t *fourTuple, now perf.Tick) (isn, tsOff uint32) {
	h := t.hash(key, hashNumbers, 0)
	return uint32(now/(4*perf.Microsecond)) + uint32(h), uint32(h >> 32)
}

// ISN is the initial sequence number of a connection.
func ISN(key *[16]byte, local, remote ip.Addr, lp, rp uint16, now perf.Tick) uint32 {
	isn, _ := numbers(key, &fourTuple{local, remote, lp, rp}, now)
	return isn
}
