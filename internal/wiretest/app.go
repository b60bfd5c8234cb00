package wiretest

import (
	"syscall"

	"dataplane/internal/ring"
	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
	"dataplane/tcp"
)

// App is an application's end of a TCP socket. Its steps do what calls on a
// non-blocking socket would do, and let the stack work on it.
type App struct {
	SK *sock.Sock

	w   *Wire
	out int64 // bytes of the pattern written
	in  int64 // bytes of the pattern read
}

// NewApp returns the application's end of sk. It writes between turns only: nobody writes
// while the stack works.
func (w *Wire) NewApp(sk *sock.Sock) *App {
	sk.Left()
	return &App{SK: sk, w: w}
}

// TCP is the protocol's side of the socket.
func (a *App) TCP() *tcp.Sock { return a.SK.Owner.(*tcp.Sock) }

// Listen opens port for connections.
func (w *Wire) Listen(port uint16, backlog int) *App {
	w.T.Helper()
	a := w.NewApp(&w.Stack.TCP.NewSock().Sock)
	if e := w.Stack.TCP.Bind(a.SK, sock.Name{Port: port}); e != 0 {
		w.fatalf("bind to port %d: %v", port, e)
	}
	if e := w.Stack.TCP.Listen(a.SK, backlog); e != 0 {
		w.fatalf("listen on port %d: %v", port, e)
	}
	w.pump()
	return a
}

// Connect begins a connection from port local to port remote of the test.
func (w *Wire) Connect(local, remote uint16) *App {
	w.T.Helper()
	a := w.NewApp(&w.Stack.TCP.NewSock().Sock)
	if e := a.Connect(local, remote); e != 0 {
		w.fatalf("connect to port %d: %v", remote, e)
	}
	return a
}

// Connect begins a connection of a fresh socket.
func (a *App) Connect(local, remote uint16) syscall.Errno {
	from := sock.Name{Addr: Local.As16(), Port: local}
	to := sock.Name{Addr: Peer.As16(), Port: remote}
	e := a.w.Stack.TCP.Connect(a.SK, from, to)
	a.w.pump()
	return e
}

// TryAccept takes a connection from the queue; nil: there is none.
func (a *App) TryAccept() *App {
	sk, ok := a.SK.AcceptQ.Pop()
	if !ok {
		return nil
	}
	return a.w.NewApp(sk)
}

// Accept takes a connection from the queue; there must be one.
func (a *App) Accept() *App {
	a.w.T.Helper()
	c := a.TryAccept()
	if c == nil {
		a.w.fatalf("there is no connection to accept")
	}
	return c
}

// Set changes an option of the transport.
func (a *App) Set(level, name, value int) {
	a.w.T.Helper()
	if e := a.SK.SetInt(level, name, value); e != 0 {
		a.w.fatalf("option %d of level %d: %v", name, level, e)
	}
	a.w.pump()
}

// Write writes n bytes of the pattern, as one call would, and returns how many
// the socket took.
func (a *App) Write(n int) int {
	got := a.write(Pattern(a.out, n))
	a.out += int64(got)
	return got
}

// WriteString writes s and returns how many bytes the socket took.
func (a *App) WriteString(s string) int { return a.write([]byte(s)) }

// WriteMore is Write with MSG_MORE.
func (a *App) WriteMore(n int) int {
	got := a.send(Pattern(a.out, n), sock.ReqMore)
	a.out += int64(got)
	return got
}

func (a *App) write(p []byte) int { return a.send(p, sock.ReqSend) }

func (a *App) send(p []byte, req uint32) int {
	if limit := a.SK.SndWant.Swap(0); limit != 0 { // as a writer does
		a.SK.TX.SetLimit(int(limit))
	}
	n := a.SK.TX.Write(p)
	if n > 0 {
		a.SK.Kick(req)
	}
	a.w.pump()
	return n
}

// Read reads up to n bytes.
func (a *App) Read(n int) []byte {
	b := make([]byte, min(n, a.SK.RX.Len()))
	b = b[:a.SK.RX.Read(b)]
	if len(b) > 0 {
		a.SK.Consumed()
	}
	a.w.pump()
	return b
}

