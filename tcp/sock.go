package tcp

import (
	"math"

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
	block
	timer timer.Timer // for the first of the alarms, or sooner; the lcore's own
}

// Kinds of a Sock's timer. One that is resting means nothing: its connection is done, and
// somebody else may be preparing the Sock for the next, which may find the timer armed.
const (
	resting = iota
	running
)

// block is the part of a Sock that begins anew with each connection it serves.
type block struct {
	ip.Endpoint

	l      *Layer
	state  State
	queued bool   // in Layer.out
	orphan bool   // the application has closed it
	spent  bool   // no Socket knows it: once closed it goes back to Layer.socks
	warm   uint32 // place in Layer.warm, plus 1; 0: none

	snd    send
	rcv    recv
	loss   recovery
	win    Window
	rtt    RTT
	rtx    alarm      // retransmission, zero-window probe
	dack   alarm      // delayed ACK
	keep   alarm      // keep-alive; FIN-WAIT-2 of an orphan
	cc     Congestion // nil: in its first slow start, which is alike in all of them
	opt    settings
	chal   limiter // challenge ACKs of this connection
	soft   uint16  // latest soft ICMP error, an errno: the reason, should it time out
	idle   uint8   // keep-alive probes unanswered
	scaled bool    // the peer offered window scaling

	hash uint32 // of the flow, in conns

	lst *listener // in Listen; half-open: of its listener
}

// send is the sending direction. Sequence numbers: una <= nxt <= max. nxt
// falls back to una after a time-out; max is the SND.NXT of RFC 9293.
type send struct {
	una, nxt, max uint32
	iss           uint32
	tailSeq       uint32 // sequence number of the byte at TX.Tail()
	mtu           int32  // of the path, when win.MSS was computed
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
	peerMSS       uint16 // what the peer's SYN said, 536 if nothing
	small         uint32 // end of the latest segment smaller than the MSS (Minshall)
	asked         millis // when the latest keep-alive probe was sent; wraps
	rttAt         perf.Tick
	last          perf.Tick // latest transmission of data
	since         perf.Tick // since then the peer has made no progress
}

// recv is the receiving direction.
type recv struct {
	nxt     uint32
	irs     uint32
	edge    uint32 // right edge promised to the peer
	lastAck uint32 // latest acknowledgement sent
	finSeq  uint32 // of a FIN that arrived out of order
	tsOff   uint32
	pos     uint64 // RX position of nxt
	want    uint64 // copy of WantTail
	limit   int    // bytes the application lets us buffer
	mss     uint16 // the peer's segment size, as seen
	advMSS  uint16 // what our SYN said
	scale   uint8
	quick   uint8 // so many ACKs still go out at once
	finSeen bool  // finSeq is set
	tsOK    bool  // both sides agreed on timestamps
	sackOK  bool
	ackNow  bool // an ACK leaves at the end of this turn
	dup     bool // ... and it is a duplicate of its own
	talks   bool // data was answered with data: ACKs may wait for the answer

	tsRecent   uint32
	tsRecentAt perf.Tick
	last       perf.Tick // latest acceptable segment
	lastData   perf.Tick
	tuneAt     perf.Tick // autotuning: when the round began
	tuneTail   uint64    // ... and what the application had read then

	ooo *ranges // nil: nothing has come out of order yet
}

// settings are the socket options of level IPPROTO_TCP.
type settings struct {
	keepIdle  millis
	keepIntvl millis
	userLimit millis // TCP_USER_TIMEOUT; 0: R2 decides
	finWait2  millis // TCP_LINGER2
	maxSeg    uint16
	keepCount uint8
	cong      congID
	noDelay   bool
	cork      uint8 // corkOption, corkMore: what fills no segment waits
	synCount  uint8 // TCP_SYNCNT; 0: the layer's
	pmtu      uint8 // IP_MTU_DISCOVER, with IP_PMTUDISC_WANT as 0 (xor), and inPlace
}

// inPlace in settings.pmtu: what comes as urgent is data like any other.
const inPlace = 1 << 7

// Reasons to hold back what fills no segment.
const (
	corkOption = 1 << iota // TCP_CORK
	corkMore               // MSG_MORE of the last call
	corkUrgent             // holds nothing back: segments point at urgent data, and go the long way
)

// millis is a duration as options have it.
type millis uint32

// toMillis rounds up, and never to nothing.
func toMillis(t perf.Tick) millis {
	return millis(min((t+perf.Millisecond-1)/perf.Millisecond, math.MaxUint32))
}

func (m millis) tick() perf.Tick { return perf.Tick(m) * perf.Millisecond }

// alarm is a moment at which a connection has something to do. One timer serves all
// of a connection's: moving an alarm later, or stopping it, leaves the wheel alone,
// and the timer finds out when it expires.
type alarm struct {
	at perf.Tick // 0: stopped
}

