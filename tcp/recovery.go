package tcp

import "dataplane/perf"

// phase is how the sender stands to loss.
type phase uint8

const (
	open       phase = iota // nothing known to be lost; duplicate ACKs may be counted
	recovering              // fast recovery, until una reaches recover
	lost                    // the timer expired: everything from una is sent again
)

// recovery is the sender's view of what was lost: RFC 5681, RFC 6582 (NewReno)
// and, if both sides agreed on SACK, RFC 6675. RACK would replace duplicateAck,
// proportional rate reduction the bound in repair, an undo the end of progress.
type recovery struct {
	phase   phase
	again   bool        // send the segment at una now
	cap     uint16      // black hole found: segments no bigger than this; 0: none
	dupAcks int32       // in a row
	inflate int32       // without SACK: bytes that duplicate ACKs say have arrived
	recover uint32      // what had been sent when the loss was seen
	highRxt uint32      // recovering: end of what was sent again
	board   *scoreboard // nil: no SACK has come, and the phase is open
}

// sacks returns the scoreboard, which takes memory with the first SACK or loss.
func (s *Sock) sacks() *scoreboard {
	if s.loss.board == nil {
		s.loss.board = &scoreboard{mss: uint32(s.win.MSS)}
	}
	return s.loss.board
}

// calm: there is no sign of a loss.
func (r *recovery) calm() bool {
	return r.phase == open && r.dupAcks == 0 && r.inflate == 0 && r.board.Empty()
}

// inFlight estimates how many bytes are in the network.
func (s *Sock) inFlight() int {
	d, r := &s.snd, &s.loss
	switch {
	case r.phase == lost:
		return int(d.nxt-d.una) - r.board.sackedBelow(d.nxt)
	case r.phase == recovering && s.rcv.sackOK:
		return r.board.Pipe(d.una, d.max, seqMax(r.highRxt, d.una))
	case !r.board.Empty():
		return r.board.Pipe(d.una, d.max, d.una)
	}
	return max(int(d.nxt-d.una)-int(r.inflate), 0)
}

// duplicateAck counts one. RFC 5681 3.2, RFC 6675 5.
func (l *Layer) duplicateAck(s *Sock) {
	r := &s.loss
	r.dupAcks++
	switch {
	case r.phase == lost:
		return // what una lacks is being sent anyway
	case r.phase == recovering:
		if !s.rcv.sackOK {
			r.inflate += int32(s.win.MSS) // RFC 6582 3.2 step 3
		}
	case s.rcv.sackOK && (r.dupAcks >= dupThresh || r.board.IsLost(s.snd.una)):
		l.recover(s)
	case !s.rcv.sackOK && r.dupAcks >= dupThresh && (seqGT(s.snd.una, r.recover) || seqGT(r.recover, s.snd.max)):
		l.recover(s) // RFC 6582 3.2 step 2: the ACK covers more than recover, which may be 2 GiB old
	case !s.rcv.sackOK && r.dupAcks < dupThresh:
		r.inflate += int32(s.win.MSS) // RFC 3042: limited transmit
	}
	l.want(s)
}

// recover begins fast recovery.
func (l *Layer) recover(s *Sock) {
	d, r := &s.snd, &s.loss
	l.cfg.Stat.Event(perf.EvTCPFastRetransmit)
	// RFC 5681 3.2: without what limited transmit added. That alone went beyond
	// the window; all else that left since the first duplicate counts.
	s.congestion().Lost(&s.win, min(int(d.max-d.una), s.win.Cwnd), l.now)
	r.phase, r.again = recovering, true
	r.recover, r.highRxt = d.max, d.una
	s.sacks().EnterRecovery()
	r.inflate = 0
	if !s.rcv.sackOK {
		r.inflate = int32(dupThresh * s.win.MSS)
	}
	d.rttOn = false
}

// progress tells congestion control and recovery that n bytes were
// acknowledged; flight was in the network before.
func (l *Layer) progress(s *Sock, n, flight int) {
	d, r := &s.snd, &s.loss
	forgot := false // the peer has thrown away what it had reported (RFC 2018 8)
	if !r.board.Empty() {
		high := r.board.Highest(d.una)
		r.board.advance(d.una)
		forgot = r.board.Empty() && seqLT(d.una, high)
	}
	switch r.phase {
	case open:
		r.dupAcks, r.inflate = 0, 0
		s.win.Used(flight)
		l.grow(s, n)
	case lost:
		s.win.AppLimited = false // slow start from one segment
		s.congestion().Acked(&s.win, n, s.rtt.SRTT, l.now)
		if seqGEQ(d.una, r.recover) {
			r.phase, r.dupAcks = open, 0
		}
	case recovering:
		if seqGEQ(d.una, r.recover) {
			r.phase, r.dupAcks, r.inflate, r.again = open, 0, 0, false
			s.congestion().Recovered(&s.win, l.now)
			return
		}
		r.highRxt = seqMax(r.highRxt, d.una)
		if !s.rcv.sackOK { // RFC 6582 3.2 step 5: a partial ACK
			r.again = true
			r.inflate = max(r.inflate-int32(n), 0)
			if n >= s.win.MSS {
				r.inflate += int32(s.win.MSS)
			}
		} else if forgot {
			r.again = true
		}
	}
}

// repair sends again what recovery asks for. RFC 6675 5 (4.3) and (C).
func (l *Layer) repair(s *Sock) {
	d, r := &s.snd, &s.loss
	if r.again {
		r.again = false
		n := min(int(d.max-d.una), s.segSize())
		if start, hole := r.board.hole(d.una); hole > 0 && start == d.una {
			n = min(n, hole)
		}
		if !l.resend(s, d.una, n) {
			r.again = true
			return
		}
		r.highRxt = seqMax(r.highRxt, d.una+uint32(n))
	}
	if !s.rcv.sackOK {
		return
	}
	pipe := r.board.Pipe(d.una, d.max, r.highRxt)
	for s.win.Cwnd-pipe >= s.win.MSS {
		seq, n, rule := r.board.NextSeg(d.una, d.max, r.highRxt, s.hasNew())
		n = min(n, s.segSize())
		if rule == segNone || rule == segNew || !l.resend(s, seq, n) {
			return
		}
		if rule == segRescue {
			r.board.Rescued(r.recover)
		} else {
			r.highRxt = seq + uint32(n)
		}
		pipe += n
	}
}

// hasNew: there is data never sent before, and the peer has room for it.
func (s *Sock) hasNew() bool {
	d := &s.snd
	return d.nxt == d.max && seqLT(d.nxt, s.endSeq()) && seqLT(d.nxt, d.una+d.wnd)
}

// resend sends n bytes of sequence space at seq again.
func (l *Layer) resend(s *Sock, seq uint32, n int) bool {
	end := s.endSeq()
	flags, k := uint8(0), n
	if left := int(int32(end - seq)); left < n {
		k, flags = left, FIN // the last number is our FIN's
	}
	if seq+uint32(k) == end {
		flags |= PSH
	}
	if !l.emit(s, seq, k, flags) {
		return false
	}
	l.cfg.Stat.Event(perf.EvTCPRetransmit)
	s.snd.last = l.now
	if !s.rtx.on() {
		l.arm(s, &s.rtx, l.now+s.rto())
	}
	return true
}
