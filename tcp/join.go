package tcp

import (
	"encoding/binary"

	"dataplane/eth"
	"dataplane/ip"
	"dataplane/mbuf"
)

// Where things are in a frame that can be joined: untagged Ethernet, IPv4 without
// options, TCP.
const (
	atIP   = eth.HdrLen
	atTCP  = atIP + ip.HdrLen4
	atOpts = atTCP + HeaderLen
)

// joinFlags may be set in a frame that can be joined.
const joinFlags = mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood | mbuf.RxRSSHash | mbuf.FlagLoop

// joinRows is how many flows of a burst can have an open run at a time. Flows that
// share a row end each other's runs.
const joinRows = 16

// run is what the next segment may be appended to: a frame of this burst, and
// what follows it in its flow.
type run struct {
	head, last *mbuf.Mbuf // nil: no run
	next       uint32     // sequence number that continues it
	size       int        // payload of the head
	good       bool       // the head's checksums are verified
}

// Join puts segments that continue each other into one chain each: generic
// receive offload, within the burst and never beyond. It works in place, and
// returns how many frames b then has; the order of what belongs to one flow
// stays. A chain carries FlagJoined, and its NbSegs is the number of frames. Takes
// what it joins, borrows the rest.
//
// Joined are segments of data with nothing but ACK and PSH, the same headers but
// for sequence number, checksums and ID, and right checksums. A PSH or a shorter
// segment ends a run, and so does any other segment of the flow.
func (l *Layer) Join(b []*mbuf.Mbuf) int {
	rows := &l.runs
	for i := range rows {
		rows[i].head = nil
	}
	n := 0
	for _, m := range b {
		f := m.Bytes()
		r := rowOf(rows, f)
		// A lone message has a PSH: most often there is nothing to look at.
		if r != nil && (r.head != nil || f[atTCP+13] == ACK) {
			may := joinable(m, f)
			if may && r.head != nil && r.join(m, f) {
				continue
			}
			r.head = nil
			if may && f[atTCP+13] == ACK {
				r.head, r.last, r.good, r.size = m, m, false, payloadLen(f)
				r.next = binary.BigEndian.Uint32(f[atTCP+4:]) + uint32(r.size)
			}
		}
		b[n] = m
		n++
	}
	return n
}

// rowOf finds the row of a frame's flow, nil if it is no TCP.
func rowOf(rows *[joinRows]run, f []byte) *run {
	if len(f) < atOpts || f[12] != eth.TypeIPv4>>8 || f[13] != eth.TypeIPv4&0xff || f[atIP] != 4<<4|ip.HdrLen4/4 {
		for i := range rows { // whose it is, and what stands where, would take a longer look
			rows[i].head = nil
		}
		return nil
	}
	if f[atIP+9] != Proto {
		return nil
	}
	return &rows[binary.LittleEndian.Uint32(f[atTCP:])*0x9e3779b1>>28]
}

// joinable reports whether a frame that has a row may be part of a run.
func joinable(m *mbuf.Mbuf, f []byte) bool {
	total := int(binary.BigEndian.Uint16(f[atIP+2:]))
	hl := int(f[atTCP+12]>>4) * 4
	const notDF = 0xbf
	return m.NbSegs == 1 && m.OlFlags&^joinFlags == 0 &&
		total == len(f)-atIP && // not padded, not cut
		f[atIP+6]&notDF == 0 && f[atIP+7] == 0 && // no fragment
		f[atIP+1]&3 != 3 && // RFC 3168 5: CE must be seen
		f[atTCP+13]&^PSH == ACK && total > ip.HdrLen4+hl &&
		(hl == HeaderLen || hl == HeaderLen+tsOptionLen && binary.BigEndian.Uint32(f[atOpts:]) == tsWord)
}

// payloadLen is the length of the payload of a frame that may be joined.
func payloadLen(f []byte) int { return len(f) - atTCP - int(f[atTCP+12]>>4)*4 }

// join appends m, whose bytes are f, to the run if it continues it.
func (r *run) join(m *mbuf.Mbuf, f []byte) bool {
	h := r.head.Bytes()
	if binary.BigEndian.Uint32(f[atTCP+4:]) != r.next || !sameHeaders(h, f) || m.Port != r.head.Port {
		return false
	}
	n := payloadLen(f)
	total := int(r.head.PktLen) - atIP + n
	if n > r.size || total > ip.MaxPacket || !sumsOK(m, f) {
		return false
	}
	if !r.good {
		if !sumsOK(r.head, h) {
			return false
		}
		r.begin(h)
	}
	binary.BigEndian.PutUint16(h[atIP+2:], uint16(total))
	h[atTCP+13] |= f[atTCP+13]
	m.Adj(len(f) - n)
	r.last.SetNext(m)
	r.last = m
	r.next += uint32(n)
	r.head.NbSegs++
	r.head.PktLen += uint32(n)
	if h[atTCP+13]&PSH != 0 || n < r.size {
		r.head = nil
	}
	return true
}

// begin makes the head of a run the first segment of a super-segment. Its
// checksums are as good as if a port had verified and merged it.
func (r *run) begin(h []byte) {
	r.good = true
	m := r.head
	m.OlFlags |= mbuf.FlagJoined | mbuf.RxLRO | mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood
	m.SetTx(atIP, ip.HdrLen4, int(h[atTCP+12]>>4)*4, r.size)
}

// sumsOK verifies the checksums of a frame that may be joined. The addresses, of
// the pseudo header, stand before the segment.
func sumsOK(m *mbuf.Mbuf, f []byte) bool {
	if m.OlFlags&(mbuf.RxIPChecksumGood|mbuf.FlagLoop) == 0 && ip.Checksum(f[atIP:atTCP], 0) != 0xffff {
		return false
	}
	return m.OlFlags&(mbuf.RxL4ChecksumGood|mbuf.FlagLoop) != 0 ||
		ip.Checksum(f[atTCP-8:], uint32(Proto+len(f)-atTCP)) == 0xffff
}

// sameHeaders: but for lengths, ID, checksums, sequence number and PSH, f has the
// headers of h. Both may be part of a run.
func sameHeaders(h, f []byte) bool {
	le := binary.LittleEndian
	a, b := (*[atOpts]byte)(h), (*[atOpts]byte)(f)
	d := le.Uint64(a[0:]) ^ le.Uint64(b[0:])           // Ethernet
	d |= le.Uint64(a[8:]) ^ le.Uint64(b[8:])           // ... version, TOS
	d |= le.Uint64(a[26:]) ^ le.Uint64(b[26:])         // addresses
	e := le.Uint32(a[20:]) ^ le.Uint32(b[20:])         // DF, TTL, protocol
	e |= le.Uint32(a[34:]) ^ le.Uint32(b[34:])         // ports
	e |= le.Uint32(a[42:]) ^ le.Uint32(b[42:])         // acknowledgement
	e |= uint32(le.Uint16(a[48:]) ^ le.Uint16(b[48:])) // window
	if d|uint64(e)|uint64(a[46]^b[46]) != 0 {
		return false
	}
	if a[46]>>4 == HeaderLen/4 {
		return true
	}
	h, f = h[atOpts:atOpts+tsOptionLen], f[atOpts:atOpts+tsOptionLen]
	return le.Uint64(h)^le.Uint64(f) == 0 && le.Uint32(h[8:]) == le.Uint32(f[8:])
}