func (l *Layer) arm(s *Sock, a *alarm, at perf.Tick) {
	a.at = at
	if !s.timer.Armed() || s.timer.Due() > int64(at) {
		l.cfg.Wheel.Arm(&s.timer, int64(at))
	}
}

func (a *alarm) stop()    { a.at = 0 }
func (a *alarm) on() bool { return a.at != 0 }

// rang stops an alarm that is due and reports that it was.
func (a *alarm) rang(now perf.Tick) bool {
	if a.at == 0 || now < a.at {
		return false
	}
	a.at = 0
	return true
}

// newSock returns a closed Sock of this layer with default settings. Any thread.
func (l *Layer) newSock() *Sock {
	s, _ := l.socks.Get().(*Sock)
	return l.prepare(s)
}

// nextSock is newSock on the lcore, which has some at hand.
func (l *Layer) nextSock() *Sock {
	n := len(l.idle) - 1
	if n < 0 {
		return l.newSock()
	}
	s := l.idle[n]
	l.idle[n] = nil
	l.idle = l.idle[:n]
	return l.prepare(s)
}

// prepare makes of s, which has served before, a closed Sock; nil: of a new one.
func (l *Layer) prepare(s *Sock) *Sock {
	if s == nil {
		s = new(Sock)
		s.timer.Init(s, resting)
		s.Sock.Init(l.cfg.Core, l, s)
		s.Opt.SndBuf = sock.StreamSndBuf
		s.TX.SetLimit(sock.StreamSndBuf)
	} else {
		s.Sock.Renew(l.cfg.Core, l, sock.StreamSndBuf)
		s.block = block{}
	}
	s.l, s.opt = l, l.preset
	s.rcv.want = math.MaxUint64
	s.DontFrag = true
	return s
}

// idleMost is how many Socks an lcore keeps at hand for connections that peers open.
const idleMost = 32

// restless is how far ahead the timer of a Sock that serves no connection may be armed. The
// next one most often has nothing to do before, so that of many connections in a row
// few touch the wheel; and no longer is a Sock kept that nobody wants.
const restless = 2 * perf.Second

// retire ends the service of s, which is closed and which no Socket knows, at the end of
// the turn: until then whoever has it in hand may look at it.
func (l *Layer) retire(s *Sock) {
	if s.spent {
		l.retired = append(l.retired, s)
	}
}

// recycle gives the Socks that have retired to new connections. Who is still on the list of
// those that send waits for the next turn.
func (l *Layer) recycle() {
	list := l.retired
	l.retired = l.retired[:0]
	for i, s := range list {
		list[i] = nil
		if s.queued {
			l.retire(s)
			continue
		}
		if s.timer.Armed() && s.timer.Due() > int64(l.now+restless) {
			l.cfg.Wheel.Cancel(&s.timer)
		}
		l.cooled(s)
		if n := len(l.idle); n < cap(l.idle) {
			l.idle = l.idle[:n+1]
			l.idle[n] = s
		} else {
			l.socks.Put(s)
		}
	}
}

// Defaults are options that sockets begin with where somebody wants others than TCP's.
type Defaults struct {
	NoDelay, KeepAlive  bool
	InPlace             bool // what comes as urgent is data like any other, until SO_OOBINLINE is set
	KeepIdle, KeepIntvl perf.Tick
	KeepCount           int
}

// Begin gives s, which is new, the options d.
func (s *Sock) Begin(d *Defaults) {
	o := &s.opt
	o.noDelay, s.Opt.KeepAlive = d.NoDelay, d.KeepAlive
	if d.InPlace {
		o.pmtu |= inPlace
	}
	o.keepIdle, o.keepIntvl, o.keepCount = toMillis(d.KeepIdle), toMillis(d.KeepIntvl), uint8(min(d.KeepCount, maxKeepCount))
}

// NewSock returns a closed socket; inet gives it to an application.
func (l *Layer) NewSock() *Sock { return l.newSock() }

// Like gives s, which is new, the options of o. On the lcore of o.
func (s *Sock) Like(o *Sock) {
	s.Opt, s.opt = o.Opt, o.opt
	s.Opt.Rare = o.Opt.Rare.Inherit()
	s.opt.cork &^= corkMore | corkUrgent // which are of what was being sent
	s.TTL, s.TOS, s.DontFrag, s.Group = o.TTL, o.TOS, o.DontFrag, o.Group
	s.TX.SetLimit(int(s.Opt.SndBuf))
}

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

func tsClock(now perf.Tick) uint32 { return uint32(uint64(now) / uint64(perf.Millisecond)) }

// limiter lets n events through per second.
type limiter struct {
	from millis // when the second began; 0: never
	n    uint16
}

func (b *limiter) ok(now perf.Tick, n uint16) bool {
	at := millis(now / perf.Millisecond)
	if at-b.from >= 1000 || b.from == 0 {
		b.from, b.n = max(at, 1), 0
	}
	if b.n >= n {
		return false
	}
	b.n++
	return true
}
