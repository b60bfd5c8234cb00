package inet

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// The whole filter of a group: IP_MSFILTER and MCAST_MSFILTER.

// Lengths of an ip_msfilter and a group_filter without sources.
const (
	sizeMsfilter    = 16 // group, address of the link, mode, number of sources
	sizeGroupFilter = 8 + sizeStorage + 8
)

// MCAST_EXCLUDE and MCAST_INCLUDE.
const (
	modeExclude = 0
	modeInclude = 1
)

// isGroupFilter reports whether an option is a group's whole filter.
func isGroupFilter(level, name int) bool {
	return level == syscall.IPPROTO_IP && (name == ipMsfilter || name == mcastMsfilter) ||
		level == syscall.IPPROTO_IPV6 && name == mcastMsfilter
}

// filterHead is what both structs begin with.
type filterHead struct {
	ask     groupAsk
	mode, n uint32
	at      int // where mode and n stand; the sources follow
	size    int // of a source
}

// parseFilterHead reads it.
func parseFilterHead(level, name int, v []byte) (h filterHead, errno syscall.Errno) {
	h.at, h.size = sizeMsfilter-8, 4
	if name == mcastMsfilter {
		h.at, h.size = sizeGroupFilter-8, sizeStorage
	}
	if len(v) < h.at+8 {
		return h, syscall.EINVAL
	}
	h.mode, h.n = native.Uint32(v[h.at:]), native.Uint32(v[h.at+4:])
	if name != mcastMsfilter {
		h.ask.group, h.ask.addr = ip.From4([4]byte(v[:4])), in4(v[4:])
		return h, 0
	}
	var ok bool
	h.ask.iface = native.Uint32(v)
	if h.ask.group, ok = storedAddr(level, v[8:]); !ok {
		return h, syscall.EADDRNOTAVAIL
	}
	return h, 0
}

// setGroupFilter replaces the filter of a group that is joined; one that admits nobody
// leaves it.
func setGroupFilter(s *sock.Socket, level, name int, v []byte) syscall.Errno {
	h, errno := parseFilterHead(level, name, v)
	if errno != 0 {
		return errno
	}
	list := v[h.at+8:]
	if uint64(h.n) > uint64(len(list)/h.size) || h.mode > modeInclude || !h.ask.group.IsMulticast() {
		return syscall.EINVAL
	}
	f := ip.Filter{Exclude: h.mode == modeExclude}
	for ; h.n > 0; h.n-- {
		src, ok := ip.Addr{}, true
		if h.size == 4 {
			src = ip.From4([4]byte(list[:4]))
		} else if src, ok = storedAddr(level, list); !ok {
			return syscall.EADDRNOTAVAIL
		}
		f.Sources, list = append(f.Sources, src), list[h.size:]
	}
	if !f.Exclude && len(f.Sources) == 0 {
		h.ask.op = ip.LeaveGroup
		return changeGroup(s, &h.ask)
	}
	return replaceFilter(s, &h.ask, f)
}

func replaceFilter(s *sock.Socket, ask *groupAsk, f ip.Filter) syscall.Errno {
	p := of(s)
	iface, errno := p.host.groupLink(ask)
	if errno != 0 {
		return errno
	}
	p.groups.order.Lock()
	defer p.groups.order.Unlock()
	heard, errno := p.host.Groups.SetFilter(&p.groups.joined, ip.GroupKey{Group: ask.group, Iface: iface}, f)
	if errno != 0 {
		return errno
	}
	return tellHeard(s, heard)
}

// getGroupFilter reads the filter of the group that v names, with as many sources as v
// has asked for, and says how many there are.
func getGroupFilter(s *sock.Socket, level, name int, v []byte) (int, syscall.Errno) {
	h, errno := parseFilterHead(level, name, v)
	switch {
	case errno == syscall.EADDRNOTAVAIL && level == syscall.IPPROTO_IP: // another family's group
		return 0, syscall.EINVAL
	case errno != 0:
		return 0, errno
	}
	if !h.ask.group.IsMulticast() {
		return 0, syscall.EINVAL
	}
	p := of(s)
	iface, errno := p.host.groupLink(&h.ask)
	if errno != 0 {
		return 0, errno
	}
	f, ok := p.host.Groups.FilterOf(&p.groups.joined, ip.GroupKey{Group: h.ask.group, Iface: iface})
	if !ok {
		return 0, syscall.EADDRNOTAVAIL
	}
	mode := uint32(modeInclude)
	if f.Exclude {
		mode = modeExclude
	}
	native.PutUint32(v[h.at:], mode)
	native.PutUint32(v[h.at+4:], uint32(len(f.Sources)))
	n := h.at + 8
	for _, src := range f.Sources[:min(len(f.Sources), int(min(h.n, maxFilterSources)), (len(v)-n)/h.size)] {
		putSource(v[n:n+h.size], src)
		n += h.size
	}
	return n, 0
}

// maxFilterSources bounds what a program may ask for.
const maxFilterSources = 1 << 16

// putSource writes an address, or a struct sockaddr_storage with it.
func putSource(b []byte, src ip.Addr) {
	if len(b) == 4 {
		copy(b, src[12:])
		return
	}
	clear(b)
	var a [maxSockaddr]byte
	n := putSockaddr(&a, !src.Is4(), &sock.Name{Addr: src.Wire()})
	copy(b, a[:n])
}
