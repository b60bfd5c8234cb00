package fuzz

import "bytes"

// spec is a TCP segment to be made.
type spec struct {
	flags    byte
	seq, ack uint32
	wnd      uint16
	n        int    // bytes of the stream
	at       uint32 // which ones
	opts     []byte
	spoilt   int // so many bytes from the front are not the stream's: they must not be taken
}

// segment makes a frame of s on f.
func (w *world) segment(f *flow, s *spec) []byte {
	o := s.opts
	hl := 20 + (len(o)+3)&^3
	fr := make([]byte, ethLen+ipLen+hl+s.n)
	t := fr[ethLen+ipLen:]
	be.PutUint16(t, f.rport)
	be.PutUint16(t[2:], f.lport)
	be.PutUint32(t[4:], s.seq)
	be.PutUint32(t[8:], s.ack)
	t[12], t[13] = byte(hl/4)<<4, s.flags
	be.PutUint16(t[14:], s.wnd)
	copy(t[20:], o)
	pattern(t[hl:], f.rport, f.lport, s.at)
	for i := range s.spoilt {
		t[hl+i] ^= 0x5a
	}
	p := packet{dstMAC: ourMAC, srcMAC: peer(f.peer[3]), src: f.peer, dst: f.local, proto: protoTCP, ttl: 64, id: uint16(s.seq)}
	p.finish(fr)
	fixL4(fr[ethLen:])
	return fr
}

// send lets a segment arrive. A SYN, or the lack of one, says more than the
// specification: the usual options.
func (w *world) send(f *flow, s *spec) {
	if s.opts == nil {
		s.opts = w.options(f, s.flags)
	}
	if s.flags&syn != 0 && s.wnd == 0 {
		s.wnd = 65535
	}
	if s.flags&ack != 0 {
		f.show(s.ack, s.wnd, s.flags)
	}
	if end := s.seq + uint32(s.n); s.flags&(ack|syn|rst) == ack && before(f.top, end) && before(s.seq, f.right+1<<f.wscale) {
		f.top = end
	}
	if s.flags&rst != 0 {
		f.resets = append(f.resets, s.seq)
	}
	w.arrive(w.segment(f, s))
	w.spoilt = s.spoilt > 0
}

// options are those that a good peer would send.
func (w *world) options(f *flow, flags byte) []byte {
	o := make([]byte, 0, 40)
	if flags&syn == 0 {
		if f.ts {
			o = w.timestamp(append(o, 1, 1), f, 0)
		}
		return o
	}
	o = append(o, 2, 4, 0x05, 0xb4)
	if w.sack {
		o = append(o, 4, 2)
	}
	if w.ts {
		o = w.timestamp(o, f, 0)
	}
	if w.scale {
		o = append(o, 1, 3, 3, 7)
	}
	return o
}

// timestamp appends the option, with the latest value used so far or the clock's;
// late moves that.
func (w *world) timestamp(o []byte, f *flow, late int) []byte {
	now := uint32(w.now/1e6) + 0x7fffff00 + uint32(late)
	if late == 0 && f.clock != 0 && before(now, f.clock) {
		now = f.clock
	}
	if f.clock == 0 || before(f.clock, now) {
		f.clock = now
	}
	o = append(o, 8, 10)
	o = be.AppendUint32(o, now)
	return be.AppendUint32(o, f.tsval)
}

// flow is one of the connections, nil if there is none.
func (w *world) flow(v byte) *flow {
	if len(w.flows) == 0 {
		return nil
	}
	return w.flows[int(v)%len(w.flows)]
}

// Modes of opSegment.
const (
	modeEdge  = 1 << iota // sequence numbers count from the window's right edge
	modeSteps             // distances count thousands
	modeFar               // the sequence number is far away
	modeUna               // the acknowledgement counts from what was acknowledged
	modeNew               // not on a known connection, but to a port of ours
	modeSack              // with SACK blocks
	modeTS                // timestamps where there should be none, and none where there should
	modeOpts              // the options are raw
)

