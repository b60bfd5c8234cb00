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
	hashISN = iota
	hashTS
	hashCookie
	hashCookieSlot
)

// hash is SipHash of the tuple, the purpose and one number more, by key.
func (t *fourTuple) hash(key *[16]byte, purpose uint8, n uint64) uint64 {
	var b [45]byte
	copy(b[0:16], t.local[:])
	copy(b[16:32], t.remote[:])
	binary.BigEndian.PutUint16(b[32:], t.lport)
	binary.BigEndian.PutUint16(b[34:], t.rport)
	binary.BigEndian.PutUint64(b[36:], n)
	b[44] = purpose
	return siphash.Hash(binary.LittleEndian.Uint64(key[0:]), binary.LittleEndian.Uint64(key[8:]), b[:])
}

// isn is the initial sequence number of a connection. RFC 6528 3: a clock of
// 4 us plus a keyed hash of the tuple, so that it rises for one tuple and tells
// nothing about another.
func isn(key *[16]byte, t *fourTuple, now perf.Tick) uint32 {
	return uint32(now/(4*perf.Microsecond)) + uint32(t.hash(key, hashISN, 0))
}

// tsOffset is what a connection adds to its timestamp clock. RFC 7323 5.4, 7:
// unpredictable and different per connection; as it is the same each time for
// one tuple, a new connection's timestamps rise above the old one's.
func tsOffset(key *[16]byte, t *fourTuple) uint32 {
	return uint32(t.hash(key, hashTS, 0))
}

// ISN is isn with the tuple in parts.
func ISN(key *[16]byte, local, remote ip.Addr, lp, rp uint16, now perf.Tick) uint32 {
	return isn(key, &fourTuple{local, remote, lp, rp}, now)
}
