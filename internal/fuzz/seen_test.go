package fuzz

import (
	"flag"
	"fmt"
	"time"

	"dataplane/mbuf"
)

var tracing = flag.Bool("fuzz.trace", false, "log what happens in each input")

// traced is set before an input that is to be logged.
var traced bool

func (w *world) trace(format string, args ...any) {
	if traced {
		w.tb.Logf("%8.3fs %s", float64(time.Duration(w.now-begin))/1e9, fmt.Sprintf(format, args...))
	}
}

// seen takes a frame that leaves the plane: whatever came in, this one must be
// well formed.
func (w *world) seen(f []byte, m *mbuf.Mbuf) {
	if traced {
		w.trace("> %s", describe(f))
	}
	if why := w.wrong(f, m); why != "" {
		w.fail("the plane sent a wrong frame: %s: % x", why, f[:min(len(f), 80)])
		return
	}
	switch be.Uint16(f[12:]) {
	case 0x0806:
		w.seenARP(f)
	case 0x0800:
		h := f[ethLen:]
		if h[9] == protoTCP && be.Uint16(h[6:])&0x3fff == 0 {
			w.sentSegment(h)
		}
	}
}

// wrong says what no frame of ours may look like.
func (w *world) wrong(f []byte, m *mbuf.Mbuf) string {
	if len(f) < ethLen+20 || int(m.PktLen) != len(f) {
		return "its length"
	}
	if [6]byte(f[6:12]) != ourMAC {
		return "its source MAC"
	}
	typ := be.Uint16(f[12:])
	if typ == 0x0806 {
		return ""
	}
	h := f[ethLen:]
	if typ != 0x0800 || h[0] != 0x45 {
		return "neither ARP nor IPv4"
	}
	tso := m.OlFlags&(mbuf.TxTCPSeg|mbuf.TxUDPSeg) != 0
	switch {
	case len(h) > w.cfg.mtu && !tso:
		return "longer than the MTU"
	case int(be.Uint16(h[2:])) != len(h):
		return "its IP length"
	case m.OlFlags&mbuf.TxIPChecksum == 0 && sum(h[:ipLen], 0) != 0xffff:
		return "its IP checksum"
	case h[8] == 0:
		return "its TTL"
	case [4]byte(h[12:16]) != ours:
		return "its source address"
	case f[0]&1 != 0 && h[9] == protoTCP:
		return "TCP to a group"
	}
	if be.Uint16(h[6:])&0x3fff != 0 || m.OlFlags&l4Left != 0 {
		return ""
	}
	b := h[ipLen:]
	s := uint32(0)
	if h[9] != protoICMP {
		s = pseudo(h, len(b))
	}
	if h[9] == protoUDP && len(b) >= 8 && be.Uint16(b[6:]) == 0 {
		return ""
	}
	if sum(b, s) != 0xffff {
		return "its transport checksum"
	}
	return ""
}

// seenARP answers for the hosts that are there.
func (w *world) seenARP(f []byte) {
	a := f[ethLen:]
	if len(a) < 28 {
		w.fail("a short ARP packet")
		return
	}
	host := a[27]
	if w.mute || be.Uint16(a[6:]) != 1 || host < 2 || host > 9 {
		return
	}
	w.port.receive(arrival{frame: arp(2, [6]byte(ourMAC), peer(host), [4]byte{10, 0, 0, host}, ours)})
}

// peer is the link address of host .n.
func peer(n byte) [6]byte { return [6]byte{2, 0, 0, 0, 0, n} }

// arp is an ARP packet.
func arp(op uint16, dst, mac [6]byte, sender, target [4]byte) []byte {
	f := make([]byte, ethLen+28)
	putEth(f, dst, mac, 0x0806)
	a := f[ethLen:]
	be.PutUint32(a, 1<<16|0x0800)
	be.PutUint16(a[4:], 6<<8|4)
	be.PutUint16(a[6:], op)
	copy(a[8:], mac[:])
	copy(a[14:], sender[:])
	if op == 2 {
		copy(a[18:], ourMAC[:])
	}
	copy(a[24:], target[:])
	return f
}

// describe is a frame in a line.
func describe(f []byte) string {
	if len(f) >= ethLen+ipLen && f[12] == 8 && f[13] == 0 {
		h := f[ethLen:]
		frag := be.Uint16(h[6:])
		s := fmt.Sprintf("%v>%v proto %d len %d", [4]byte(h[12:16]), [4]byte(h[16:20]), h[9], len(h))
		if frag&0x3fff != 0 {
			return s + fmt.Sprintf(" fragment %d+%d more %v", int(frag&0x1fff)*8, len(h)-20, frag&0x2000 != 0)
		}
		if g, ok := parseSegment(h); ok && h[9] == protoTCP {
			return s + fmt.Sprintf(" %d>%d flags %#02x seq %d+%d ack %d wnd %d opts % x", g.sport, g.dport, g.flags, g.seq, len(g.data), g.ack, g.wnd, g.opts)
		}
		return s + fmt.Sprintf(" % x", h[20:min(len(h), 36)])
	}
	return fmt.Sprintf("% x", f[:min(len(f), 60)])
}
