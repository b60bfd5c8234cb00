// Package udp is one lcore's UDP: from IP packets to the receive rings of
// sockets, and from their send rings to IP packets. Everything in it runs on
// the lcore that owns the Layer; applications meet it only in sock.Sock.
package udp

import (
	"sync/atomic"
	"syscall"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

var (
	_ ip.Protocol = (*Layer)(nil) // from below
	_ sock.Proto  = (*Layer)(nil) // from above
)

// Config is what a Layer works with.
type Config struct {
	IP     *ip.Layer
	Core   *sock.Core
	Pool   *mbuf.Pool
	Stat   *perf.Stat
	Secret [16]byte // keys the hash tables
}

// Layer is one core's UDP.
type Layer struct {
	ip   *ip.Layer
	core *sock.Core
	pool *mbuf.Pool
	stat *perf.Stat

	flows    *ip.FlowTable[*Sock] // connected sockets, by both ends
	bound    *ip.FlowTable[*Sock] // the others, by local address and port
	specific int                  // of those, how many name their address
	ways     [nWays]way           // recent destinations of unconnected sockets

	key, wide ip.FlowKey    // of the datagram being worked on, whole and without its sender
	d         sock.Datagram // its record
	linear    []byte        // its payload, in one piece, for a Receiver
	at        *call         // the flow whose datagram a Receiver has; nil: of none that is remembered
	wished    sock.Record   // what a Receiver sends
	trouble   sock.Trouble  // the error being reported
	fresh     []*Sock       // those with records that EndBurst publishes

	near [nNear]near // who got the latest datagrams
	gen  uint32      // of the tables; near ones of another are forgotten

	lite    bool // it is UDP-Lite
	covered int  // then: of the datagram being worked on, the bytes that its checksum covers
}

// Sock is a UDP socket on its lcore (struct udp_sock). Its Endpoint holds the
// names it has now; a socket that is not connected has no Remote.
type Sock struct {
	sock.Sock
	ip.Endpoint

	where where      // the table it is in
	own   ip.Addr    // the address it was bound to, for when it is connected no more
	ears  bool       // that is no host's address: heard on, not sent from
	next  *Sock      // another one with the same key
	Fence sock.Fence // before it is connected: the parts on other lcores that are read first

	crowd ip.Ears // for groups
	alone bool    // its socket has no parts on other lcores

	Drops   atomic.Uint32 // datagrams that found no room; written by the lcore
	pmtu    uint8         // IP_MTU_DISCOVER
	lite    lite
	closing bool // the application has let go; what is in TX leaves still

	to    sock.Receiver // code inside the plane, which needs no ring; nil: RX
	fresh bool          // there are records in RX that are not published
	odd   bool          // datagrams do not go the short way into RX: to, train, or a guard; see mark
	calls bool          // they go the short way to to
	train *train        // UDP_GRO; nil: off
}

// where says in which table a Sock is.
type where uint8

const (
	nowhere where = iota
	inBound
	inFlows
)

// New makes the layer of one core. The caller registers it with IP.
func New(cfg Config) *Layer {
	return &Layer{
		ip: cfg.IP, core: cfg.Core, pool: cfg.Pool, stat: cfg.Stat,
		flows: ip.NewFlowTable[*Sock](0, cfg.Secret),
		bound: ip.NewFlowTable[*Sock](0, cfg.Secret),
		fresh: make([]*Sock, 0, 64),
		gen:   1,
	}
}

// NewSock returns an unbound socket of this core.
func (l *Layer) NewSock() *Sock {
	s := &Sock{pmtu: syscall.IP_PMTUDISC_WANT}
	s.Sock.Init(l.core, l, s)
	return s
}

// Len is how many sockets are bound or connected.
func (l *Layer) Len() (n int) {
	count := func(_ *ip.FlowKey, s *Sock) bool {
		for ; s != nil; s = s.next {
			n++
		}
		return true
	}
	l.bound.Range(count)
	l.flows.Range(count)
	return n
}

// Close tells every socket that nothing will happen any more. UDP holds no
// buffers.
func (l *Layer) Close(perf.Tick) {
	var all []*Sock
	collect := func(_ *ip.FlowKey, s *Sock) bool {
		for ; s != nil; s = s.next {
			all = append(all, s)
		}
		return true
	}
	l.bound.Range(collect)
	l.flows.Range(collect)
	for _, s := range all {
		l.leave(s)
		s.Set(sock.FlagDead)
		s.StateChange()
	}
}
