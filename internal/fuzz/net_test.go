package fuzz

import (
	"dataplane/mbuf"
)

// broadcastMAC is every station's.
var broadcastMAC = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// toUs is a packet from .2 to the plane.
func toUs(proto byte) packet {
	return packet{dstMAC: ourMAC, srcMAC: peerMAC, src: theirs, dst: ours, proto: proto, ttl: 64}
}

// opRaw sends bytes of the input: as a frame, behind a link header, or behind a
// link header and an IP header.
func (w *world) opRaw(v byte) {
	kind := w.byte()
	b := w.take(int(w.byte()))
	var f []byte
	switch v & 3 {
	case 0:
		f = append(f, b...)
	case 1:
		types := [...]uint16{0x0800, 0x0806, 0x86dd, 0x8100, 0x88a8, 0, 0x05dc, 0xffff}
		f = append(make([]byte, ethLen), b...)
		putEth(f, ourMAC, peerMAC, types[kind&7])
	case 2, 3:
		f = append(make([]byte, ethLen+ipLen), b...)
		p := toUs(kind)
		if v&8 != 0 {
			p.dst, p.dstMAC = [4]byte{10, 0, 0, 255}, broadcastMAC
		}
		p.finish(f)
		fixL4(f[ethLen:])
		if v&3 == 3 { // in a tag of VLAN 0
			f = append(f[:12:12], append([]byte{0x81, 0, kind & 0xe0, 0}, f[12:]...)...)
		}
	}
	if v&4 != 0 {
		refit(f)
	}
	w.suspect(f)
	w.arrive(f)
}

// suspect looks whether a frame may carry bytes of a stream that nobody foresaw.
func (w *world) suspect(f []byte) {
	for _, at := range [...]int{ethLen, ethLen + 4} { // without and with a tag
		if len(f) >= at+ipLen && f[at]>>4 == 4 && (f[at+9] == protoTCP || f[at+9] == protoUDP) {
			w.tainted = true
		}
	}
}

// datagram makes a whole UDP frame; its length field is off by wrong.
func (w *world) datagram(p packet, sport, dport uint16, n, wrong, seg int) []byte {
	p.proto = protoUDP
	f := make([]byte, ethLen+ipLen+8+n)
	u := f[ethLen+ipLen:]
	be.PutUint16(u, sport)
	be.PutUint16(u[2:], dport)
	be.PutUint16(u[4:], uint16(8+n+wrong))
	if seg <= 0 {
		seg = max(n, 1)
	}
	for b := u[8:]; len(b) > 0; b = b[min(seg, len(b)):] {
		pattern(b[:min(seg, len(b))], sport, dport, 0)
	}
	p.finish(f)
	fixL4(f[ethLen:])
	return f
}

// opDatagram sends UDP to one of the sockets, or where none is.
func (w *world) opDatagram(v byte) {
	x, n, wrong := w.byte(), amount(w.byte()), w.signed()
	n = min(n, 1472)
	p := toUs(protoUDP)
	sport, dport, seg := uint16(6000), uint16(53), 0
	switch v & 3 {
	case 1: // to the connected one
		dport = 5000
	case 2: // ... from somebody else
		dport, sport = 5000, 6000+uint16(x&3)
		p.src[3], p.srcMAC[5] = 2+x>>2&3, 2+x>>2&3
	case 3:
		dport = 5000 + uint16(x)
	}
	if v&4 != 0 {
		p.dst, p.dstMAC = [4]byte{10, 0, 0, 255}, broadcastMAC
		if x&128 != 0 {
			p.dst = [4]byte{255, 255, 255, 255}
		}
	}
	if v&8 != 0 && n > 0 && wrong == 0 {
		seg = int(x) + 1
	}
	f := w.datagram(p, sport, dport, n, wrong, seg)
	if v&8 != 0 && wrong == 1 { // without a checksum
		be.PutUint16(f[ethLen+ipLen+4:], uint16(8+n))
		be.PutUint16(f[ethLen+ipLen+6:], 0)
	}
	w.arriveAs(arrival{frame: f, split: w.split, flags: w.claims, seg: seg})
}

