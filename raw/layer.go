// Package raw is one lcore's raw sockets and "ping sockets": SOCK_RAW, which hears the
// packets of a protocol beside whoever serves it and sends packets of its own, and
// SOCK_DGRAM of ICMP and ICMPv6, which sends echo requests and hears their answers, its
// port being their identifier. Everything in it runs on the lcore that owns the Layer;
// applications meet it only in sock.Sock.
package raw

import (
	"sync/atomic"
	"syscall"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

var (
	_ ip.RawListener = (*Layer)(nil) // from below
	_ sock.Proto     = (*Layer)(nil) // from above
)

// Config is what a Layer works with.
type Config struct {
	IP   *ip.Layer
	Core *sock.Core
	Pool *mbuf.Pool
	Stat *perf.Stat
}

// Layer is one core's raw sockets.
type Layer struct {
	ip   *ip.Layer
	core *sock.Core
	pool *mbuf.Pool
	stat *perf.Stat

	raws  [256]*Sock // those that hear, by protocol
	pings [idRows]*Sock
	echo  [2]int // ping sockets of ICMP and ICMPv6

	d    sock.Datagram // the one that a Receiver has
	flat []byte        // a packet in one piece, for a Receiver or a filter
}

// idRows is the size of the table of identifiers.
const idRows = 64

// Sock is a raw socket on its lcore (struct raw_sock), or a ping socket.
type Sock struct {
	sock.Sock
	ip.Endpoint // where it has sent to last

	Protocol uint8 // as the socket was made
	Six      bool  // of AF_INET6
	Ping     bool  // LocalPort is the identifier of echo requests
	Whole    bool  // IP_HDRINCL: what is sent begins with an IP header

	own, peer ip.Addr // what it is bound and connected to; zero: nothing
	from      ip.Addr // of the Endpoint, as it was wished
	crowd     ip.Ears // for groups
	ears      bool    // own is no host's address: heard on, not sent from
	ttl, tos  uint8

	filter  uint32        // ICMP_FILTER: a bit for each type that is not wanted
	filter6 [8]uint32     // ICMP6_FILTER, likewise
	sum     int           // IPV6_CHECKSUM: where it stands; noSum: nowhere
	pmtu    uint8         // IP_MTU_DISCOVER
	hears   bool          // it is in a list
	deaf    bool          // it will never be in one
	Drops   atomic.Uint32 // packets that found no room; written by the lcore
	closing bool          // the application has let go; what is in TX leaves still
	next    *Sock         // in the list
	to      sock.Receiver // code inside the plane, which needs no ring; nil: RX
}

// noSum as the place of the checksum: there is none.
const noSum = -1

// New makes the layer of one core.
func New(cfg Config) *Layer {
	return &Layer{ip: cfg.IP, core: cfg.Core, pool: cfg.Pool, stat: cfg.Stat}
}

// NewSock returns a socket of this core that hears nothing before Open.
func (l *Layer) NewSock(ping bool) *Sock {
	s := &Sock{Ping: ping, sum: noSum, pmtu: syscall.IP_PMTUDISC_WANT}
	s.Sock.Init(l.core, l, s)
	return s
}

// Open lets s, whose Protocol and Six are set, hear from now on: a raw socket does so
// without being bound.
func (l *Layer) Open(s *Sock) {
	if s.Protocol == syscall.IPPROTO_ICMPV6 && s.Six {
		s.sum = 2 // RFC 3542 3.1: always
	}
	s.Whole = s.Protocol == syscall.IPPROTO_RAW
	if !s.Ping {
		l.listen(s)
	}
}

// list is where s stands, or is to stand.
func (l *Layer) list(s *Sock) **Sock {
	if s.Ping {
		return &l.pings[s.LocalPort%idRows]
	}
	return &l.raws[s.Protocol]
}

// listen puts s among those who hear.
func (l *Layer) listen(s *Sock) {
	if s.hears || s.closing || s.deaf {
		return
	}
	at := l.list(s)
	s.hears, s.next, *at = true, *at, s
	if s.Ping {
		l.echo[b2i(s.Six)]++
	}
	l.ip.Listen(s.Protocol, l)
}

// forget takes s away from them.
func (l *Layer) forget(s *Sock) {
	if !s.hears {
		return
	}
	at := l.list(s)
	for *at != s {
		at = &(*at).next
	}
	*at, s.next, s.hears = s.next, nil, false
	if s.Ping {
		l.echo[b2i(s.Six)]--
	}
	ping := s.Protocol == ip.ProtoICMP && l.echo[0] > 0 || s.Protocol == ip.ProtoICMPv6 && l.echo[1] > 0
	if l.raws[s.Protocol] == nil && !ping {
		l.ip.Listen(s.Protocol, nil)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// each calls f for every socket that hears; f may take it out of its list.
func (l *Layer) each(f func(s *Sock)) {
	for _, list := range [][]*Sock{l.raws[:], l.pings[:]} {
		for _, s := range list {
			for s != nil {
				next := s.next
				f(s)
				s = next
			}
		}
	}
}

// Len is how many sockets hear.
func (l *Layer) Len() (n int) {
	l.each(func(*Sock) { n++ })
	return n
}

// Close tells every socket that nothing will happen any more.
func (l *Layer) Close() {
	l.each(func(s *Sock) {
		l.forget(s)
		s.Set(sock.FlagDead)
		s.StateChange()
	})
}
