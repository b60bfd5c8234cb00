package tcp

import (
	"errors"
	"fmt"

	"dataplane/eth"
	"dataplane/internal/timer"
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

// Config says what a Layer works with and where its limits are. Zero fields
// below the first group get the defaults named beside them. Limits are per core.
type Config struct {
	IP     *ip.Layer
	Eth    *eth.Layer // optional: told that a neighbour answers (RFC 4861 7.3.1)
	Core   *sock.Core
	Pool   *mbuf.Pool
	Stat   *perf.Stat
	Wheel  *timer.Wheel
	Secret [16]byte // of this boot; all cores of a plane share it

	// Owner reports whether the flow's hash leads to this core; nil: all do.
	Owner func(local, remote ip.Addr, lport, rport uint16) bool
	// PortInUse reports whether a bound socket reserves the port; nil: none.
	PortInUse func(port uint16) bool

	PortMin, PortMax uint16 // ports for Connect to choose from: 32768-60999, as Linux

	MaxRcvBuf   int // autotuning raises a receive window no further: 4 MiB
	MaxBacklog  int // of Listen: 4096 (somaxconn)
	SynBacklog  int // half-open connections of one listener before cookies: 1024
	MaxRequests int // half-open connections of all listeners: 4096
	MaxTimeWait int // connections in TIME-WAIT; the oldest gives way: 131072
	MaxOrphans  int // closed by the application, not by the peer: 8192

	TimeWait    perf.Tick // 2 MSL: 60 s
	FinWait2    perf.Tick // for closed sockets: 60 s
	DelayedAck  perf.Tick // 40 ms (RFC 9293 3.8.6.3: less than 500 ms)
	SynRetries  int       // of Connect: 6, which is 127 s
	AckRetries  int       // of a SYN-ACK: 5, which is 63 s
	DataRetries int       // R2: 15, which is over 15 minutes
	KeepIdle    perf.Tick // 2 hours (RFC 9293 MUST-28)
	KeepIntvl   perf.Tick // 75 s
	KeepCount   int       // 9
	Congestion  string    // "cubic"

	StrictNagle  bool // hold small segments while anything is unacknowledged, not only small ones (Minshall)
	NoTimestamps bool // do not offer RFC 7323 timestamps
	NoSACK       bool // do not offer selective acknowledgements
	NoGRO        bool // do not join the segments of a burst (Join)
	NoGSO        bool // make every segment by itself: no super-segments, no trains
}

// orInt and orTick put the default into a zero field.
func orInt(p *int, v int) {
	if *p == 0 {
		*p = v
	}
}

func orTick(p *perf.Tick, v perf.Tick) {
	if *p == 0 {
		*p = v
	}
}

func (c *Config) defaults() {
	if c.PortMin == 0 {
		c.PortMin, c.PortMax = 32768, 60999
	}
	orInt(&c.MaxRcvBuf, 4<<20)
	orInt(&c.MaxBacklog, 4096)
	orInt(&c.SynBacklog, 1024)
	orInt(&c.MaxRequests, 4096)
	orInt(&c.MaxTimeWait, 131072)
	orInt(&c.MaxOrphans, 8192)
	orTick(&c.TimeWait, perf.Minute)
	orTick(&c.FinWait2, perf.Minute)
	orTick(&c.DelayedAck, 40*perf.Millisecond)
	orInt(&c.SynRetries, 6)
	orInt(&c.AckRetries, 5)
	orInt(&c.DataRetries, 15)
	orTick(&c.KeepIdle, 120*perf.Minute)
	orTick(&c.KeepIntvl, 75*perf.Second)
	orInt(&c.KeepCount, 9)
	if c.Congestion == "" {
		c.Congestion = DefaultCongestion
	}
	if c.Owner == nil {
		c.Owner = func(ip.Addr, ip.Addr, uint16, uint16) bool { return true }
	}
	if c.PortInUse == nil {
		c.PortInUse = func(uint16) bool { return false }
	}
}

// maxRcvBuf is the largest window there is. RFC 7323 2.3.
const maxRcvBuf = 1 << 30

// check refuses what cannot work.
func (c *Config) check() error {
	if _, ok := NewCongestion(c.Congestion); !ok {
		return fmt.Errorf("tcp: unknown congestion control %q", c.Congestion)
	}
	if c.PortMin == 0 || c.PortMin > c.PortMax {
		return fmt.Errorf("tcp: no ports from %d to %d", c.PortMin, c.PortMax)
	}
	least := min(c.MaxRcvBuf, c.MaxBacklog, c.SynBacklog, c.MaxRequests, c.MaxTimeWait, c.MaxOrphans,
		c.SynRetries, c.AckRetries, c.DataRetries, c.KeepCount)
	if least < 0 || min(c.TimeWait, c.FinWait2, c.DelayedAck, c.KeepIdle, c.KeepIntvl) < 0 {
		return errors.New("tcp: a limit or a time is negative")
	}
	if c.MaxRcvBuf > maxRcvBuf {
		return fmt.Errorf("tcp: a receive buffer of %d bytes: at most %d", c.MaxRcvBuf, maxRcvBuf)
	}
	return nil
}
