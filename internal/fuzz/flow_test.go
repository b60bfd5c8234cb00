package fuzz

import (
	"dataplane/mbuf"
	"dataplane/perf"
)

// maxFlows bounds the connections that the far end remembers.
const maxFlows = 12

// flow is what the far end knows of a connection from the frames it has seen.
type flow struct {
	peer, local  [4]byte
	rport, lport uint16 // rport is the far end's

	iss, max uint32   // the plane's first and next sequence number
	una      uint32   // what we have acknowledged
	irs      uint32   // our first one
	nxt      uint32   // what the plane has acknowledged
	top      uint32   // what we have sent in its window, in order or not
	right    uint32   // right edge of the window it has shown
	edge     uint32   // right edge of the windows we have shown, the farthest
	wscale   uint8    // of its windows
	scale    uint8    // of ours
	tsval    uint32   // its latest timestamp
	clock    uint32   // our latest timestamp
	odd      bool     // or another: the input made one up
	resets   []uint32 // sequence numbers of the resets we sent

	ts, sackOK bool // timestamps, SACK: both sides agreed
	sync       bool // the plane knows irs
	life       int  // connections there have been on it
	shown      bool // edge is set
	vague      bool // the peer's SYN was odd: no telling what is right
}

// isn is our first sequence number on a flow; the ones of even ports are about
// to wrap.
func isn(rport uint16) uint32 {
	if rport&1 == 0 {
		return 0xfffffe00
	}
	return uint32(rport) * 2654435761
}

// find returns the flow of these ends, nil if there is none.
func (w *world) find(peer [4]byte, rport, lport uint16) *flow {
	for _, f := range w.flows {
		if f.rport == rport && f.lport == lport && f.peer == peer {
			return f
		}
	}
	return nil
}

// add makes a flow; the oldest gives way.
func (w *world) add(peer [4]byte, rport, lport uint16) *flow {
	if f := w.find(peer, rport, lport); f != nil {
		return f
	}
	f := &flow{peer: peer, local: ours, rport: rport, lport: lport, irs: isn(rport)}
	f.nxt = f.irs + 1
	f.vague = w.forgot && w.event(perf.EvTCPCookieSent) > 0 // one of those may have been its
	if len(w.flows) == maxFlows {
		copy(w.flows, w.flows[1:])
		w.flows = w.flows[:maxFlows-1]
		w.forgot = true
	}
	w.flows = append(w.flows, f)
	return f
}

// segment is a TCP segment, taken apart.
type segment struct {
	src, dst     [4]byte
	sport, dport uint16
	seq, ack     uint32
	flags        byte
	wnd          uint16
	opts, data   []byte
}

func parseSegment(h []byte) (g segment, ok bool) {
	if len(h) < ipLen+20 {
		return g, false
	}
	t := h[ipLen:]
	n := int(t[12]>>4) * 4
	if n < 20 || n > len(t) {
		return g, false
	}
	return segment{
		src: [4]byte(h[12:16]), dst: [4]byte(h[16:20]), sport: be.Uint16(t), dport: be.Uint16(t[2:]),
		seq: be.Uint32(t[4:]), ack: be.Uint32(t[8:]), flags: t[13], wnd: be.Uint16(t[14:]),
		opts: t[20:n], data: t[n:],
	}, true
}

// option finds an option of n bytes.
func option(o []byte, kind, n byte) []byte {
	for len(o) > 1 && o[0] != 0 {
		switch {
		case o[0] == 1:
			o = o[1:]
			continue
		case o[1] < 2 || int(o[1]) > len(o):
			return nil
		case o[0] == kind && o[1] == n:
			return o[2:n]
		}
		o = o[o[1]:]
	}
	return nil
}

