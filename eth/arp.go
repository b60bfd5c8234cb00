package eth

import "dataplane/perf"

// ARP's operations (RFC 826) and the length of a packet for IPv4 on Ethernet.
const (
	ARPRequest = 1
	ARPReply   = 2
	ARPLen     = 28
)

// ARP is an ARP packet for IPv4 addresses on Ethernet: at least ARPLen bytes.
type ARP []byte

// ParseARP checks length, address types and lengths, operation and sender.
// Padding may follow. It is the only check an ARP needs.
func ParseARP(b []byte) (ARP, bool) {
	if len(b) < ARPLen {
		return nil, false
	}
	a := ARP(b)
	// RFC 826: hardware 1 (Ethernet) of 6 bytes, protocol 0x0800 of 4 bytes.
	if be.Uint32(b[0:4]) != 1<<16|TypeIPv4 || be.Uint16(b[4:6]) != 6<<8|4 {
		return nil, false
	}
	if op := a.Op(); op != ARPRequest && op != ARPReply {
		return nil, false
	}
	mac, ip := a.SenderMAC(), a.SenderIP()
	if mac[0]&1 != 0 || mac == [6]byte{} { // nobody's address
		return nil, false
	}
	// Nobody sends from a group, the limited broadcast or the loopback network.
	if ip[0] >= 224 || ip[0] == 127 || ip[0] == 0 && ip != [4]byte{} {
		return nil, false
	}
	return a, true
}

// Op is ARPRequest or ARPReply.
func (a ARP) Op() uint16 { return be.Uint16(a[6:8]) }

// SenderMAC is the link address of who speaks.
func (a ARP) SenderMAC() [6]byte { return [6]byte(a[8:14]) }

// SenderIP is the address of who speaks; zero in a probe (RFC 5227 1.1).
func (a ARP) SenderIP() [4]byte { return [4]byte(a[14:18]) }

// TargetMAC is the link address of who is spoken to; nothing in a request.
func (a ARP) TargetMAC() [6]byte { return [6]byte(a[18:24]) }

// TargetIP is the address asked for, or in a reply of who asked.
func (a ARP) TargetIP() [4]byte { return [4]byte(a[24:28]) }

// arpSide is one end's pair of addresses.
type arpSide struct {
	mac [6]byte
	ip  [4]byte
}

// putARP writes a packet into b, which has ARPLen bytes.
func putARP(b []byte, op uint16, sender, target arpSide) {
	_ = b[ARPLen-1]
	be.PutUint32(b[0:4], 1<<16|TypeIPv4)
	be.PutUint16(b[4:6], 6<<8|4)
	be.PutUint16(b[6:8], op)
	copy(b[8:14], sender.mac[:])
	copy(b[14:18], sender.ip[:])
	copy(b[18:24], target.mac[:])
	copy(b[24:28], target.ip[:])
}

// sendARP sends a packet on ifc to the link address dst.
func (l *Layer) sendARP(ifc *Iface, dst [6]byte, op uint16, sender, target arpSide) {
	m := l.pool.Alloc()
	if m == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return
	}
	putARP(m.Append(ARPLen), op, sender, target)
	l.OutputTo(m, ifc, dst, TypeARP)
}

// sendRequest asks for ip's link address.
func (l *Layer) sendRequest(ifc *Iface, dst [6]byte, ip [4]byte) {
	target := arpSide{ip: ip}
	if dst != BroadcastMAC {
		target.mac = dst
	}
	l.stat.Event(perf.EvARPRequestSent)
	l.sendARP(ifc, dst, ARPRequest, arpSide{ifc.MAC, ifc.sourceFor(ip)}, target)
}

// sourceFor is our address in the subnet of ip, else our first one; zero if we
// have none.
func (i *Iface) sourceFor(ip [4]byte) [4]byte {
	for k := range i.Addrs4 {
		if i.Addrs4[k].Contains(ip) {
			return i.Addrs4[k].Addr
		}
	}
	if len(i.Addrs4) > 0 {
		return i.Addrs4[0].Addr
	}
	return [4]byte{}
}
