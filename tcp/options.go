package tcp

import "encoding/binary"

// Option kinds and lengths: RFC 9293 3.2, RFC 7323 2.2 and 3.2, RFC 2018 2, 3.
const (
	optEOL       = 0
	optNOP       = 1
	optMSS       = 2
	optWScale    = 3
	optSackOK    = 4
	optSack      = 5
	optTimestamp = 8

	lenMSS       = 4
	lenWScale    = 3
	lenSackOK    = 2
	lenTimestamp = 10

	maxWScale   = 14 // RFC 7323 2.3: a greater shift is taken as 14
	maxSack     = 4
	maxSackTS   = 3          // what fits beside timestamps in 40 bytes
	tsWord      = 0x0101080a // nop, nop, timestamps, 10: what nearly every segment carries
	tsOptionLen = 12

	synTSWord    = optSackOK<<24 | lenSackOK<<16 | optTimestamp<<8 | lenTimestamp
	synOptionLen = lenMSS + tsOptionLen + 4
)

// Block is a range of sequence numbers, Start inclusive, End exclusive.
type Block struct{ Start, End uint32 }

// Options are the options of one segment, received or to be sent.
//
// A segment with MSS != 0 is a SYN: only such a segment is written with MSS,
// WScale and SackOK. WScale is -1 where there is none.
type Options struct {
	MSS          uint16
	WScale       int8
	SackOK, TS   bool
	TSVal, TSEcr uint32
	NSack        int
	Sack         [maxSack]Block
}

// Parse borrows b, the options of a received segment. MSS, window scale and
// SACK permitted count on a SYN only. An option of unknown kind, or of known
// kind and strange length, is skipped by its length (RFC 9293 MUST-6). False
// means that a length is 0 or 1 or leads out of b (MUST-7); what stood before
// it has been taken.
func (o *Options) Parse(b []byte, syn bool) bool {
	*o = Options{WScale: -1}
	for len(b) > 0 {
		switch b[0] {
		case optEOL:
			return true
		case optNOP:
			b = b[1:]
			continue
		}
		if len(b) < 2 {
			return false
		}
		n := int(b[1])
		if n < 2 || n > len(b) {
			return false
		}
		o.take(b[0], b[2:n], syn)
		b = b[n:]
	}
	return true
}

// take notes one option of a known kind whose body has the right length.
func (o *Options) take(kind uint8, body []byte, syn bool) {
	switch kind {
	case optMSS:
		if syn && len(body) == lenMSS-2 {
			o.MSS = binary.BigEndian.Uint16(body)
		}
	case optWScale:
		if syn && len(body) == lenWScale-2 {
			o.WScale = int8(min(body[0], maxWScale))
		}
	case optSackOK:
		if syn && len(body) == lenSackOK-2 {
			o.SackOK = true
		}
	case optTimestamp:
		if len(body) == lenTimestamp-2 {
			o.TS = true
			o.TSVal = binary.BigEndian.Uint32(body)
			o.TSEcr = binary.BigEndian.Uint32(body[4:])
		}
	case optSack:
		if syn || len(body)%8 != 0 {
			return
		}
		o.NSack = 0
		for len(body) >= 8 && o.NSack < maxSack {
			o.Sack[o.NSack] = Block{binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])}
			o.NSack++
			body = body[8:]
		}
	}
}

// brief is Parse for the header of nearly every segment: nothing but timestamps, and no
// SYN. False: it is another.
func (o *Options) brief(h Header, flags uint8) bool {
	if len(h) != HeaderLen+tsOptionLen || flags&SYN != 0 || binary.BigEndian.Uint32(h[HeaderLen:]) != tsWord {
		return false
	}
	o.MSS, o.WScale, o.SackOK, o.TS, o.NSack = 0, -1, false, true, 0
	o.TSVal, o.TSEcr = binary.BigEndian.Uint32(h[HeaderLen+4:]), binary.BigEndian.Uint32(h[HeaderLen+8:])
	return true
}