// opICMP sends a ping or an error about a packet that the plane may have sent.
func (w *world) opICMP(v byte) {
	typ, code, rest := w.byte(), w.byte(), w.u16()
	dseq := w.signed()
	var quote []byte
	switch f := w.flow(v >> 1); {
	case typ == 8 || typ == 0:
		quote = make([]byte, int(rest)%1400)
	case v&1 == 0 && f != nil:
		quote = make([]byte, ipLen+8)
		be.PutUint16(quote[ipLen:], f.lport)
		be.PutUint16(quote[ipLen+2:], f.rport)
		be.PutUint32(quote[ipLen+4:], f.una+uint32(dseq))
		w.quoted(quote, protoTCP, f.peer)
	default:
		quote = make([]byte, ipLen+8)
		be.PutUint16(quote[ipLen:], 5000+uint16(v>>1&1)*(65536-5000+53&0xffff))
		be.PutUint16(quote[ipLen+2:], 6000)
		be.PutUint16(quote[ipLen+4:], 8+uint16(dseq))
		w.quoted(quote, protoUDP, theirs)
	}
	f := make([]byte, ethLen+ipLen+8, ethLen+ipLen+8+len(quote))
	f[ethLen+ipLen], f[ethLen+ipLen+1] = typ, code
	be.PutUint16(f[ethLen+ipLen+6:], rest)
	f = append(f, quote...)
	p := toUs(protoICMP)
	p.finish(f)
	fixL4(f[ethLen:])
	w.arrive(f)
}

// quoted writes the IP header of a packet that we sent.
func (w *world) quoted(b []byte, proto byte, to [4]byte) {
	p := packet{src: ours, dst: to, proto: proto, ttl: 60}
	f := p.finish(append(make([]byte, ethLen), b...))
	copy(b, f[ethLen:])
	be.PutUint16(b[2:], 1500)
}

// opARP sends an ARP packet.
func (w *world) opARP(v byte) {
	from, to, x := w.byte(), w.byte(), w.byte()
	op := uint16(1 + v&1)
	sender, target := [4]byte{10, 0, 0, from}, [4]byte{10, 0, 0, to}
	mac := peer(from)
	if x&1 != 0 {
		mac[1] = x // another station claims the address
	}
	dst := ourMAC
	if v&2 != 0 {
		dst = broadcastMAC
	}
	if v&4 != 0 {
		sender = [4]byte{} // a probe
	}
	f := arp(op, dst, mac, sender, target)
	if v&8 != 0 { // something is odd
		f[ethLen+int(x>>1)%28] ^= from | 1
		f = f[:ethLen+28-int(to&31)%28]
	}
	w.arrive(f)
}

// whole is a datagram of n bytes behind the IP header, to be cut into pieces.
func (w *world) whole(kind byte, n int) ([]byte, byte) {
	if kind&1 == 0 {
		n = max(n, 8)
		f := w.datagram(toUs(protoUDP), 6000, 53, n-8, 0, 0)
		return f[ethLen+ipLen:], protoUDP
	}
	f := make([]byte, ethLen+ipLen+max(n, 8))
	f[ethLen+ipLen] = 8
	p := toUs(protoICMP)
	p.finish(f)
	fixL4(f[ethLen:])
	return f[ethLen+ipLen:], protoICMP
}

// opFragment sends one piece of a datagram, or all of them.
func (w *world) opFragment(v byte) {
	id, size := w.byte(), (int(w.byte())+1)*32
	b, proto := w.whole(v, size)
	if v&2 != 0 { // all, but those that the mask leaves out, perhaps the last first
		mask, step := w.byte(), (int(w.byte()&63)+1)*8
		for i := 0; i*step < len(b) && i < 64 && w.bad == ""; i++ {
			k := i
			if v&4 != 0 {
				k = (len(b)-1)/step - i
			}
			if k < 8 && mask>>k&1 != 0 {
				continue
			}
			w.piece(b, proto, id, k*step, step, (k+1)*step < len(b))
		}
		return
	}
	off, n := int(w.u16()&0x1fff)*8, int(w.byte())*8
	if v&4 != 0 {
		n -= 3
	}
	w.piece(b, proto, id, off, n, v&8 == 0)
}

