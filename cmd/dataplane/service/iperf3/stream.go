package iperf3

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// slack is how far a sender may be ahead of its rate before it sleeps.
const slack = time.Millisecond

// stream is one of a test's flows.
type stream struct {
	test  *test
	order int // of its being accepted
	id    int
	sends bool
	conn  net.Conn       // TCP; nil for UDP
	peer  netip.AddrPort // UDP
	reply uint32         // UDP: the answer to its handshake

	bytes atomic.Uint64 // written by the goroutine that sends or receives
	halt  chan struct{} // closed by stop
	ended chan struct{} // closed when run returns
	begun time.Time
	omit  *time.Timer // takes the base when the client's omitted time is over

	mu     sync.Mutex
	count  counters // UDP: what has been received or sent
	base   counters // count at the end of the omitted time
	before uint64   // bytes likewise
	since  time.Time
	result streamResult
}

// start sets the clock; run may follow.
func (s *stream) start(now time.Time, omit time.Duration) {
	s.begun, s.since = now, now
	if omit > 0 {
		s.omit = time.AfterFunc(omit, s.rebase)
	}
}

// rebase forgets what has been counted so far.
func (s *stream) rebase() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base, s.before, s.since = s.count, s.bytes.Load(), time.Now()
}

// run moves bytes until stop (sending) or until the connection is closed.
func (s *stream) run() {
	defer close(s.ended)
	switch {
	case s.conn == nil && s.sends:
		s.sendDatagrams()
	case s.conn == nil: // the server's goroutine brings what comes
	case s.sends:
		s.sendBytes()
	default:
		s.readBytes()
	}
}

func (s *stream) sendBytes() {
	b := make([]byte, s.test.params.Len)
	for i := range b {
		b[i] = byte('0' + i%10)
	}
	for s.pace() {
		n, err := s.conn.Write(b)
		s.bytes.Add(uint64(n))
		if err != nil {
			return
		}
	}
}

func (s *stream) readBytes() {
	b := make([]byte, max(s.test.params.Len, 128<<10))
	for {
		n, err := s.conn.Read(b)
		s.bytes.Add(uint64(n))
		if err != nil {
			return
		}
	}
}

// pace waits until the stream's rate lets it send. It returns false when the test
// is over.
func (s *stream) pace() bool {
	var ahead time.Duration
	if rate := s.test.params.Bandwidth; rate > 0 {
		due := time.Duration(float64(s.bytes.Load()) * 8 / float64(rate) * float64(time.Second))
		ahead = due - time.Since(s.begun)
	}
	if ahead < slack {
		select {
		case <-s.halt:
			return false
		default:
			return true
		}
	}
	t := time.NewTimer(ahead)
	defer t.Stop()
	select {
	case <-s.halt:
		return false
	case <-t.C:
		return true
	}
}

// stop ends sending and takes the figures.
func (s *stream) stop(now time.Time) {
	close(s.halt)
	if s.omit != nil {
		s.omit.Stop()
	}
	if s.conn != nil && s.sends {
		s.test.srv.forget(s.conn) // the client may wait for the rest of a block: let it see the end
		if !s.begun.IsZero() {
			<-s.ended // the write that was under way has told how much it was
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result = streamResult{
		ID: s.id, Bytes: s.bytes.Load() - s.before, Retransmits: -1, Jitter: s.count.jitter,
		Errors: s.count.lost, OmittedErrors: s.base.lost, Packets: s.count.packets, OmittedPackets: s.base.packets,
		End: now.Sub(s.since).Seconds(),
	}
}