// Expect reads n bytes of the pattern, which must be there.
func (a *App) Expect(n int) {
	a.w.T.Helper()
	if got := a.SK.RX.Len(); got < n {
		a.w.fatalf("want %d bytes to read, there are %d", n, got)
	}
	if i := patternEqual(a.Read(n), a.in); i >= 0 {
		a.w.fatalf("byte %d of the stream is not the pattern's", a.in+int64(i))
	}
	a.in += int64(n)
}

// ExpectString reads s, which must be all there is.
func (a *App) ExpectString(s string) {
	a.w.T.Helper()
	if got := string(a.Read(a.SK.RX.Len())); got != s {
		a.w.fatalf("read %.80q, want %.80q", got, s)
	}
}

// Readable is how many bytes wait to be read.
func (a *App) Readable() int { return a.SK.RX.Len() }

// EOF reports whether the end of the stream was reached.
func (a *App) EOF() bool { return a.SK.Has(sock.FlagRcvShut) && a.SK.RX.Len() == 0 }

// Connected, Dead and State tell how far the connection has come.
func (a *App) Connected() bool { return a.SK.Has(sock.FlagConnected) }

// Dead: see Connected.
func (a *App) Dead() bool { return a.SK.Has(sock.FlagDead) }

// State: see Connected.
func (a *App) State() tcp.State { return a.TCP().State() }

// WantState ends the test if the connection is in another state.
func (a *App) WantState(s tcp.State) {
	a.w.T.Helper()
	if got := a.State(); got != s {
		a.w.fatalf("state %v, want %v", got, s)
	}
}

// TakeError takes the pending error (SO_ERROR).
func (a *App) TakeError() syscall.Errno { return a.SK.TakeError() }

// WantError takes the pending error, which must be e.
func (a *App) WantError(e syscall.Errno) {
	a.w.T.Helper()
	if got := a.SK.TakeError(); got != e {
		a.w.fatalf("error %v, want %v", got, e)
	}
}

// CloseWrite says that no more will be written.
func (a *App) CloseWrite() { a.kick(sock.ReqShutWrite) }

// CloseRead says that nothing more will be read.
func (a *App) CloseRead() { a.kick(sock.ReqShutRead) }

// Close lets go of the socket.
func (a *App) Close() { a.kick(sock.ReqClose) }

func (a *App) kick(bits uint32) {
	a.SK.Kick(bits)
	a.w.pump()
}

// AtISN lets time pass until the stack would choose iss for a connection
// between these ports (RFC 6528: the numbers rise with the clock).
func (w *Wire) AtISN(local, remote uint16, iss uint32) {
	now := tcp.ISN(&w.cfg.Secret, ip.FromNetip(Local), ip.FromNetip(Peer), local, remote, w.Now)
	w.Advance(perf.Tick(iss-now) * 4 * perf.Microsecond)
}

// TX is the send ring, for what the steps do not offer.
func (a *App) TX() *ring.Bytes { return &a.SK.TX }

// Passive opens a connection of the test to port 80 of the stack, which listens
// for it, with the options of syn (zero: MSS 1460) and a round trip of rtt, and
// returns both ends.
func (w *Wire) Passive(syn Seg, rtt perf.Tick) (*Flow, *App) {
	w.T.Helper()
	if syn.MSS == 0 {
		syn.MSS = 1460
	}
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	syn.Flags = tcp.SYN
	f.Send(syn)
	f.Expect(Seg{Flags: tcp.SYN | tcp.ACK})
	w.Advance(rtt)
	f.Send(Seg{})
	a := ls.Accept()
	w.Quiet()
	return f, a
}

// Active lets the stack connect to the test, which answers with the options of
// synack (zero: MSS 1460) after a round trip of rtt, and returns both ends.
func (w *Wire) Active(synack Seg, rtt perf.Tick) (*Flow, *App) {
	w.T.Helper()
	if synack.MSS == 0 {
		synack.MSS = 1460
	}
	a := w.Connect(40000, 80)
	f := w.Flow(40000, 80)
	f.Expect(Seg{Flags: tcp.SYN})
	w.Advance(rtt)
	synack.Flags = tcp.SYN | tcp.ACK
	f.Send(synack)
	f.Expect(Seg{})
	if !a.Connected() {
		w.fatalf("not connected")
	}
	return f, a
}
