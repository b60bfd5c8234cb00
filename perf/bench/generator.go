package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"time"
)

// generator is a cheap peer at the other end of a wire: it sends bursts of
// prebuilt UDP datagrams and waits until each has come back, in order. Its own
// cost is in every side's figure, and the same in each.
type generator struct {
	tx, rx *slots
	burst  int
	l2     int // bytes of Ethernet before the IP header: 14, or none
	ip     int // bytes of the IP header
	frames [][]byte
	sent   uint64
	got    uint64
}

const (
	ethLen    = 14
	ipLen     = 20
	ip6Len    = 40
	udpLen    = 8
	variants  = 64 // different datagrams, so that a mix-up is seen; a power of two
	sumsEvery = 61 // of how many answers the checksums are verified
)

var errDamaged = errors.New("damaged")

// newGenerator prepares datagrams of size bytes from 10.0.0.1:7 to port of 10.0.0.2.
func newGenerator(tx, rx *slots, l2, burst, size int, port uint16) *generator {
	g := &generator{tx: tx, rx: rx, burst: burst, l2: l2, ip: ipLen}
	g.prepare(size, port)
	for _, f := range g.frames {
		ip := f[l2:]
		copy(ip, []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2})
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
		binary.BigEndian.PutUint16(ip[10:], ^sum(0, ip[:ipLen]))
		binary.BigEndian.PutUint16(ip[ipLen+6:], ^g.pseudoSum(ip))
	}
	return g
}

// prepare makes the frames but for their IP headers and checksums.
func (g *generator) prepare(size int, port uint16) {
	for i := range variants {
		f := make([]byte, g.l2+g.ip+udpLen+size)
		if g.l2 > 0 {
			copy(f, planeMAC[:])
			copy(f[6:], ownMAC[:])
			binary.BigEndian.PutUint16(f[12:], 0x0800)
		}
		udp := f[g.l2+g.ip:]
		binary.BigEndian.PutUint16(udp, 7)
		binary.BigEndian.PutUint16(udp[2:], port)
		binary.BigEndian.PutUint16(udp[4:], uint16(len(udp)))
		copy(udp[udpLen:], pattern[i*211:])
		g.frames = append(g.frames, f)
	}
}

// sum is the Internet checksum's sum of b, onto s (RFC 1071).
func sum(s uint32, b []byte) uint16 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s>>16 != 0 {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// pseudoSum is the sum over a UDP packet with its pseudo header (RFC 768, RFC 8200 8.1).
func (g *generator) pseudoSum(ip []byte) uint16 {
	addrs := 8
	if g.ip == ip6Len {
		addrs = 32
	}
	return sum(17+uint32(len(ip)-g.ip), ip[g.ip-addrs:])
}

// run sends and verifies for about d.
func (g *generator) run(d time.Duration) (count, error) {
	start, before := time.Now(), g.got
	for n := 0; n%8 != 0 || time.Since(start) < d; n++ {
		g.send()
		if err := g.collect(); err != nil {
			return count{}, err
		}
	}
	n := g.got - before
	return count{ops: n, packets: 2 * n, bytes: n * uint64(len(g.frames[0])-g.l2-g.ip-udpLen)}, nil
}

func (g *generator) send() {
	for i := range g.burst {
		f := g.frames[(g.sent+uint64(i))%variants]
		copy(g.tx.free(i), f)
		g.tx.filled(i, len(f))
	}
	g.sent += uint64(g.burst)
	g.tx.publish(g.burst)
}

// collect waits for all answers.
func (g *generator) collect() error {
	var late time.Time
	for spins := 1; g.got < g.sent; spins++ {
		n := g.rx.waiting()
		for i := range n {
			if err := g.answer(g.rx.frame(i)); err != nil {
				return err
			}
		}
		if n > 0 {
			g.rx.done(n)
			continue
		}
		runtime.Gosched()
		if spins%4096 != 0 {
			continue
		}
		if late.IsZero() {
			late = time.Now().Add(grace)
		}
		if time.Now().After(late) {
			return fmt.Errorf("answer %d of %d did not come", g.got, g.sent)
		}
	}
	return nil
}

// answer verifies one frame: who sent it to whom, what it says, and, of some, the
// checksums.
func (g *generator) answer(f []byte) error {
	want := g.frames[g.got%variants]
	if g.l2 > 0 && len(f) != len(want) && g.other(f) {
		return nil
	}
	want = want[g.l2:]
	if len(f) < g.l2+len(want) {
		return fmt.Errorf("answer %d has %d bytes: %w", g.got, len(f), errDamaged)
	}
	ip := f[g.l2 : g.l2+len(want)]
	switch {
	case g.ip == ipLen && !turned(ip, want), g.ip == ip6Len && !turned6(ip, want):
		return fmt.Errorf("answer %d has the wrong addresses %x: %w", g.got, ip[:g.ip+4], errDamaged)
	case !bytes.Equal(ip[g.ip+udpLen:], want[g.ip+udpLen:]):
		return fmt.Errorf("answer %d says something else: %w", g.got, errDamaged)
	case g.got%sumsEvery == 0 && (g.ip == ipLen && sum(0, ip[:ipLen]) != 0xffff || g.pseudoSum(ip) != 0xffff):
		return fmt.Errorf("answer %d has a wrong checksum: %w", g.got, errDamaged)
	}
	g.got++
	return nil
}

// turned reports whether a is from where b is to, and to where b is from.
func turned(a, b []byte) bool {
	load := binary.LittleEndian.Uint64
	return load(a[12:]) == bits.RotateLeft64(load(b[12:]), 32) &&
		uint32(load(a[20:])) == bits.RotateLeft32(uint32(load(b[20:])), 16)
}

// other takes a frame that is no answer.
func (g *generator) other(f []byte) bool {
	switch {
	case len(f) >= ethLen+28 && binary.BigEndian.Uint16(f[12:]) == 0x0806:
		g.arp(f)
	case f[0]&1 != 0 || g.ip == ip6Len && f[ethLen+6] == protoICMPv6:
		g.neighbor(f) // a stack looks for routers, too, and says what it listens to
	default:
		return false
	}
	return true
}

// arp answers a request for our address (RFC 826).
func (g *generator) arp(f []byte) {
	if binary.BigEndian.Uint16(f[20:]) != 1 || g.tx.room() == 0 {
		return
	}
	r := g.tx.free(0)[:ethLen+28]
	copy(r, f[6:12])
	copy(r[6:], ownMAC[:])
	copy(r[12:], []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 2})
	copy(r[22:], ownMAC[:])
	copy(r[28:], f[38:42])
	copy(r[32:], f[22:32])
	g.tx.filled(0, len(r))
	g.tx.publish(1)
}

// mirror makes the other end of the wire turn each frame round, without a stack. It
// shows what the generator and the wire cost.
func (g *generator) mirror() {
	addr, at := 4, g.l2+12
	if g.ip == ip6Len {
		addr, at = 16, g.l2+8
	}
	ports := at + 2*addr
	g.tx.arrived = func() {
		n := g.tx.waiting()
		for i := range n {
			f, r := g.tx.frame(i), g.rx.free(i)
			copy(r, f)
			copy(r[at:], f[at+addr:ports])
			copy(r[at+addr:], f[at:at+addr])
			copy(r[ports:], f[ports+2:ports+4])
			copy(r[ports+2:], f[ports:ports+2])
			g.rx.filled(i, len(f))
		}
		g.tx.done(n)
		g.rx.publish(n)
	}
}
