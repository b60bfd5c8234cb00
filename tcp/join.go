package tcp

import (
	"encoding/binary"

	"dataplane/eth"
	"dataplane/ip"
	"dataplane/mbuf"
)

// Where things are in a frame that can be joined: untagged Ethernet, IPv4 without
// options or IPv6 without extension headers, TCP.
const (
	atIP   = eth.HdrLen
	atTCP  = atIP + ip.HdrLen4
	atTCP6 = atIP + ip.HdrLen6
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
	at         int        // where its TCP header begins
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
	for i, m := range b {
		f := m.Bytes()
		var r *run
		at := atTCP
		switch w := firstWord(f); {
		case w == plain4:
			if f[atIP+9] == Proto {
				r = rowOf(rows, f, atTCP)
			}
		case w&plainMask6 == plain6 && f[atIP+6] == ip.ProtoUDP: // nobody's who has a run
		default:
			r, at = rowOf6(rows, f), atTCP6
		}
		// A lone message has a PSH: most often there is nothing to look at.
		if r != nil && (r.head != nil || f[at+13] == ACK) {
			may := joinable(m, f, at)
			if may && r.head != nil && r.join(m, f, at) {
				continue
			}
			r.head = nil
			if may && f[at+13] == ACK {
				r.head, r.last, r.good, r.size, r.at = m, m, false, payloadLen(f, at), at
				r.next = binary.BigEndian.Uint32(f[at+4:]) + uint32(r.size)
			}
		}
		if n != i {
			b[n] = m
		}
		n++
	}
	return n
}

// What firstWord is of IPv4 without options and, masked, of IPv6.
const (
	plain4     = (4<<4|ip.HdrLen4/4)<<16 | eth.TypeIPv4&0xff<<8 | eth.TypeIPv4>>8
	plain6     = 6<<20 | eth.TypeIPv6&0xff<<8 | eth.TypeIPv6>>8
	plainMask6 = 0xf0ffff
)

// firstWord is the ethertype of a frame and the first byte behind it, as they lie in
// memory; 0 of one that is too short for TCP by IPv4.
func firstWord(f []byte) uint32 {
	if len(f) < atOpts {
		return 0
	}
	return binary.LittleEndian.Uint32(f[atIP-2:]) & 0xffffff
}

// rowOf is the row of the flow of a frame whose TCP header begins at at.
func rowOf(rows *[joinRows]run, f []byte, at int) *run {
	return &rows[binary.LittleEndian.Uint32(f[at:])*0x9e3779b1>>28]
}

// rowOf6 finds the row of a frame that is not IPv4, nil if it is no TCP.
func rowOf6(rows *[joinRows]run, f []byte) *run {
	if len(f) < atTCP6+HeaderLen || f[12] != eth.TypeIPv6>>8 || f[13] != eth.TypeIPv6&0xff || f[atIP]>>4 != 6 || !simple6(f[atIP+6]) {
		for i := range rows { // whose it is, and what stands where, would take a longer look
			rows[i].head = nil
		}
		return nil
	}
	if f[atIP+6] != Proto {
		return nil
	}
	return rowOf(rows, f, atTCP6)
}

// simple6 reports whether a next header is one behind which no TCP can be.
func simple6(next uint8) bool { return next >= Proto && next <= ip.ProtoUDP }

// joinable reports whether a frame that has a row may be part of a run.
func joinable(m *mbuf.Mbuf, f []byte, at int) bool {
	t := f[at:]
	hl := int(t[12]>>4) * 4
	return m.NbSegs == 1 && len(t) > hl && m.OlFlags&^joinFlags == 0 && wholeIP(f, at) &&
		t[13]&^PSH == ACK &&
		(hl == HeaderLen || hl == HeaderLen+tsOptionLen && binary.BigEndian.Uint32(t[HeaderLen:]) == tsWord)
}

// wholeIP: neither padded nor cut, no fragment, and no CE, which must be seen (RFC 3168 5).
func wholeIP(f []byte, at int) bool {
	if at != atTCP {
		return int(binary.BigEndian.Uint16(f[atIP+4:])) == len(f)-at && f[atIP+1]>>4&3 != 3
	}
	const notDF = 0xbf
	return int(binary.BigEndian.Uint16(f[atIP+2:])) == len(f)-atIP &&
		f[atIP+6]&notDF == 0 && f[atIP+7] == 0 && f[atIP+1]&3 != 3
}

// payloadLen is the length of the payload of a frame that may be joined.
func payloadLen(f []byte, at int) int { return len(f) - at - int(f[at+12]>>4)*4 }

