package tcp

import (
	"dataplane/perf"
	"dataplane/pmd"
)

// maxPending: with so many frames before it that the port did not take, a
// connection waits for the next turn.
const maxPending = 64

// maxSuper bounds a super-segment: an IP packet with all headers.
const maxSuper = 65535 - MaxHeaderLen

// transmit sends what s has to send: repairs, new data, and an acknowledgement
// if no segment carried it.
func (l *Layer) transmit(s *Sock) {
	switch s.state {
	case Closed, Listen:
		return
	case SynSent, SynRcvd:
		if s.rcv.ackNow {
			l.sendSyn(s)
		}
		return
	}
	if errno := l.ip.Resolve(&s.Endpoint); errno != 0 {
		s.soft = uint16(errno)
		s.rcv.ackNow = false
		l.setTimer(s) // the time-out tries again, and gives up in the end
		return
	}
	if s.snd.fin && s.state.sends() && l.finale(s) {
		return
	}
	if s.Dst.MTU != int(s.snd.mtu) {
		l.resize(s)
	}
	if s.loss.phase == recovering {
		l.repair(s)
	}
	if s.state.sends() && (s.snd.nxt != s.endSeq() || s.snd.fin) {
		l.sendData(s)
	}
	if s.rcv.ackNow {
		l.sendAck(s)
	}
	l.setTimer(s)
}

// sendData sends from nxt as much as both windows and the rules against small
// segments allow.
func (l *Layer) sendData(s *Sock) {
	d := &s.snd
	if d.una == d.max && d.last != 0 && l.now-d.last > s.rtt.RTO {
		l.rested(s)
		d.last = 0
	}
	limit := s.maxSegment()
	room := s.win.Cwnd - s.inFlight()
	for {
		n, fin := s.chunk(room, limit)
		if n == 0 && !fin {
			return
		}
		if s.Dst.Iface.Tx.Pending() >= maxPending {
			l.want(s)
			return
		}
		flags := uint8(0)
		if d.nxt+uint32(n) == s.endSeq() { // RFC 9293 3.9.1.2: the sender's buffer is empty
			flags = PSH
		}
		if fin {
			flags |= FIN
		}
		k, ok := l.depart(s, n, flags)
		if !ok {
			return
		}
		if k < n {
			n, fin = k, false
		}
		d.force = false
		room -= n
		if fin {
			n++
		}
		l.sent(s, n)
	}
}

// depart sends n bytes at nxt: a segment, a super-segment, or a train where the
// port cuts none. It returns how many bytes left; false: there was no buffer.
func (l *Layer) depart(s *Sock, n int, flags uint8) (int, bool) {
	if n > s.segSize() && !s.cuts() {
		if l.cfg.NoGSO {
			n = l.singles(s, s.snd.nxt, n, flags)
		} else {
			n = l.train(s, s.snd.nxt, n, flags)
		}
		return n, n > 0
	}
	return n, l.emit(s, s.snd.nxt, n, flags)
}

// chunk decides what goes out next: n bytes at nxt, and whether our FIN
// follows them. room is what congestion control allows, limit the size.
func (s *Sock) chunk(room, limit int) (n int, fin bool) {
	d := &s.snd
	n = s.unsent()
	avail := int(int32(s.endSeq() - d.nxt))
	if avail < 0 || avail == 0 && !d.fin {
		return 0, false
	}
	window := int(int32(d.una + d.wnd - d.nxt))
	mss := s.segSize()
	if d.force { // a time-out: one segment in any case, of what was sent before even if the window shrank
		window, room = max(window, min(mss, int(int32(d.max-d.nxt)))), max(room, mss)
	}
	n = min(n, limit, room, window)
	if n < 0 {
		return 0, false
	}
	if part := beyond(n, mss); part != 0 {
		switch {
		case n == avail: // the tail of what there is
			if !s.mayPush() {
				n -= part
			}
		case seqLT(d.nxt, d.max) && n < room && n < window && n < limit: // up to what the peer has
		case n == part && n == window && (d.force || n >= int(d.maxWnd/2)): // RFC 9293 3.8.6.2.1 (3)
		default:
			n -= part
		}
	}
	// The FIN takes a number of the window, too.
	return n, d.fin && n == avail && window > n
}

// beyond is n % size, most often without a division, which takes longer than all the rest.
func beyond(n, size int) int {
	if n < size {
		return n
	}
	return n % size
}

// unsent is how many bytes follow at nxt in one piece. After a time-out it
// skips what the peer has already.
func (s *Sock) unsent() int {
	d, r := &s.snd, &s.loss
	if r.phase == lost && !r.board.Empty() && seqLT(d.nxt, d.max) {
		if start, n := r.board.hole(d.nxt); n > 0 {
			d.nxt = start
			return n
		}
		d.nxt = seqMax(d.nxt, r.board.Highest(d.una))
	}
	return int(int32(s.endSeq() - d.nxt))
}

