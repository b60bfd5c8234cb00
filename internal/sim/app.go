package sim

import (
	"fmt"
	"syscall"

	"dataplane/perf"
	"dataplane/sock"
)

// peer is an application at one end of a connection: it writes its stream,
// reads the other's, and shuts down when it has written all, as fast or slowly
// as the seed says.
type peer struct {
	w      *World
	h      *Host
	name   string
	s      *sock.Socket // nil until accepted
	accept *sock.Socket // listener
	seed   byte         // of the bytes it writes
	total  int          // bytes to write
	sent   int
	other  *peer
	got    int
	chunk  int       // bytes of a write or read
	pause  perf.Tick // between reads, 0: none
	nextAt perf.Tick
	shut   bool
	eof    bool
	to     sock.Name // of a client: where it dials
	tries  int
	failed error
}

// maxTries bounds how often a client dials.
const maxTries = 20

// octet is byte i of the stream that a peer with this seed writes.
func octet(seed byte, i int) byte { return byte(i*7) ^ byte(i>>8) ^ seed }

// run does what the application can do now, and reports whether it did
// anything.
func (p *peer) run() bool {
	if p.failed != nil {
		return false
	}
	if p.s == nil {
		return p.begin()
	}
	did := p.write()
	return p.read() || did
}

// begin accepts, or finds out how the connecting went.
func (p *peer) begin() bool {
	if p.accept == nil {
		return false
	}
	s, err := p.accept.Ops.Accept(p.accept, sock.MsgDontwait)
	if err != nil {
		return false
	}
	p.s = s
	return true
}

// connected reports whether the handshake is over for p.
func (p *peer) connected() bool {
	if p.s.State() == sock.Connected {
		return true
	}
	sk := p.s.SK()
	if e := sk.TakeError(); e != 0 {
		p.retry(e)
		return false
	}
	if !sk.Has(sock.FlagConnected) {
		return false
	}
	p.s.SetNames(sk.Names())
	p.s.SetState(sock.Connected)
	return true
}

// retry dials again where every question for the neighbour's address was lost,
// which three in a row may well be, or every SYN. Other errors are final.
func (p *peer) retry(e syscall.Errno) {
	if e != syscall.EHOSTUNREACH && e != syscall.ETIMEDOUT || p.tries == maxTries {
		p.failed = e
		return
	}
	p.tries++
	p.s.Close() //nolint:errcheck // first Close
	p.s = p.w.socket(p.h)
	p.w.connect(p, p.to)
}

func (p *peer) write() bool {
	if p.shut || !p.connected() {
		return false
	}
	if p.sent == p.total {
		p.shut = true
		if err := p.s.Ops.Shutdown(p.s, syscall.SHUT_WR); err != nil {
			p.failed = fmt.Errorf("shutdown: %w", err)
		}
		return true
	}
	b := p.w.buf[:min(p.chunk, p.total-p.sent, max(p.s.SK().TX.Free(), 1))]
	for i := range b {
		b[i] = octet(p.seed, p.sent+i)
	}
	n, err := p.s.Send(b, sock.MsgDontwait)
	p.sent += n
	if err != nil && err != syscall.EAGAIN {
		p.failed = fmt.Errorf("write: %w", err)
	}
	return n > 0
}

func (p *peer) read() bool {
	if p.eof || !p.connected() || p.w.Now < p.nextAt {
		return false
	}
	b := p.w.buf[:p.chunk]
	n, err := p.s.Recv(b, sock.MsgDontwait)
	if err == syscall.EAGAIN {
		return false
	}
	if err != nil {
		p.failed = fmt.Errorf("read: %w", err)
		return false
	}
	if n == 0 {
		p.eof = true
		if p.got != p.other.total {
			p.w.fail("%s read the end of the stream after %d of %d bytes", p.name, p.got, p.other.total)
		}
		return true
	}
	for i, c := range b[:n] {
		if c != octet(p.other.seed, p.got+i) {
			p.w.fail("%s: byte %d of the stream is wrong", p.name, p.got+i)
			p.failed = fmt.Errorf("wrong byte")
			return false
		}
	}
	p.got += n
	p.nextAt = p.w.Now + p.pause
	return true
}

// done reports whether the application has nothing more to do.
func (p *peer) done() bool { return p.failed != nil || p.eof && p.shut }
