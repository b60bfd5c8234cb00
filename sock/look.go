package sock

import "dataplane/perf"

// Look is what is shown of a Sock to those who list sockets.
type Look struct {
	Sock             *Sock // for its lcore alone, while it shows it; nil: nothing is left but the names
	Local, Remote    Name
	State            uint8 // as Linux numbers TCP's
	Shared           bool  // there is one on every lcore: a listener, or not connected
	V6               V6
	Nth              int // of those that share a name on an lcore
	RxQueue, TxQueue int // bytes; of a listener: connections that wait, and how many may
	RcvBuf, SndBuf   int
	Timer            uint8 // one of the constants below
	Retries          uint8
	Due              perf.Tick // until the timer; 0: none is armed
	TOS              uint8
	Shut             uint8  // directions that are shut: 1 receive, 2 send
	Congestion       string // of TCP
	Info             []byte // struct tcp_info
}

// Timers of a Look, as Linux numbers them.
const (
	TimerNone = iota
	TimerRetransmit
	TimerKeepAlive
	TimerTimeWait
	TimerProbe
)
