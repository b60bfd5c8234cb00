package inet

import (
	"io"
	"math"
	"syscall"

	"dataplane/internal/timer"
	"dataplane/perf"
	"dataplane/sock"
	"dataplane/udp"
)

// Inside is a socket of code inside the plane (sock_create_kern): who uses it
// runs on the lcore of SK, so that nothing is locked, nothing is waited for, and
// no goroutine is woken. What it asks for is done in the same turn. The errors
// are bare: EAGAIN, where a goroutine would wait, must cost nothing.
type Inside struct {
	S    *sock.Socket
	SK   *sock.Sock
	Core *sock.Core // where SK lives, and stays

	cb       Callbacks
	udp      *udp.Layer // of a UDP socket, which sends at once; nil: TX is served in this turn
	wheel    *timer.Wheel
	timer    timer.Timer
	reserved int // bytes of TX that Reserve has lent
}

// Callbacks is what code inside the plane hears: of its socket and of its timer.
type Callbacks interface {
	sock.Callbacks
	timer.Expirer
}

// Init gives c the Sock sk of s, of whatever family, whose callbacks will be cb. Runs on
// the lcore of sk, which st is; no goroutine may use s any more, but to close it.
func (c *Inside) Init(s *sock.Socket, sk *sock.Sock, st *Stack, cb Callbacks) {
	c.S, c.SK, c.Core, c.cb = s, sk, sk.Core(), cb
	c.wheel = &st.Wheel
	c.timer.Init(cb, 0)
}

// Enter is for a stream: its callbacks hear of everything from now on, and first of what
// is there already.
func (c *Inside) Enter() {
	if p := of(c.S); p.linger() > 0 {
		p.setLinger(lingerOff) // an lcore waits for nobody
	}
	sk, cb := c.SK, c.cb
	sk.CB = cb
	if sk.RX.Len() > 0 || sk.PeekError() != 0 || sk.Has(sock.FlagRcvShut|sock.FlagDead) {
		cb.DataReady(sk)
	}
}

// Recv reads what a stream holds. EAGAIN: nothing yet. io.EOF: the end.
func (c *Inside) Recv(b []byte) (int, error) {
	end := c.SK.Has(sock.FlagRcvShut | sock.FlagDead)
	if c.S.Closed() {
		return 0, sock.ErrClosed
	}
	n := c.SK.RX.Read(b)
	if n > 0 {
		c.SK.ConsumedHere()
		return n, nil
	}
	return 0, c.nothing(end)
}

// Borrow lends what a stream holds once that is least bytes, until GiveBack or Recv:
// fewer at the end of the stream and before an error. EAGAIN: not so many yet. ENOBUFS:
// more than half the receive buffer, which may never come at once.
func (c *Inside) Borrow(least int) (x, y []byte, err error) {
	sk := c.SK
	end := sk.Has(sock.FlagRcvShut | sock.FlagDead)
	n := sk.RX.Len()
	switch {
	case c.S.Closed():
		return nil, nil, sock.ErrClosed
	case n == 0:
		return nil, nil, c.nothing(end)
	case n >= least || end || sk.PeekError() != 0:
		x, y = sk.RX.Slices(sk.RX.Tail(), n)
		return x, y, nil
	case least > int(sk.Opt.RcvBuf)/2:
		return nil, nil, syscall.ENOBUFS
	}
	return nil, nil, syscall.EAGAIN
}

// GiveBack takes the first n bytes of what Borrow lent, which are read. EINVAL: there
// are not so many.
func (c *Inside) GiveBack(n int) error {
	if n < 0 || n > c.SK.RX.Len() {
		return syscall.EINVAL
	}
	c.SK.RX.Release(c.SK.RX.Tail() + uint64(n))
	c.SK.ConsumedHere()
	return nil
}

// nothing says why there is nothing to read.
func (c *Inside) nothing(end bool) error {
	if e := c.SK.TakeError(); e != 0 {
		return e
	}
	if end {
		return io.EOF
	}
	return syscall.EAGAIN
}

// Send writes as much of b as the send ring has room for. EAGAIN: not all of it;
// WriteSpace will be called.
func (c *Inside) Send(b []byte) (int, error) {
	if err := c.cannotSend(); err != nil {
		return 0, err
	}
	applySndBuf(c.S)
	c.reserved = 0
	n := c.SK.TX.Write(b)
	if n > 0 {
		c.SK.Ask(sock.ReqSend)
	}
	if n < len(b) {
		return n, syscall.EAGAIN
	}
	return n, nil
}

// Reserve lends room for the next n bytes of a stream, until Commit or Send. EAGAIN:
// there is not so much yet; WriteSpace will be called. ENOBUFS: there never is.
func (c *Inside) Reserve(n int) (x, y []byte, err error) {
	c.reserved = 0
	if n <= 0 {
		return nil, nil, syscall.EINVAL
	}
	if err := c.cannotSend(); err != nil {
		return nil, nil, err
	}
	applySndBuf(c.S)
	tx := &c.SK.TX
	switch {
	case n > tx.Limit():
		return nil, nil, syscall.ENOBUFS
	case n > tx.Free():
		return nil, nil, syscall.EAGAIN
	}
	c.reserved = n
	x, y = tx.Reserve(tx.Head(), n)
	return x, y, nil
}

// Commit sends the first n bytes of what Reserve lent, and ends the loan. EINVAL: so many
// are not lent.
func (c *Inside) Commit(n int) error {
	lent := c.reserved
	c.reserved = 0
	if n < 0 || n > lent {
		return syscall.EINVAL
	}
	if err := c.cannotSend(); err != nil {
		return err
	}
	c.SK.TX.Commit(n) // none gives up the room, which would keep the ring from being empty
	if n > 0 {
		c.SK.Ask(sock.ReqSend)
	}
	return nil
}

// SetTimer lets the timer expire once, d after this turn began. What was set before is
// forgotten. A socket that is closed has no timer.
func (c *Inside) SetTimer(d perf.Tick) {
	if c.S.Closed() {
		return
	}
	now := int64(c.Core.Now)
	c.wheel.Arm(&c.timer, now+min(max(int64(d), 0), math.MaxInt64/2))
}

// StopTimer lets the timer not expire.
func (c *Inside) StopTimer() { c.wheel.Cancel(&c.timer) }

func (c *Inside) cannotSend() error {
	if c.S.Closed() {
		return sock.ErrClosed
	}
	if e := c.SK.TakeError(); e != 0 {
		return e
	}
	if c.S.IsShut(sock.ShutWr) || c.SK.Has(sock.FlagSndShut|sock.FlagDead) {
		return syscall.EPIPE
	}
	return nil
}
