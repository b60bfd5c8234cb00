package inet

import (
	"syscall"
)

// Options that package syscall does not name.
const (
	ipRecvOrigDst   = 20
	ipv6RecvOrigDst = 74
	soTimestampNS   = 35
	udpSegment      = 103
	udpGRO          = 104
)

// Bits of private.wants: the control messages that a datagram comes with.
const (
	wantTimestamp uint32 = 1 << iota
	wantTimestampNS
	wantNewStamp // by the numbers of SO_TIMESTAMP_NEW and its like
	wantStamping // SO_TIMESTAMPING
	wantDrops    // SO_RXQ_OVFL
	wantPktinfo
	wantTTL
	wantTOS
	wantOrigDst
	wantPktinfo6
	wantHopLimit6
	wantClass6
	wantOrigDst6
)

const wantTime = wantTimestamp | wantTimestampNS

// wantOf returns the bit that an option sets, 0: it is none of these.
func wantOf(o option) uint32 {
	switch o {
	case option{syscall.SOL_SOCKET, soRxqOvfl}:
		return wantDrops
	case option{syscall.IPPROTO_IP, syscall.IP_PKTINFO}:
		return wantPktinfo
	case option{syscall.IPPROTO_IP, syscall.IP_RECVTTL}:
		return wantTTL
	case option{syscall.IPPROTO_IP, syscall.IP_RECVTOS}:
		return wantTOS
	case option{syscall.IPPROTO_IP, ipRecvOrigDst}:
		return wantOrigDst
	case option{syscall.IPPROTO_IPV6, syscall.IPV6_RECVPKTINFO}:
		return wantPktinfo6
	case option{syscall.IPPROTO_IPV6, syscall.IPV6_RECVHOPLIMIT}:
		return wantHopLimit6
	case option{syscall.IPPROTO_IPV6, syscall.IPV6_RECVTCLASS}:
		return wantClass6
	case option{syscall.IPPROTO_IPV6, ipv6RecvOrigDst}:
		return wantOrigDst6
	}
	return 0
}

// stampOf returns what an option that asks for the time stands for, 0: none. Of several
// the last one counts, as in Linux.
func stampOf(o option) uint32 {
	if o.level != syscall.SOL_SOCKET {
		return 0
	}
	switch o.name {
	case syscall.SO_TIMESTAMP:
		return wantTimestamp
	case soTimestampNS:
		return wantTimestampNS
	case soTimestamp63:
		return wantTimestamp | wantNewStamp
	case soStampNS64:
		return wantTimestampNS | wantNewStamp
	}
	return 0
}

// Flags of SO_TIMESTAMPING that have a meaning here: the time at which software received
// the packet, and that it is to be told.
const (
	stampRxSoftware = 1 << 3
	stampSoftware   = 1 << 4
)

// setWant sets an option that asks for a control message; false: o is none.
func (p *private) setWant(o option, value int) (known bool, errno syscall.Errno) {
	bits, off := wantOf(o), uint32(0)
	if b := stampOf(o); b != 0 {
		bits, off = b, wantTime|wantNewStamp
	} else if o.level == syscall.SOL_SOCKET && (o.name == soStamping || o.name == soStamping65) {
		if value&^(stampRxSoftware|stampSoftware) != 0 {
			return true, syscall.EINVAL
		}
		p.more().stamping.Store(uint32(value))
		bits, off = wantStamping, wantStamping|wantNewStamp
		if o.name == soStamping65 {
			bits |= wantNewStamp
		}
		if value != stampRxSoftware|stampSoftware {
			bits &^= wantStamping
			value = 1
		}
	}
	if bits == 0 {
		return false, 0
	}
	if value == 0 {
		bits, off = 0, bits|off
	}
	for { // several may set options at once
		old := p.wants.Load()
		if p.wants.CompareAndSwap(old, old&^off|bits) {
			return true, 0
		}
	}
}

// getWant reads an option that asks for a control message; false: o is none.
func (p *private) getWant(o option) (value int, known bool) {
	wants := p.wants.Load()
	if b := stampOf(o); b != 0 {
		return b2i(wants&(wantTime|wantNewStamp) == b), true
	}
	b := wantOf(o)
	return b2i(wants&b != 0), b != 0
}

// stamping is SO_TIMESTAMPING, by one of its two numbers.
func (p *private) stamping(name int) uint32 {
	x := p.extra.Load()
	if x == nil || p.dgramPart == nil || (p.wants.Load()&wantNewStamp != 0) != (name == soStamping65) {
		return 0
	}
	return x.stamping.Load()
}