// sentSegment notes a segment of the plane's and checks what no hostile peer can
// change: it acknowledges monotonously, takes back no window, sends nothing but
// the application's stream, and nothing beyond the windows it was shown.
func (w *world) sentSegment(h []byte) {
	g, ok := parseSegment(h)
	if !ok {
		w.fail("a TCP header that leads out of the packet")
		return
	}
	f := w.find(g.dst, g.dport, g.sport)
	switch {
	case g.flags&rst != 0:
		return
	case g.flags&syn != 0:
		if f == nil {
			f = w.add(g.dst, g.dport, g.sport)
		}
		w.sentSyn(f, &g)
	case f == nil || !f.sync && g.flags&ack == 0:
		return // older than what we remember
	}
	if b := option(g.opts, 8, 10); b != nil {
		f.tsval = be.Uint32(b)
	}
	if g.flags&ack != 0 {
		w.sentAck(f, &g)
	}
	end := g.seq + uint32(len(g.data))
	if g.flags&(syn|fin) != 0 {
		end++
	}
	if len(g.data) > 0 {
		w.sentData(f, &g)
	}
	if before(f.max, end) {
		f.max = end
	}
}

// sentSyn: a connection begins, or its SYN is repeated.
func (w *world) sentSyn(f *flow, g *segment) {
	if f.max != f.iss && f.iss == g.seq && (g.flags&ack == 0 || !f.sync || g.ack == f.irs+1) {
		return // repeated
	}
	if (f.iss != f.max || w.forgot) && w.event(perf.EvTCPCookieSent) > 0 {
		f.vague = true // any of the cookies may come back
	}
	f.life++
	f.iss, f.max, f.una = g.seq, g.seq+1, g.seq
	f.sync, f.shown, f.scale, f.wscale, f.resets = false, false, 0, 0, nil
	if b := option(g.opts, 3, 3); b != nil && w.scale {
		f.wscale, f.scale = b[0], 7
	}
	f.ts = w.ts && option(g.opts, 8, 10) != nil
	f.sackOK = w.sack && option(g.opts, 4, 2) != nil
}

func (w *world) sentAck(f *flow, g *segment) {
	shift := f.wscale
	if g.flags&syn != 0 {
		shift = 0
	}
	right := g.ack + uint32(g.wnd)<<shift
	if !f.sync {
		f.sync = true
		if g.flags&syn == 0 { // of a connection whose beginning we have forgotten
			f.ts = w.ts && option(g.opts, 8, 10) != nil
			f.max, f.una = g.seq, g.seq
		}
		f.irs, f.nxt, f.top, f.right = g.ack-1, g.ack, g.ack, right
		return
	}
	if f.vague || g.flags&syn != 0 { // a SYN-ACK may be that of a new connection with the old numbers
		f.nxt, f.right = g.ack, right
		return
	}
	if before(g.ack, f.nxt) {
		w.fail("port %d acknowledges %d, had acknowledged %d", g.sport, g.ack-f.irs, f.nxt-f.irs)
	}
	// What is shown is a multiple of the scale's unit: rounded up, or in TIME-WAIT down.
	// A cookie does not say which window its SYN-ACK showed.
	if before(right+2<<f.wscale, f.right) && !(w.resized && w.event(perf.EvTCPCookieAccepted) > 0) {
		w.fail("port %d shows a window to %d, had shown one to %d", g.sport, right-f.irs, f.right-f.irs)
	}
	f.nxt = g.ack
	if before(f.right, right) {
		f.right = right
	}
}

func (w *world) sentData(f *flow, g *segment) {
	if f.vague {
		return
	}
	at := g.seq - (f.iss + 1)
	if i := mismatch(g.data, f.lport, f.rport, at); i >= 0 {
		w.fail("port %d sends a wrong byte at %d of its stream", g.sport, at+uint32(i))
	}
	end := g.seq + uint32(len(g.data))
	if f.shown && !w.tainted && before(f.edge, end) {
		w.fail("port %d sends up to %d, the window ends at %d", g.sport, end-f.iss, f.edge-f.iss)
	}
}

// show notes the window of a segment that we send. What acknowledges something
// never sent is not believed, so only its being too far ahead is harmless.
func (f *flow) show(a uint32, wnd uint16, flags byte) {
	shift := f.scale
	if flags&syn != 0 {
		shift = 0
	}
	right := a + uint32(wnd)<<shift
	if !f.shown || before(f.edge, right) {
		f.edge, f.shown = right, true
	}
	if before(f.una, a) && !before(f.max, a) {
		f.una = a
	}
}

// l4Left: the port is to complete the transport checksum, or cut the packet.
const l4Left = mbuf.TxL4Mask | mbuf.TxTCPSeg | mbuf.TxUDPSeg