// mayPush: a last segment smaller than the MSS may go. RFC 9293 3.7.4 (Nagle);
// Minshall's variant holds it only while another small one is on its way.
func (s *Sock) mayPush() bool {
	d := &s.snd
	switch {
	case d.fin || d.force || seqLT(d.nxt, d.max):
		return true
	case s.opt.cork&^corkUrgent != 0:
		return false
	case s.opt.noDelay || d.nxt == d.una:
		return true
	case s.l.cfg.StrictNagle:
		return false
	}
	return seqLEQ(d.small, d.una) || seqGT(d.small, d.max) // or so old that the numbers have come round
}

// sent notes that n bytes of sequence space went out at nxt.
func (l *Layer) sent(s *Sock, n int) {
	d := &s.snd
	end := d.nxt + uint32(n)
	if d.una == d.max || !s.rtx.on() { // RFC 6298 5.1
		d.since = l.now
		l.arm(s, &s.rtx, l.now+s.rto())
	}
	if seqGT(end, d.max) {
		if d.nxt == d.max && !d.rttOn {
			d.rttOn, s.rtt.until, d.rttAt = true, d.nxt+uint32(min(n, s.win.MSS)), l.now
		}
		d.max = end
	} else {
		l.cfg.Stat.Event(perf.EvTCPRetransmit)
		d.rttOn = false // RFC 6298 3: Karn
	}
	if n < s.win.MSS || n%s.win.MSS != 0 { // a division only where it must be
		d.small = end
	}
	d.nxt, d.last = end, l.now
	s.answered(l.now)
}

// answered notes that data went out: if it follows data, acknowledgements may wait
// for the next answer.
func (s *Sock) answered(now perf.Tick) {
	if r := &s.rcv; !r.talks && r.lastData != 0 && now-r.lastData < s.l.cfg.DelayedAck {
		r.talks = true
	}
}

// setTimer sees to it that something will happen as long as something is
// left to do.
func (l *Layer) setTimer(s *Sock) {
	d := &s.snd
	switch {
	case s.state == Closed || s.rtx.on():
	case d.una != d.max:
		l.arm(s, &s.rtx, l.now+s.rto())
	case s.state.sends() && (d.nxt != s.endSeq() || d.fin && !s.finSent()):
		l.arm(s, &s.rtx, l.now+s.probeAfter())
	}
}

// maxSegment is how much departs at once: as much as the port cuts apart by
// itself, a train, or a segment, if that does not fit a buffer.
func (s *Sock) maxSegment() int {
	mss, ifc := s.segSize(), s.Dst.Iface
	switch {
	case s.cuts() && s.l.cfg.NoGSO, s.opt.cork&corkUrgent != 0:
		return mss
	case s.cuts():
		super := min(ifc.MaxTSO-MaxHeaderLen, maxSuper) - int(s.Dst.Hdr)
		return max(super-super%mss, mss)
	case mss > s.l.ip.DataRoom()-MaxHeaderLen:
		return mss
	}
	return trainMax * mss
}

// cuts reports whether the port makes segments of super-segments, which fit the path.
func (s *Sock) cuts() bool {
	ifc := s.Dst.Iface
	return ifc.Offloads&pmd.TSO != 0 && ifc.MaxTSO > s.win.MSS && s.win.MSS > minSegment
}

// segSize is the payload of a full segment at this moment: SACK blocks that
// must be reported take their part.
func (s *Sock) segSize() int {
	if !s.rcv.ooo.Reports() {
		return s.win.MSS
	}
	k := min(s.rcv.ooo.Len()+1, s.maxBlocks())
	return max(s.win.MSS-4-8*k, 1)
}

func (s *Sock) maxBlocks() int {
	if s.rcv.tsOK {
		return maxSackTS
	}
	return maxSack
}

// minSegment is the least payload of a full segment, whatever the path carries.
const minSegment = 32

// resize fits the MSS to the path. RFC 9293 3.7.1: Eff.snd.MSS is the lesser
// of what the peer takes and the path carries, less the options we always send.
func (l *Layer) resize(s *Sock) {
	d := &s.snd
	mtu := s.Dst.MTU
	d.mtu = int32(mtu)
	if mtu == 0 { // no route at this moment
		mtu = 576
	}
	mss := min(int(d.peerMSS), mtu-headers(s.Remote.Is4()))
	if s.opt.maxSeg > 0 {
		mss = min(mss, int(s.opt.maxSeg))
	}
	if s.loss.cap > 0 {
		mss = min(mss, int(s.loss.cap))
	}
	if s.rcv.tsOK {
		mss -= tsOptionLen
	}
	if s.win.MSS = max(mss, minSegment); mss < minSegment {
		s.DontFrag = false // the path carries hardly more than headers: IP cuts what is longer
	}
	s.win.Cwnd = max(s.win.Cwnd, s.win.MSS)
	s.loss.board.SetMSS(s.win.MSS)
}

// headers is the size of an IP header and a TCP header without options.
func headers(is4 bool) int {
	if is4 {
		return 20 + HeaderLen
	}
	return 40 + HeaderLen
}
