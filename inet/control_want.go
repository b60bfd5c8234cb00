package inet

import (
	"syscall"

	"dataplane/sock"
)

// Options that package syscall does not name.
const (
	ipRecvOrigDst   = 20
	ipv6RecvOrigDst = 74
	udpSegment      = 103
	udpGRO          = 104
)

// Bits of Extra.Wants: the control messages that a datagram comes with.
const (
	wantPktinfo uint32 = sock.WantFamily << iota
	wantTTL
	wantTOS
	wantOrigDst
	wantPktinfo6
	wantHopLimit6
	wantClass6
	wantOrigDst6
)

// wantOf returns the bit that an option sets, 0: it asks for no control message.
func wantOf(o option) uint32 {
	switch o {
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
