package sock

// Link is a Name as AF_PACKET uses it, Linux's sockaddr_ll: the interface is the
// Zone, the protocol (an EtherType) the Port.
type Link struct {
	Iface    uint32
	Protocol uint16 // in the host's order
	HaType   uint16 // ARPHRD_*
	PktType  uint8  // PACKET_*
	HaLen    uint8  // bytes of Addr
	Addr     [8]byte
}

// Name returns l as a Name.
func (l *Link) Name() Name {
	n := Name{Port: l.Protocol, Zone: l.Iface}
	le.PutUint16(n.Addr[0:], l.HaType)
	n.Addr[2], n.Addr[3] = l.PktType, l.HaLen
	copy(n.Addr[4:], l.Addr[:])
	return n
}

// Link returns n as AF_PACKET uses it.
func (n *Name) Link() Link {
	return Link{
		Iface: n.Zone, Protocol: n.Port, HaType: le.Uint16(n.Addr[0:]),
		PktType: n.Addr[2], HaLen: n.Addr[3], Addr: [8]byte(n.Addr[4:12]),
	}
}

// NetlinkName returns the name of a netlink socket: its port number, 0 for the plane
// itself, and the multicast groups.
func NetlinkName(port, groups uint32) Name {
	n := Name{Zone: port}
	le.PutUint32(n.Addr[:], groups)
	return n
}

// Netlink returns n as AF_NETLINK uses it.
func (n *Name) Netlink() (port, groups uint32) { return n.Zone, le.Uint32(n.Addr[:]) }
