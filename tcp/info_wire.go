package tcp

import (
	"encoding/binary"
	"math"

	"dataplane/perf"
)

// infoLen is the size of Linux's struct tcp_info up to tcpi_total_rto_time.
const infoLen = 248

// linuxStates are the states as Linux numbers them.
var linuxStates = [nStates]byte{
	Closed: 7, Listen: 10, SynSent: 2, SynRcvd: 3, Established: 1, FinWait1: 4,
	FinWait2: 5, CloseWait: 8, Closing: 11, LastAck: 9, TimeWait: 6,
}

// Number returns the state as Linux numbers it.
func (s State) Number() uint8 { return linuxStates[min(s, TimeWait)] }

// Flags of tcpi_options, and the states of congestion control.
const (
	infoTimestamps = 1
	infoSACK       = 2
	infoScale      = 4
	caRecovery     = 3
	caLoss         = 4
)

// InfoBytes describes s as Linux's struct tcp_info (TCP_INFO, inet_diag). What nobody
// counts here is 0: single segments, rates, and limits by cause. On the lcore.
func (s *Sock) InfoBytes() []byte {
	b := make([]byte, infoLen)
	b[0] = s.state.Number()
	if s.state == Listen {
		native.PutUint32(b[24:], uint32(s.AcceptQ.Len())) // tcpi_unacked
		native.PutUint32(b[28:], uint32(s.lst.backlog))   // tcpi_sacked
		return b
	}
	i := s.Info()
	s.infoFlags(b, &i)
	mss := max(uint32(i.MSS), 1)
	ssthresh := uint32(math.MaxInt32) // as Linux shows it while there is none
	if i.Ssthresh < ssthreshInf {
		ssthresh = uint32(i.Ssthresh) / mss
	}
	segments := func(bytes int) uint32 { return (uint32(bytes) + mss - 1) / mss }
	for off, v := range map[int]uint32{
		8: micros(i.RTO), 16: uint32(i.MSS), 20: uint32(s.rcv.mss),
		24: segments(i.Unacked), 36: uint32(b2i(i.Recovering || i.Lost)),
		60: uint32(i.PathMTU), 64: uint32(i.RcvLimit), 68: micros(i.RTT), 72: micros(i.RTTVar),
		76: ssthresh, 80: uint32(i.Cwnd) / mss, 84: uint32(s.rcv.advMSS),
		88: dupThresh, 96: uint32(i.RcvLimit), 144: uint32(i.Unsent), 148: micros(s.rtt.Min),
		224: uint32(i.OutOfOrder), 228: uint32(i.SndWnd), 232: uint32(max(i.RcvWnd, 0)),
	} {
		native.PutUint32(b[off:], v)
	}
	if s.state.synchronized() {
		acked := s.snd.tail
		native.PutUint64(b[120:], acked)
		native.PutUint64(b[128:], s.rcv.pos)
		native.PutUint64(b[200:], acked+uint64(s.snd.max-s.snd.una)) // tcpi_bytes_sent, each once
		native.PutUint32(b[44:], s.ago(s.snd.last))
		native.PutUint32(b[52:], s.ago(s.rcv.lastData))
		native.PutUint32(b[56:], s.ago(s.rcv.last))
	}
	return b
}

// infoFlags fills the bytes before the first word.
func (s *Sock) infoFlags(b []byte, i *Info) {
	switch {
	case i.Lost:
		b[1] = caLoss
	case i.Recovering:
		b[1] = caRecovery
	}
	b[2], b[3], b[4] = uint8(i.Retries), s.snd.probes, s.rtt.backoff
	if i.Timestamps {
		b[5] |= infoTimestamps
	}
	if i.SACK {
		b[5] |= infoSACK
	}
	if s.scaled {
		b[5] |= infoScale
		b[6] = i.SndScale | i.RcvScale<<4
	}
	if s.win.AppLimited {
		b[7] = 1
	}
}

// ago is how many milliseconds have passed since then; 0: never.
func (s *Sock) ago(then perf.Tick) uint32 {
	if then == 0 {
		return 0
	}
	return uint32(max(s.l.now-then, 0) / perf.Millisecond)
}

func micros(t perf.Tick) uint32 { return uint32(t / perf.Microsecond) }

var native = binary.NativeEndian
