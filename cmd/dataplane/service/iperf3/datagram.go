package iperf3

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"time"
)

// counters are what iperf3 tells of a stream of datagrams.
type counters struct {
	packets  int64   // the highest number seen, or how many were sent
	lost     int64   // numbers that never came
	disorder int64   // numbers that came late
	jitter   float64 // seconds, as RFC 1889 6.3.1 smooths it
	transit  float64 // of the datagram before
}

// header is what every datagram begins with: seconds, microseconds and number,
// the latter in 32 or 64 bits.
func header(b []byte, wide bool) (sent float64, number int64, ok bool) {
	if len(b) < 12 || wide && len(b) < 16 {
		return 0, 0, false
	}
	sent = float64(binary.BigEndian.Uint32(b)) + float64(binary.BigEndian.Uint32(b[4:]))/1e6
	if wide {
		return sent, int64(binary.BigEndian.Uint64(b[8:])), true
	}
	return sent, int64(binary.BigEndian.Uint32(b[8:])), true
}

func putHeader(b []byte, wide bool, now time.Time, number int64) {
	binary.BigEndian.PutUint32(b, uint32(now.Unix()))
	binary.BigEndian.PutUint32(b[4:], uint32(now.Nanosecond()/1000))
	if wide {
		binary.BigEndian.PutUint64(b[8:], uint64(number))
	} else {
		binary.BigEndian.PutUint32(b[8:], uint32(number))
	}
}

// arrived counts the datagram with this number, sent and received at these times.
func (c *counters) arrived(number int64, sent, now float64) {
	if number > c.packets {
		c.lost += number - 1 - c.packets
		c.packets = number
	} else {
		c.disorder++
		c.lost = max(c.lost-1, 0)
	}
	transit := now - sent
	if c.transit == 0 {
		c.transit = transit
	}
	d := transit - c.transit
	c.transit = transit
	c.jitter += (max(d, -d) - c.jitter) / 16
}

// datagram takes in what came from a peer: a stream's data or its first word.
// Only the server's goroutine calls it. It borrows b.
func (t *test) datagram(b []byte, from netip.AddrPort) {
	t.mu.Lock()
	s := t.peers[from]
	if s == nil {
		t.greet(b, from)
	}
	t.mu.Unlock()
	switch {
	case s == nil:
	case len(b) == 4: // perhaps again, as our answer was lost
		s.answer()
	case !s.sends:
		s.received(b)
	}
}

// greet makes from the test's next stream, if it is the client and says the word.
// t.mu is held.
func (t *test) greet(b []byte, from netip.AddrPort) {
	client, ok := t.ctl.RemoteAddr().(*net.TCPAddr)
	if !ok || client.AddrPort().Addr().Unmap() != from.Addr() {
		return
	}
	if len(b) != 4 || t.over || !t.params.UDP || len(t.streams) >= len(t.want) {
		return
	}
	s := &stream{peer: from}
	switch binary.NativeEndian.Uint32(b) {
	case udpConnect:
		s.reply = udpReply
	case udpConnectLegacy:
		s.reply = udpReplyLegacy
	default:
		return
	}
	s.test = t
	s.answer() // before add: nothing else may reach the client first
	t.add(s)
	t.peers[from] = s
}

// answer ends the handshake.
func (s *stream) answer() {
	var w [4]byte
	binary.NativeEndian.PutUint32(w[:], s.reply)
	_, _ = s.test.srv.pc.WriteToUDPAddrPort(w[:], s.peer) // lost: the client gives up or asks again
}

// received counts b.
func (s *stream) received(b []byte) {
	sent, number, ok := header(b, s.test.params.Counters64 != 0)
	if !ok {
		return
	}
	now := time.Now()
	s.bytes.Add(uint64(len(b)))
	s.mu.Lock()
	s.count.arrived(number, sent, float64(now.UnixMicro())/1e6)
	s.mu.Unlock()
}

// sendDatagrams sends at the client's rate until stop.
func (s *stream) sendDatagrams() {
	p := &s.test.params
	b := make([]byte, p.Len)
	for number := int64(1); s.pace(); number++ {
		putHeader(b, p.Counters64 != 0, time.Now(), number)
		_, err := s.test.srv.pc.WriteToUDPAddrPort(b, s.peer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // no room, or an ICMP error: the receiver sees a loss
			time.Sleep(slack)
		}
		s.bytes.Add(uint64(len(b)))
		s.mu.Lock()
		s.count.packets = number
		s.mu.Unlock()
	}
}
