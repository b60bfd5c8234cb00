package api

import (
	"syscall"

	"dataplane/eth"
	"dataplane/inet"
	"dataplane/packet"
	"dataplane/sock"
)

// FrameHandler is the Handler of frames: code inside the plane that sees them on the
// lcore, where they lie.
type FrameHandler interface {
	// Frame: f has come, or goes out. Its Data is borrowed.
	Frame(c *Inside, f *Frame)
	// OnTimer: the time that SetTimer was told has passed.
	OnTimer(c *Inside)
}

// Handle gives the capture to handlers: h is called on each lcore, once, and returns the
// handler for the frames that pass there, or nil, which closes the capture. After that c
// is good for Stats and Close only.
func (c *Capture) Handle(h func(*Inside) FrameHandler) error {
	return giveAway(c.s, func(sk *sock.Sock) {
		f := &frames{in: Inside{n: c.n}}
		f.in.in.Init(c.s, sk, c.n.stackOf(sk), f)
		defer f.contain()
		if f.h = h(&f.in); f.h == nil {
			f.in.Close()
			return
		}
		f.in.in.Receive(f) //nolint:errcheck // packet sockets can
	})
}

// SendFrame sends b, a frame with its header, by the port of this number, from 0 as Ports
// has them: for handlers of frames. It leaves in this turn. Errors: ENXIO (no such port),
// EINVAL (no whole header), EMSGSIZE (more than the MTU behind it), EAGAIN (too much waits already).
func (c *Inside) SendFrame(port int, b []byte) error {
	if port < 0 || port >= len(c.n.ports) {
		return syscall.ENXIO
	}
	if len(b) < eth.HdrLen {
		return syscall.EINVAL
	}
	head := eth.HdrLen
	if tagged, _ := eth.Header(b).Tagged(); tagged {
		head += eth.VLANLen
	}
	if len(b) > (links{c.n}).MTU(port)+head {
		return syscall.EMSGSIZE
	}
	to := sock.Link{Iface: uint32(port) + 1}
	c.out.Peer, c.out.Local = to.Name(), sock.Name{}
	return c.in.SendFrame(&c.out, b)
}

// frames is an Inside of frames, as its packet socket calls it.
type frames struct {
	in    Inside
	h     FrameHandler
	view  packet.View
	seen  packet.Frame
	f     Frame
	clock wallClock
}

var (
	_ inet.Callbacks = (*frames)(nil)
	_ sock.Receiver  = (*frames)(nil)
)

// Datagram passes a frame on.
func (f *frames) Datagram(_ *sock.Sock, d *sock.Datagram, b []byte) {
	if f.in.closed {
		return
	}
	defer f.contain()
	f.view.Show(f.in.in.S, d, b, &f.seen)
	f.f = f.clock.frame(&f.seen)
	f.h.Frame(&f.in, &f.f)
}

// Expire passes on that the timer has run out.
func (f *frames) Expire(uint8, int64) {
	if !f.in.closed && !f.in.in.S.Closed() {
		defer f.contain()
		f.h.OnTimer(&f.in)
	}
}

// contain ends a panic of the handler.
func (f *frames) contain() { (*callbacks)(&f.in).contain() }

// DataReady does nothing: frames do not pass the ring.
func (*frames) DataReady(*sock.Sock) {}

// WriteSpace does nothing, as DataReady.
func (*frames) WriteSpace(*sock.Sock) {}

// StateChange does nothing: a packet socket has no states.
func (*frames) StateChange(*sock.Sock) {}

// ErrorReport does nothing: nobody answers a frame with an error.
func (*frames) ErrorReport(*sock.Sock) {}
