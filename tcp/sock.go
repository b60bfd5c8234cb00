package tcp

import (
	"math"
	"syscall"

	"dataplane/internal/timer"
	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// Sock is one TCP connection or listener, Linux's tcp_sock. It holds no packet
// buffer: RX is the reassembly buffer, TX the retransmission queue.
//
//	TX positions   tail(una) ........ nxt ........ head
//	               sent, unacknowledged | not yet sent
//	RX positions   tail ........ head(rcv.nxt) ........ tail+limit
//	               unread            | holes and rcv.ooo
type Sock struct {
	sock.Sock
	ip.Endpoint

	l      *Layer
	state  State
	queued bool // in Layer.out
	orphan bool // the application has closed it
	inTab  bool // in Layer.conns
	scaled bool // the peer offered window scaling

	snd   send
	rcv   recv
	idle  uint8     // keep-alive probes unanswered
	asked perf.Tick // when the latest was sent
	loss  recovery
	win   Window
	cc    Congestion
	rtt   RTT
	opt   settings
	chal  limiter // challenge ACKs of this connection

	rtx  alarm // retransmission, zero-window probe
	dack alarm // delayed ACK
	keep alarm // keep-alive; FIN-WAIT-2 of an orphan

	lst  *listener     // Listen only
	soft syscall.Errno // latest soft ICMP error: the reason, should it time out
}

// send is the sending direction. Sequence numbers: una <= nxt <= max. nxt
// falls back to una after a time-out; max is the SND.NXT of RFC 9293.
type send struct {
	una, nxt, max uint32
	iss           uint32
	tailSeq       uint32 // sequence number of the byte at TX.Tail()
	tail          uint64 // TX.Tail()
	wnd           uint32 // the peer's window, unscaled
	wl1, wl2      uint32 // seq and ack of the segment that set wnd
	maxWnd        uint32
	scale         uint8
	retries       uint8  // time-outs or probes since the peer last made progress
	probes        uint8  // zero-window probes since the window closed
	fin           bool   // the application has shut down this direction
	rttOn         bool   // a segment is being timed
	force         bool   // send one segment at una whatever the window says
	small         uint32 // end of the latest segment smaller than the MSS (Minshall)
	rttSeq        uint32 // the ACK that ends the measurement
	rttAt         perf.Tick
	last          perf.Tick // latest transmission of data
	since         perf.Tick // since then the peer has made no progress
	peerMSS       int       // what the peer's SYN said, 536 if nothing
	mtu           int       // of the path, when win.MSS was computed
	cap           int       // black hole found: no bigger than this; 0: none
}

// recv is the receiving direction.
type recv struct {
	nxt     uint32
	irs     uint32
	edge    uint32 // right edge promised to the peer
	lastAck uint32 // latest acknowledgement sent
	finSeq  uint32 // of a FIN that arrived out of order
	pos     uint64 // RX position of nxt
	want    uint64 // copy of WantTail
	limit   int    // bytes the application lets us buffer
	mss     int    // the peer's segment size, as seen
	advMSS  int    // what our SYN said
	scale   uint8
	quick   uint8 // so many ACKs still go out at once
	finSeen bool  // finSeq is set
	tsOK    bool  // both sides agreed on timestamps
	sackOK  bool
	ackNow  bool // an ACK leaves at the end of this turn
	dup     bool // ... and it is a duplicate of its own
	talks   bool // data was answered with data: ACKs may wait for the answer

	tsRecent   uint32
	tsOff      uint32
	tsRecentAt perf.Tick
	last       perf.Tick // latest acceptable segment
	lastData   perf.Tick
	tuneAt     perf.Tick // autotuning: when the round began
	tuneTail   uint64    // ... and what the application had read then

	ooo ranges
}

// settings are the socket options of level IPPROTO_TCP.
type settings struct {
	noDelay   bool
	cork      bool
	maxSeg    int
	keepIdle  perf.Tick
	keepIntvl perf.Tick
	keepCount int
	userLimit perf.Tick // TCP_USER_TIMEOUT; 0: R2 decides
	finWait2  perf.Tick // TCP_LINGER2
	cong      string
}

// alarm is a timer that is cheap to move: moving it later, or stopping it,
// leaves the wheel alone, and the timer finds out when it expires.
type alarm struct {
	timer.Timer
	at perf.Tick // 0: stopped
}

// The alarms of a Sock.
const (
	alarmRtx uint8 = iota
	alarmAck
	alarmKeep
)

func (l *Layer) arm(a *alarm, at perf.Tick) {
	a.at = at
	if !a.Armed() || a.Due() > int64(at) {
		l.cfg.Wheel.Arm(&a.Timer, int64(at))
	}
}

func (a *alarm) stop()    { a.at = 0 }
func (a *alarm) on() bool { return a.at != 0 }

// newSock returns a closed Sock of this layer with default settings.
func (l *Layer) newSock() *Sock {
	s := &Sock{l: l}
	s.Sock.Init(l.cfg.Core, l, s)
	s.opt = settings{
		keepIdle: l.cfg.KeepIdle, keepIntvl: l.cfg.KeepIntvl, keepCount: l.cfg.KeepCount,
		finWait2: l.cfg.FinWait2, cong: l.cfg.Congestion,
	}
	s.rtx.Init(s, alarmRtx)
	s.dack.Init(s, alarmAck)
	s.keep.Init(s, alarmKeep)
	s.rcv.want = math.MaxUint64
	s.DontFrag = true
	return s
}

// NewSock returns a closed socket; inet gives it to an application.
func (l *Layer) NewSock() *Sock { return l.newSock() }

// State returns the connection's state. On the lcore.
func (s *Sock) State() State { return s.state }

// want puts s on the list of those that send at the end of the turn.
func (l *Layer) want(s *Sock) {
	if !s.queued {
		s.queued = true
		l.out = append(l.out, s)
	}
}

// endSeq is the sequence number behind the last byte the application wrote;
// if fin is set it is that of the FIN.
func (s *Sock) endSeq() uint32 {
	return s.snd.tailSeq + uint32(s.TX.Head()-s.snd.tail)
}

// finSent and finAcked tell how far our FIN has got.
func (s *Sock) finSent() bool  { return s.snd.fin && seqGT(s.snd.max, s.endSeq()) }
func (s *Sock) finAcked() bool { return s.snd.fin && seqGT(s.snd.una, s.endSeq()) }

// outstanding: something was sent that is not acknowledged.
func (s *Sock) outstanding() bool { return s.snd.una != s.snd.max }

// ts is the timestamp clock: milliseconds, with an offset of the connection's
// own (RFC 7323 5.4).
func (s *Sock) ts(now perf.Tick) uint32 { return tsClock(now) + s.rcv.tsOff }

func tsClock(now perf.Tick) uint32 { return uint32(now / perf.Millisecond) }

// limiter lets n events through per second.
type limiter struct {
	from perf.Tick
	n    uint16
}

func (b *limiter) ok(now perf.Tick, n uint16) bool {
	if now-b.from >= perf.Second || b.from == 0 {
		b.from, b.n = max(now, 1), 0
	}
	if b.n >= n {
		return false
	}
	b.n++
	return true
}
