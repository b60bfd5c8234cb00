package inet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// The interface that a socket is bound to: SO_BINDTODEVICE and SO_BINDTOIFINDEX, which
// count both ways, IP_UNICAST_IF and IPV6_UNICAST_IF, for what is sent.

// Options that package syscall does not name.
const (
	soBindToDevice = 25
	soBindToIndex  = 62
	ipUnicastIf    = 50
	ipv6UnicastIf  = 76
	nameSize       = 16 // IFNAMSIZ
)

// deviceProto is a transport whose sockets can be bound to an interface. It runs on the
// lcore.
type deviceProto interface {
	// Device lets what sk sends leave by one link (its number plus 1; 0: as the routes
	// say), and what comes by others than the link only is not for it.
	Device(sk *sock.Sock, iface, only uint16)
}

// setDevice sets an option of the interface; false: o is none.
func setDevice(s *sock.Socket, o option, v []byte) (known bool, errno syscall.Errno) {
	switch o {
	case option{syscall.SOL_SOCKET, soBindToDevice}:
		name, _, _ := bytes.Cut(v[:min(len(v), nameSize-1)], []byte{0})
		index, errno := of(s).host.indexOf(string(name))
		if errno != 0 {
			return true, errno
		}
		return true, bindToDevice(s, index)
	case option{syscall.SOL_SOCKET, soBindToIndex}:
		index := int(int32(native.Uint32(v)))
		if index < 0 {
			return true, syscall.EINVAL
		}
		if index != 0 && of(s).host.link(index) == nil {
			return true, syscall.ENODEV
		}
		return true, bindToDevice(s, index)
	case option{syscall.IPPROTO_IP, ipUnicastIf}, option{syscall.IPPROTO_IPV6, ipv6UnicastIf}:
		if len(v) != 4 {
			return true, syscall.EINVAL
		}
		return true, setUnicastIf(s, binary.BigEndian.Uint32(v))
	}
	return false, 0
}

// indexOf is the number of the interface of a name; 0: the empty one.
func (h *Host) indexOf(name string) (int, syscall.Errno) {
	if name == "" {
		return 0, 0
	}
	for _, f := range h.Routes.Load().Ifaces() {
		if f.Name == name {
			return int(f.Index) + 1, 0
		}
	}
	return 0, syscall.ENODEV
}

// link is the interface of a number, nil if there is none.
func (h *Host) link(index int) *ip.RouteIface {
	ifaces := h.Routes.Load().Ifaces()
	for i := range ifaces {
		if int(ifaces[i].Index)+1 == index {
			return &ifaces[i]
		}
	}
	return nil
}

// bindToDevice binds s to an interface; 0: to none.
func bindToDevice(s *sock.Socket, index int) syscall.Errno {
	x := more(s)
	x.device.Store(uint32(index))
	return tellDevice(s, cmp.Or(index, int(x.unicast.Load())), index)
}

// freeOfDevice binds s to no interface: a datagram socket that lets go of its peer, and even
// one that has none, is free of that, too, as Linux's __udp_disconnect has it.
func freeOfDevice(s *sock.Socket) error {
	if x := extraOf(s); x == nil || x.device.Load() == 0 {
		return nil
	}
	if errno := bindToDevice(s, 0); errno != 0 {
		return errno
	}
	return nil
}

// setUnicastIf is IP_UNICAST_IF. EINVAL: s is bound to another interface.
func setUnicastIf(s *sock.Socket, index uint32) syscall.Errno {
	x := more(s)
	bound := x.device.Load()
	switch {
	case index != 0 && of(s).host.link(int(index)) == nil:
		return syscall.EADDRNOTAVAIL
	case index != 0 && bound != 0 && bound != index:
		return syscall.EINVAL
	}
	x.unicast.Store(index)
	return tellDevice(s, int(cmp.Or(bound, index)), int(bound))
}

// tellDevice tells every part of s by which interface it sends, and by which it hears.
func tellDevice(s *sock.Socket, index, only int) syscall.Errno {
	return errnoOf(visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno {
		p, ok := sk.Proto.(deviceProto)
		if !ok {
			return syscall.ENOPROTOOPT
		}
		p.Device(sk, uint16(index), uint16(only))
		return 0
	}))
}

// getDevice reads what setDevice sets.
func getDevice(s *sock.Socket, o option, v []byte) (n int, known bool, errno syscall.Errno) {
	var device, unicast uint32
	if x := extraOf(s); x != nil {
		device, unicast = x.device.Load(), x.unicast.Load()
	}
	switch o {
	case option{syscall.SOL_SOCKET, soBindToIndex}:
		return put(o.level, v, int(device))
	case option{syscall.SOL_SOCKET, soBindToDevice}:
		f := of(s).host.link(int(device))
		if f == nil {
			return 0, true, 0
		}
		if len(v) < nameSize {
			return 0, true, syscall.EINVAL
		}
		return copy(v, f.Name+"\x00"), true, 0
	case option{syscall.IPPROTO_IP, ipUnicastIf}, option{syscall.IPPROTO_IPV6, ipv6UnicastIf}:
		return put(o.level, v, int(int32(native.Uint32(binary.BigEndian.AppendUint32(nil, unicast)))))
	}
	return 0, false, 0
}

// sourceBy returns the address from which s reaches to by the interface that it is bound
// to; false: it is bound to none.
func sourceBy(s *sock.Socket, to ip.Addr) (src ip.Addr, bound bool, errno syscall.Errno) {
	x := extraOf(s)
	if x == nil {
		return src, false, 0
	}
	index := cmp.Or(x.device.Load(), x.unicast.Load())
	if index == 0 {
		return src, false, 0
	}
	rt, ok := of(s).host.Routes.Load().LookupBy(to, uint16(index-1))
	switch {
	case !ok:
		return src, true, syscall.ENETUNREACH
	case rt.Src.IsZero():
		return src, true, syscall.EADDRNOTAVAIL
	}
	return rt.Src, true, 0
}
