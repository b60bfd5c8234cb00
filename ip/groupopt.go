package ip

import "syscall"

// Options of level IPPROTO_IP that are about groups, of all sockets that hear them.

// ipMulticastAll is IP_MULTICAST_ALL, which package syscall does not name.
const ipMulticastAll = 49

// Modes of IP_MTU_DISCOVER that package syscall does not name. Both look at the link's MTU
// alone and let routers cut packets (no DF); what the link does not carry is refused by
// the one, and cut by the other.
const (
	PMTUInterface = 4 // IP_PMTUDISC_INTERFACE
	PMTUOmit      = 5 // IP_PMTUDISC_OMIT
)

// Ears is what a socket hears of groups; the zero Ears hears what others have joined.
// It is the lcore's.
type Ears struct {
	joined Heard
	only   bool // IP_MULTICAST_ALL is off: nothing but what it has joined
}

// Join tells what the socket has joined.
func (e *Ears) Join(h Heard) { e.joined = h }

// Hears reports whether the socket wants the packet p to a group. As Linux's
// ip_mc_sf_allow: what it has joined decides; what others have joined is heard unless it
// said no.
func (e *Ears) Hears(p *Packet) bool {
	if wants, joined := e.joined.Hears(p.Iface.Index, p.Dst.Wire(), p.Src.Wire()); joined {
		return wants
	}
	return !e.only
}

// groupWay is a copy of how e sends to groups.
func (e *Endpoint) groupWay() GroupWay {
	if e.Group == nil {
		return GroupWay{TTL: 1}
	}
	return *e.Group
}

// Speak tells by which link e sends to groups (its number plus 1; 0: by the routes), and
// from which address.
func (e *Endpoint) Speak(iface uint16, src Addr) {
	w := e.groupWay()
	w.Iface, w.Src = iface, src
	e.Group = &w
}

// SetDevice lets everything that e sends leave by one link (its number plus 1; 0: as the
// routes say).
func (e *Endpoint) SetDevice(iface uint16) {
	w := e.groupWay()
	w.Device = iface
	e.Group, e.Dst = &w, Dst{}
}

// device is that link.
func (e *Endpoint) device() uint16 {
	if e.Group == nil {
		return 0
	}
	return e.Group.Device
}

// SetGroups sets an option of the socket that speaks by e and hears by ears.
func (e *Endpoint) SetGroups(ears *Ears, name, value int) syscall.Errno {
	w := e.groupWay()
	switch name {
	case syscall.IP_MULTICAST_TTL:
		switch {
		case value == -1: // the default again
			value = 1
		case value < 0 || value > 255:
			return syscall.EINVAL
		}
		w.TTL = uint8(value)
	case syscall.IP_MULTICAST_LOOP:
		w.NoLoop = value == 0
	case ipMulticastAll:
		if value != 0 && value != 1 {
			return syscall.EINVAL
		}
		ears.only = value == 0
		return 0
	default:
		return syscall.ENOPROTOOPT
	}
	e.Group = &w
	return 0
}

// GetGroups reads what SetGroups sets.
func (e *Endpoint) GetGroups(ears *Ears, name int) (value int, errno syscall.Errno) {
	w := e.groupWay()
	on := false
	switch name {
	case syscall.IP_MULTICAST_TTL:
		return int(w.TTL), 0
	case syscall.IP_MULTICAST_LOOP:
		on = !w.NoLoop
	case ipMulticastAll:
		on = !ears.only
	default:
		return 0, syscall.ENOPROTOOPT
	}
	if on {
		return 1, 0
	}
	return 0, 0
}