// piece sends n bytes of b from off on.
func (w *world) piece(b []byte, proto, id byte, off, n int, more bool) {
	w.arrive(w.cut(b, proto, id, off, n, more))
}

// cut makes a frame of n bytes of b from off on. Where b ends, zeroes follow.
func (w *world) cut(b []byte, proto, id byte, off, n int, more bool) []byte {
	n = min(max(n, 0), 1480)
	f := make([]byte, ethLen+ipLen+n)
	if off < len(b) {
		copy(f[ethLen+ipLen:], b[off:])
	}
	if off+n > len(b) && more {
		w.tainted = true
	}
	p := toUs(proto)
	p.id, p.frag = uint16(id), uint16(off/8)
	if more {
		p.frag |= 0x2000
	} else if off < len(b) {
		f = f[:ethLen+ipLen+min(n, len(b)-off)]
	}
	return p.finish(f)
}

// opAgain sends the last frame again, as it was or changed.
func (w *world) opAgain(v byte) {
	f := append([]byte(nil), w.last...)
	a := arrival{split: w.split, flags: w.claims}
	at, x := int(w.u16()), w.byte()
	if len(f) == 0 || w.spoilt {
		return
	}
	switch v & 7 {
	case 0:
	case 1: // damaged: the checksums tell
		f[at%len(f)] ^= x
		a.flags = 0
	case 2: // changed
		f[at%len(f)] ^= x
		refit(f)
		w.suspect(f)
	case 3:
		f = f[:at%len(f)]
		a.flags = 0
	case 4:
		f = f[:at%len(f)]
		refit(f)
		w.suspect(f)
	case 5: // padded
		f = append(f, make([]byte, x)...)
	case 6: // in several segments
		a.split = int(x)
	case 7: // to all
		copy(f, broadcastMAC[:])
	}
	if v&8 != 0 && v&7 != 1 && v&7 != 3 {
		a.flags = mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood
	}
	a.frame = f
	w.arriveAs(a)
}

// opMany is a flood of one kind.
func (w *world) opMany(v byte) {
	n, x := int(w.byte()), w.byte()
	var f []byte // the same frame each time, or nearly
	switch v & 7 {
	case 1: // halves of datagrams
		b, proto := w.whole(0, 1600)
		f = w.cut(b, proto, 0, 0, 800, true)
	case 6: // datagrams
		f = w.datagram(toUs(protoUDP), 6000, 53+uint16(x&1)*(5000-53), 1000, 0, 0)
	case 7: // pings
		b, _ := w.whole(1, int(x)+8)
		p := toUs(protoICMP)
		f = p.finish(append(make([]byte, ethLen+ipLen), b...))
	}
	for i := 0; i < n && w.bad == "" && w.frames < maxFrames; i++ {
		if f == nil {
			w.one(v&7, i, x)
			continue
		}
		g := append([]byte(nil), f...)
		if v&7 == 1 {
			g[ethLen+5] = byte(i) + x
			fixIP(g[ethLen:])
		}
		w.arrive(g)
	}
}

// one is frame i of a flood.
func (w *world) one(kind byte, i int, x byte) {
	switch kind {
	case 0: // SYNs
		f := &flow{peer: theirs, local: ours, rport: 20000 + uint16(x)<<8 + uint16(i), lport: 80, irs: uint32(i)}
		w.send(f, &spec{flags: syn, seq: f.irs})
	case 2: // ARP requests
		w.arrive(arp(1, broadcastMAC, peer(byte(i)), [4]byte{10, 0, 0, byte(i) + x}, ours))
	case 3: // ACKs for nobody
		f := &flow{peer: theirs, local: ours, rport: uint16(i), lport: uint16(x) + 1, ts: w.ts}
		w.send(f, &spec{flags: ack, seq: 1, ack: 1})
	case 4: // gaps
		if f := w.flow(x); f != nil {
			s := f.nxt + uint32(2*i+2)
			w.send(f, &spec{flags: ack, seq: s, ack: f.max, wnd: 900, n: 1, at: s - f.irs - 1})
		}
	case 5: // resets that miss
		if f := w.flow(x); f != nil {
			w.send(f, &spec{flags: rst, seq: f.nxt + uint32(i+1), ack: f.max, opts: []byte{}})
		}
	}
}