// join appends m, whose bytes are f, to the run if it continues it.
func (r *run) join(m *mbuf.Mbuf, f []byte, at int) bool {
	h := r.head.Bytes()
	if binary.BigEndian.Uint32(f[at+4:]) != r.next || at != r.at || !sameHeaders(h, f, at) || m.Port != r.head.Port {
		return false
	}
	n := payloadLen(f, at)
	total := int(r.head.PktLen) - atIP + n
	if n > r.size || total > ip.MaxPacket || !sumsOK(m, f, at) {
		return false
	}
	if !r.good {
		if !sumsOK(r.head, h, at) {
			return false
		}
		r.begin(h)
	}
	if at == atTCP {
		binary.BigEndian.PutUint16(h[atIP+2:], uint16(total))
	} else {
		binary.BigEndian.PutUint16(h[atIP+4:], uint16(total-ip.HdrLen6))
	}
	h[at+13] |= f[at+13]
	m.Adj(len(f) - n)
	r.last.SetNext(m)
	r.last = m
	r.next += uint32(n)
	r.head.NbSegs++
	r.head.PktLen += uint32(n)
	if h[at+13]&PSH != 0 || n < r.size {
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
	m.SetTx(atIP, r.at-atIP, int(h[r.at+12]>>4)*4, r.size)
}

// sumsOK verifies the checksums of a frame that may be joined. The addresses, of
// the pseudo header, stand before the segment.
func sumsOK(m *mbuf.Mbuf, f []byte, at int) bool {
	addrs := 32
	if at == atTCP {
		addrs = 8
		if m.OlFlags&(mbuf.RxIPChecksumGood|mbuf.FlagLoop) == 0 && ip.Checksum(f[atIP:atTCP], 0) != 0xffff {
			return false
		}
	}
	return m.OlFlags&(mbuf.RxL4ChecksumGood|mbuf.FlagLoop) != 0 ||
		ip.Checksum(f[at-addrs:], uint32(Proto+len(f)-at)) == 0xffff
}

// sameHeaders: but for lengths, ID, checksums, sequence number and PSH, f has the
// headers of h. Both may be part of a run, and have the same version of IP.
func sameHeaders(h, f []byte, at int) bool {
	le := binary.LittleEndian
	a, b := (*[atOpts]byte)(h), (*[atOpts]byte)(f)
	d := le.Uint64(a[0:]) ^ le.Uint64(b[0:])   // Ethernet
	d |= le.Uint64(a[8:]) ^ le.Uint64(b[8:])   // ... version, TOS
	d |= le.Uint64(a[26:]) ^ le.Uint64(b[26:]) // addresses of IPv4, or a part of them
	if at == atTCP {
		d |= uint64(le.Uint32(a[20:]) ^ le.Uint32(b[20:])) // DF, TTL, protocol
	} else {
		d |= rest6(h, f)
	}
	p, q := (*[HeaderLen]byte)(h[at:]), (*[HeaderLen]byte)(f[at:])
	e := le.Uint32(p[0:]) ^ le.Uint32(q[0:])           // ports
	e |= le.Uint32(p[8:]) ^ le.Uint32(q[8:])           // acknowledgement
	e |= uint32(le.Uint16(p[14:]) ^ le.Uint16(q[14:])) // window
	if d|uint64(e)|uint64(p[12]^q[12]) != 0 {
		return false
	}
	if p[12]>>4 == HeaderLen/4 {
		return true
	}
	h, f = h[at+HeaderLen:at+HeaderLen+tsOptionLen], f[at+HeaderLen:at+HeaderLen+tsOptionLen]
	return le.Uint64(h)^le.Uint64(f) == 0 && le.Uint32(h[8:]) == le.Uint32(f[8:])
}

// rest6 is where two IPv6 headers differ that were compared as if they were of IPv4: flow
// label, next header, hop limit and the rest of the addresses.
func rest6(h, f []byte) uint64 {
	le := binary.LittleEndian
	a, b := (*[atTCP6]byte)(h), (*[atTCP6]byte)(f)
	d := uint64(le.Uint16(a[16:])^le.Uint16(b[16:])) | uint64(le.Uint16(a[20:])^le.Uint16(b[20:]))
	d |= le.Uint64(a[22:]) ^ le.Uint64(b[22:])
	d |= le.Uint64(a[34:]) ^ le.Uint64(b[34:])
	d |= le.Uint64(a[42:]) ^ le.Uint64(b[42:])
	return d | uint64(le.Uint32(a[50:])^le.Uint32(b[50:]))
}
