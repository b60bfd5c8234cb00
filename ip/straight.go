package ip

import (
	"math/bits"

	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
)

const (
	atIP   = eth.HdrLen
	atLoad = atIP + HdrLen4

	// bent are the flags of frames that Straight leaves alone.
	bent = mbuf.RxVLANStripped | mbuf.FlagCopy
	// In the first eight bytes of an IPv4 header: version and length, and what makes a
	// fragment. Which of the others are set is nobody's concern.
	firstMask  = 0xff3f<<48 | 0xff
	firstPlain = 4<<4 | HdrLen4/4
)

// Straight is the short way up of a frame that is what nearly all are: untagged, to
// this station's address, IPv4 without options or IPv6 without extension headers, whole
// and right, from one host to one address of ours that have been judged before. It is to such a frame what
// eth.Input and all that follows are, but looks at the headers once, word by word. ok
// is false for any other frame, which is as it was. Borrows m unless perf.Taken.
func (l *Layer) Straight(m *mbuf.Mbuf, now perf.Tick) (v perf.Verdict, ok bool) {
	b := m.Bytes()
	if len(b) < atLoad || int(m.Port) >= len(l.ifaces) || m.OlFlags&bent != 0 {
		return 0, false
	}
	ifc, h := l.ifaces[m.Port], (*[atLoad]byte)(b)
	if ifc == nil || ifc.VLAN != 0 || le.Uint32(h[0:]) != le.Uint32(ifc.MAC[0:]) || le.Uint16(h[4:]) != le.Uint16(ifc.MAC[4:]) {
		return 0, false
	}
	x, y, z := le.Uint64(h[atIP:]), le.Uint64(h[atIP+8:]), le.Uint32(h[atIP+16:])
	if be.Uint16(h[12:]) != eth.TypeIPv4 || x&firstMask != firstPlain {
		return l.straight6(m, ifc, now)
	}
	pad := int(m.PktLen) - atIP - int(bits.ReverseBytes16(uint16(x>>16)))
	if pad < 0 || int(m.PktLen)-pad < atLoad {
		return 0, false
	}
	// A right header sums up to a multiple of 0xffff, not 0, for its version is not.
	sum := x>>32 + x&0xffffffff + y>>32 + y&0xffffffff + uint64(z)
	if sum%0xffff != 0 && m.OlFlags&(mbuf.RxIPChecksumGood|mbuf.FlagLoop) == 0 {
		return 0, false
	}
	l.snapshot()
	ends := y>>32 | uint64(z)<<32
	c := l.pairOf(ends)
	p := &c.pkt
	if p.Ends != ends || p.Iface != ifc || c.gen != l.gen {
		return 0, false
	}
	t := l.protos[uint8(y>>8)]
	if t == nil {
		return 0, false
	}
	if pad > 0 {
		m.Trim(pad)
	}
	m.Strip(atLoad)
	l.now = now
	l.cfg.Eth.SetNow(now)
	p.Now, p.Proto, p.TTL, p.TOS = now, uint8(y>>8), uint8(y), uint8(x>>8)
	p.Header = h[atIP:]
	return t.Input(m, p), true
}

const (
	atLoad6 = atIP + HdrLen6

	// In the first eight bytes of an IPv6 packet, between the ethertype and the traffic
	// class: what makes it one.
	firstMask6  = 0xf0
	firstPlain6 = 6 << 4
)

// straight6 is Straight for what is not IPv4: IPv6, of TCP or UDP.
func (l *Layer) straight6(m *mbuf.Mbuf, ifc *eth.Iface, now perf.Tick) (v perf.Verdict, ok bool) {
	b := m.Bytes()
	if len(b) < atLoad6 {
		return 0, false
	}
	h := (*[atLoad6]byte)(b)
	x := le.Uint64(h[atIP:])
	proto := uint8(x >> 48)
	if be.Uint16(h[12:]) != eth.TypeIPv6 || x&firstMask6 != firstPlain6 || proto < ProtoTCP || proto > ProtoUDP {
		return 0, false
	}
	pad := int(m.PktLen) - atLoad6 - int(bits.ReverseBytes16(uint16(x>>32)))
	t := l.protos[proto]
	if pad < 0 || t == nil {
		return 0, false
	}
	l.snapshot()
	s0, s1, d0, d1 := le.Uint64(h[atIP+8:]), le.Uint64(h[atIP+16:]), le.Uint64(h[atIP+24:]), le.Uint64(h[atIP+32:])
	c := l.pair6Of(s1, d1)
	p := &c.pkt
	if (c.ends[0]^s0)|(c.ends[1]^s1)|(c.ends[2]^d0)|(c.ends[3]^d1) != 0 || p.Iface != ifc || c.gen != l.gen {
		return 0, false
	}
	if pad > 0 {
		m.Trim(pad)
	}
	m.Strip(atLoad6)
	l.now = now
	l.cfg.Eth.SetNow(now)
	p.Now, p.Proto, p.TTL, p.TOS = now, proto, uint8(x>>56), uint8(x)<<4|uint8(x>>8)>>4
	p.Header = h[atIP:]
	return t.Input(m, p), true
}
