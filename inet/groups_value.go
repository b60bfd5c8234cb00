package inet

import (
	"encoding/binary"
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// The structs of group options. Lengths as on 64-bit Linux.
const (
	sizeMreq       = 8   // ip_mreq: group, address of the link
	sizeMreqn      = 12  // ip_mreqn: and the link's number
	sizeMreqSource = 12  // ip_mreq_source: group, address of the link, source
	sizeMreq6      = 20  // ipv6_mreq: group, the link's number
	sizeStorage    = 128 // sockaddr_storage
	sizeGroupReq   = 8 + sizeStorage
	sizeSourceReq  = 8 + 2*sizeStorage
)

const (
	ipv6JoinGroup  = 20
	ipv6LeaveGroup = 21
)

// parseGroup reads what an option asks for; ok: it is one of groups.
func parseGroup(level, name int, v []byte) (ask groupAsk, ok bool, errno syscall.Errno) {
	if name >= mcastJoinGroup && name <= mcastLeaveSource {
		return parseMcast(level, name, v)
	}
	if level == syscall.IPPROTO_IPV6 {
		switch name {
		case ipv6JoinGroup:
			ask.op = ip.JoinGroup
		case ipv6LeaveGroup:
			ask.op = ip.LeaveGroup
		default:
			return ask, false, 0
		}
		if len(v) < sizeMreq6 {
			return ask, true, syscall.EINVAL
		}
		ask.group, ask.iface = ip.Addr(v[:16]), native.Uint32(v[16:])
		return ask, true, 0
	}
	switch name {
	case syscall.IP_ADD_MEMBERSHIP, syscall.IP_DROP_MEMBERSHIP:
		ask.op = ip.JoinGroup
		if name == syscall.IP_DROP_MEMBERSHIP {
			ask.op = ip.LeaveGroup
		}
		if len(v) < sizeMreq {
			return ask, true, syscall.EINVAL
		}
		ask.group, ask.addr = ip.From4([4]byte(v[:4])), in4(v[4:])
		if len(v) >= sizeMreqn {
			ask.iface = native.Uint32(v[8:])
		}
		return ask, true, 0
	case ipAddSourceMembership:
		ask.op = ip.JoinSource
	case ipDropSourceMembership:
		ask.op = ip.LeaveSource
	case ipBlockSource:
		ask.op = ip.BlockSource
	case ipUnblockSource:
		ask.op = ip.UnblockSource
	default:
		return ask, false, 0
	}
	if len(v) != sizeMreqSource {
		return ask, true, syscall.EINVAL
	}
	ask.group, ask.addr, ask.source = ip.From4([4]byte(v[:4])), in4(v[4:]), ip.From4([4]byte(v[8:12]))
	return ask, true, 0
}

// parseMcast reads a struct group_req or group_source_req.
func parseMcast(level, name int, v []byte) (ask groupAsk, ok bool, errno syscall.Errno) {
	ask.mcast = true
	size := sizeSourceReq
	switch name {
	case mcastJoinGroup:
		ask.op, size = ip.JoinGroup, sizeGroupReq
	case mcastLeaveGroup:
		ask.op, size = ip.LeaveGroup, sizeGroupReq
	case mcastJoinSource:
		ask.op = ip.JoinSource
	case mcastLeaveSource:
		ask.op = ip.LeaveSource
	case mcastBlockSource:
		ask.op = ip.BlockSource
	case mcastUnblockSource:
		ask.op = ip.UnblockSource
	}
	if len(v) < size {
		return ask, true, syscall.EINVAL
	}
	ask.iface = native.Uint32(v)
	if ask.group, ok = storedAddr(level, v[8:]); !ok {
		if size == sizeSourceReq {
			return ask, true, syscall.EADDRNOTAVAIL
		}
		return ask, true, syscall.EINVAL
	}
	if size == sizeSourceReq {
		if ask.source, ok = storedAddr(level, v[8+sizeStorage:]); !ok {
			return ask, true, syscall.EADDRNOTAVAIL
		}
	}
	return ask, true, 0
}

// storedAddr is the address in a struct sockaddr_storage of the level's family.
func storedAddr(level int, b []byte) (ip.Addr, bool) {
	switch family := native.Uint16(b); {
	case level == syscall.IPPROTO_IP && family == syscall.AF_INET:
		return ip.From4([4]byte(b[4:8])), true
	case level == syscall.IPPROTO_IPV6 && family == syscall.AF_INET6:
		return ip.Addr(b[8:24]), true
	}
	return ip.Addr{}, false
}

// getGroupOption reads IP_MULTICAST_IF and the filter of a group; done: it was that.
func getGroupOption(s *sock.Socket, level, name int, v []byte) (n int, done bool, errno syscall.Errno) {
	if isGroupFilter(level, name) {
		n, errno = getGroupFilter(s, level, name, v)
		return n, true, errno
	}
	if level != syscall.IPPROTO_IP || name != syscall.IP_MULTICAST_IF {
		return 0, false, 0
	}
	g := &of(s).groups
	g.mu.Lock()
	src := g.src
	g.mu.Unlock()
	var b [4]byte
	if !src.IsZero() {
		binary.BigEndian.PutUint32(b[:], src.V4())
	}
	return copy(v, b[:]), true, 0
}