// briefSyn is Parse for a SYN with all options, in the order of Put and of Linux. False:
// it is another.
func (o *Options) briefSyn(h Header, flags uint8) bool {
	if len(h) != HeaderLen+synOptionLen || flags&SYN == 0 {
		return false
	}
	b := (*[synOptionLen]byte)(h[HeaderLen:])
	mss, scale := binary.BigEndian.Uint32(b[0:]), binary.BigEndian.Uint32(b[16:])
	if mss>>16 != optMSS<<8|lenMSS || binary.BigEndian.Uint32(b[4:]) != synTSWord || scale>>8 != optNOP<<16|optWScale<<8|lenWScale {
		return false
	}
	o.MSS, o.WScale, o.SackOK, o.TS, o.NSack = uint16(mss), int8(min(scale&0xff, maxWScale)), true, true, 0
	o.TSVal, o.TSEcr = binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])
	return true
}

// putSyn is Put for a SYN with all options, and returns the sum of what it wrote, not
// folded. False: it has not all, and nothing was written.
func (o *Options) putSyn(h []byte) (sum uint32, ok bool) {
	if len(h) != HeaderLen+synOptionLen || !o.SackOK || !o.TS {
		return 0, false
	}
	b := (*[synOptionLen]byte)(h[HeaderLen:])
	mss, scale := optMSS<<24|lenMSS<<16|uint32(o.MSS), optNOP<<24|optWScale<<16|lenWScale<<8|uint32(o.WScale)
	binary.BigEndian.PutUint64(b[0:], uint64(mss)<<32|synTSWord)
	binary.BigEndian.PutUint64(b[8:], uint64(o.TSVal)<<32|uint64(o.TSEcr))
	binary.BigEndian.PutUint32(b[16:], scale)
	all := uint64(mss) + synTSWord + uint64(o.TSVal) + uint64(o.TSEcr) + uint64(scale)
	return uint32(all>>16) + uint32(all&0xffff), true
}

// Len is the number of bytes Put writes, a multiple of 4 and at most 40.
func (o *Options) Len() int {
	n := 0
	if o.TS {
		n = tsOptionLen
	}
	if o.MSS != 0 {
		n += lenMSS
		if o.SackOK && !o.TS {
			n += 4 // beside timestamps it takes the place of their two nops
		}
		if o.WScale >= 0 {
			n += 4
		}
		return n
	}
	if k := o.sacks(); k > 0 {
		n += 4 + 8*k
	}
	return n
}

// sacks is the number of SACK blocks that fit.
func (o *Options) sacks() int {
	if o.TS {
		return min(o.NSack, maxSackTS)
	}
	return min(o.NSack, maxSack)
}

// Put writes the options to b, which has room for Len bytes, and returns how
// many it wrote. The order is Linux's: mss, sackOK, timestamps, nop, wscale on
// a SYN; nop, nop, timestamps, nop, nop, sack on everything else.
func (o *Options) Put(b []byte) int {
	n := 0
	if o.MSS != 0 {
		binary.BigEndian.PutUint32(b, optMSS<<24|lenMSS<<16|uint32(o.MSS))
		n = 4
	}
	if o.TS {
		word := uint32(tsWord)
		if o.MSS != 0 && o.SackOK {
			word = synTSWord
		}
		binary.BigEndian.PutUint32(b[n:], word)
		binary.BigEndian.PutUint32(b[n+4:], o.TSVal)
		binary.BigEndian.PutUint32(b[n+8:], o.TSEcr)
		n += tsOptionLen
	}
	if o.MSS != 0 {
		if o.SackOK && !o.TS {
			binary.BigEndian.PutUint32(b[n:], optNOP<<24|optNOP<<16|optSackOK<<8|lenSackOK)
			n += 4
		}
		if o.WScale >= 0 {
			binary.BigEndian.PutUint32(b[n:], optNOP<<24|optWScale<<16|lenWScale<<8|uint32(o.WScale))
			n += 4
		}
		return n
	}
	if k := o.sacks(); k > 0 {
		binary.BigEndian.PutUint32(b[n:], optNOP<<24|optNOP<<16|optSack<<8|uint32(2+8*k))
		n += 4
		for _, s := range o.Sack[:k] {
			binary.BigEndian.PutUint32(b[n:], s.Start)
			binary.BigEndian.PutUint32(b[n+4:], s.End)
			n += 8
		}
	}
	return n
}