// opSegment sends a segment of any kind close to where the connection stands.
func (w *world) opSegment(v byte) {
	flags, dseq, dack := w.byte(), w.signed(), w.signed()
	wnd, length, mode := w.byte(), w.byte(), w.byte()
	f := w.flow(v)
	if mode&modeNew != 0 || f == nil {
		f = w.add([4]byte{10, 0, 0, 2 + v&3}, 40000+uint16(v>>2), 80)
	}
	unit := 1
	if mode&modeSteps != 0 {
		unit = 1000
	}
	s := &spec{flags: flags, seq: f.nxt, ack: f.max, n: int(length), wnd: uint16(wnd) << 8}
	switch {
	case !f.sync:
		s.seq = f.irs
	case mode&modeEdge != 0 && flags&syn != 0:
		s.seq = f.irs
	case mode&modeEdge != 0:
		s.seq = f.right
	}
	if length >= 200 {
		s.n = (int(length) - 199) * 25
	}
	if wnd < 16 {
		s.wnd = uint16(wnd)
	}
	if mode&modeUna != 0 {
		s.ack = f.una
	}
	s.ack += uint32(dack * unit)
	s.seq += uint32(dseq * unit)
	if mode&modeFar != 0 {
		s.seq += uint32(dseq) << 24
	}
	s.at = s.seq - (f.irs + 1)
	if flags&syn != 0 {
		s.at++
	}
	if !f.sync && (s.n > 0 || flags&fin != 0 || w.held) {
		f.vague = true // where the stream begins is hard to tell
	}
	w.odd(f, s, mode)
	s.spoilt = w.spoil(f, s)
	w.send(f, s)
}

// spoil says how much of the payload of s cannot become part of the stream:
// what comes before the acknowledged part's end or behind the window, and all of
// a segment that a receiver must not believe. RFC 9293 3.10.7.4, RFC 5961 5,
// RFC 7323 3.2.
func (w *world) spoil(f *flow, s *spec) int {
	if !f.sync || f.vague || w.lags() || s.n == 0 || s.flags&(syn|ack) == syn|ack { // the last may open a connection
		return 0
	}
	noTS := f.ts && s.opts != nil && option(s.opts, 8, 10) == nil
	switch {
	case s.flags&ack == 0, s.flags&rst != 0, before(f.max, s.ack), noTS,
		!before(s.seq, f.right+1<<f.wscale), !before(f.nxt, s.seq+uint32(s.n)):
		return s.n
	case before(s.seq, f.nxt):
		return int(f.nxt - s.seq)
	}
	return 0
}

// odd gives a segment the options that mode asks for.
func (w *world) odd(f *flow, s *spec, mode byte) {
	if mode&modeOpts != 0 {
		n := int(w.byte()) % 41
		s.opts = append(make([]byte, 0, 40), w.take(n)...)
		f.odd = f.odd || bytes.IndexByte(s.opts, 8) >= 0
		f.vague = f.vague || s.flags&syn != 0
		return
	}
	if mode&(modeTS|modeSack) == 0 {
		return
	}
	s.opts = w.options(f, s.flags)
	if mode&modeTS != 0 && s.flags&syn == 0 {
		s.opts = s.opts[:0]
		if late := w.signed(); !f.ts || late != 0 {
			s.opts = w.timestamp(append(s.opts, 1, 1), f, late<<8)
		}
	}
	if mode&modeSack == 0 || s.flags&syn != 0 {
		return
	}
	n := min(int(w.byte()&3)+1, (38-len(s.opts))/8)
	s.opts = append(s.opts, 1, 1, 5, byte(2+8*n))
	for range n {
		start := f.una + uint32(w.signed()*100)
		s.opts = be.AppendUint32(s.opts, start)
		s.opts = be.AppendUint32(s.opts, start+uint32(w.signed()*100))
	}
}

// politeAnswer completes the handshake of f.
func (w *world) politeAnswer(f *flow) {
	if f == nil || f.max == f.iss {
		return
	}
	if !f.sync {
		w.send(f, &spec{flags: syn | ack, seq: f.irs, ack: f.max})
		return
	}
	w.send(f, &spec{flags: ack, seq: f.nxt, ack: f.max, wnd: 500})
}

// opPolite does what a good peer would do now.
func (w *world) opPolite(v byte) {
	x := w.byte()
	f := w.flow(x >> 4)
	if f == nil {
		return
	}
	n := int(x & 15)
	s := &spec{flags: ack, seq: f.nxt, ack: f.max, wnd: 65535, at: f.nxt - (f.irs + 1)}
	if f.scale > 0 {
		s.wnd = 1000
	}
	switch v & 7 {
	case 0:
		w.politeAnswer(f)
		return
	case 1: // data
		s.flags |= psh
		s.n = n*90 + 1
	case 2: // a window's worth
		for i := 0; i < n && w.bad == ""; i++ {
			s = &spec{flags: ack, seq: f.nxt, ack: f.max, wnd: s.wnd, n: 1400, at: f.nxt - (f.irs + 1)}
			if w.cfg.mtu < 1500 {
				s.n = 500
			}
			w.send(f, s)
		}
		return
	case 3:
		s.flags |= fin
	case 4:
		s.flags = rst | ack
	case 5: // half of what is out
		s.ack = f.una + (f.max-f.una)/2
	case 6: // everything acknowledged, no room
		s.wnd = 0
	case 7: // a duplicate
		s.ack = f.una
	}
	w.send(f, s)
}
