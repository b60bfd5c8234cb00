package gen

import (
	"bytes"
	"encoding/binary"
)

var be = binary.BigEndian

const (
	etherLen = 14
	ipLen    = 20
	udpLen   = 8
	tcpLen   = 20
	ipAt     = etherLen
	l4At     = etherLen + ipLen

	flagFIN, flagSYN, flagRST, flagPSH, flagACK = 1, 2, 4, 8, 16

	firstPort = 1024
	window    = 65535
)

// flow is one client.
type flow struct {
	port  uint16
	frame []byte // UDP: the datagram. TCP: room for the request's segment

	// TCP.
	up       bool
	seq, ack uint32
}

// makeFlows finds ports whose flows belong to the queue's lcore.
func (q *queue) makeFlows() {
	c := &q.p.cfg
	plane, client := mapped(PlaneIP), mapped(ClientIP)
	for port := firstPort; len(q.flows) < c.Flows && port < 1<<16; port++ {
		if c.Owner(plane, client, c.Port, uint16(port)) != q.core {
			continue
		}
		f := &flow{port: uint16(port)}
		q.flows = append(q.flows, f)
		q.byTop[port] = int32(len(q.flows))
		if c.TCP {
			f.frame = head(c, f, 6, tcpLen+len(c.Request))
			copy(f.frame[l4At+tcpLen:], c.Request)
			q.ready = append(q.ready, f)
			continue
		}
		f.frame = head(c, f, 17, udpLen+len(c.Request))
		be.PutUint16(f.frame[l4At+4:], uint16(udpLen+len(c.Request)))
		copy(f.frame[l4At+udpLen:], c.Request)
	}
}

func mapped(a [4]byte) (m [16]byte) {
	m[10], m[11] = 0xff, 0xff
	copy(m[12:], a[:])
	return m
}

// head builds a frame up to the ports. The plane is told that sums are right.
func head(c *Config, f *flow, proto byte, n int) []byte {
	b := make([]byte, l4At+n)
	copy(b, planeMAC[:])
	copy(b[6:], ownMAC[:])
	be.PutUint16(b[12:], 0x0800)
	b[ipAt], b[ipAt+8], b[ipAt+9] = 0x45, 64, proto
	be.PutUint16(b[ipAt+2:], uint16(ipLen+n))
	copy(b[ipAt+12:], ClientIP[:])
	copy(b[ipAt+16:], PlaneIP[:])
	be.PutUint16(b[ipAt+10:], ^fold(b[ipAt:ipAt+ipLen]))
	be.PutUint16(b[l4At:], f.port)
	be.PutUint16(b[l4At+2:], c.Port)
	return b
}

func fold(b []byte) uint16 {
	s := uint32(0)
	for ; len(b) > 1; b = b[2:] {
		s += uint32(be.Uint16(b))
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

// say returns the client's next segment: a SYN, or a request that acknowledges the
// answer before it. The plane has what a card has verified, so nobody sums.
func (f *flow) say() []byte {
	t := f.frame[l4At:]
	be.PutUint32(t[4:], f.seq)
	be.PutUint32(t[8:], f.ack)
	t[12], t[13] = tcpLen/4<<4, flagACK|flagPSH
	be.PutUint16(t[14:], window)
	if !f.up {
		t[13] = flagSYN
		return f.sized(0)
	}
	return f.sized(len(t) - tcpLen)
}

// sized is the segment with n bytes of payload.
func (f *flow) sized(n int) []byte {
	ip := f.frame[ipAt:]
	be.PutUint16(ip[2:], uint16(ipLen+tcpLen+n))
	return f.frame[:l4At+tcpLen+n]
}

// hear takes a segment of the plane; n is the length of its frame.
func (q *queue) hear(b []byte, n int) {
	if len(b) < l4At+tcpLen || b[ipAt+9] != 6 {
		return
	}
	t := b[l4At:]
	place := q.byTop[be.Uint16(t[2:])]
	if place == 0 {
		q.pass(b)
		return
	}
	f := q.flows[place-1]
	flags := t[13]
	switch {
	case flags&(flagRST|flagFIN) != 0:
		q.bad++
		f.up, f.seq = false, f.seq+1<<20
		q.ready = append(q.ready, f)
		return
	case flags&flagSYN != 0:
		f.up, f.seq, f.ack = true, f.seq+1, be.Uint32(t[4:])+1
		q.ready = append(q.ready, f)
		return
	}
	len := n - l4At - int(t[12]>>4)*4
	if len <= 0 || be.Uint32(t[4:]) != f.ack {
		return // an acknowledgement alone, or something again
	}
	f.ack += uint32(len)
	if bytes.HasSuffix(b[:n], q.p.cfg.End) {
		f.seq = be.Uint32(t[8:])
		q.count++
		q.ready = append(q.ready, f)
	}
}
