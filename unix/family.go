package unix

import (
	"sync"
	"sync/atomic"
	"syscall"

	"dataplane/sock"
)

// Bounds of Linux: net.core.wmem_default, net.core.rmem_default, net.core.somaxconn,
// net.unix.max_dgram_qlen.
const (
	defaultBuf    = 212992
	maxBacklog    = 4096
	maxQueued     = 10
	unlimited     = 1 << 30
	maxInFlight   = 1024 // descriptors on their way, in the whole plane: as RLIMIT_NOFILE bounds them
	maxDescriptor = 253  // in one message (SCM_MAX_FD)
)

// Family is AF_UNIX of one plane.
type Family struct {
	tasks *sock.Tasks
	files Table

	mu    sync.Mutex        // of names, next, and what the sockets say it guards
	names map[key]*endpoint // nil: the socket is closed, and its path was not removed
	next  uint32            // for names that nobody chose

	inFlight atomic.Int32 // descriptors on their way; any goroutine
}

var _ sock.NetProtoFamily = (*Family)(nil)

// New returns the family for a plane with these tasks. files may be nil: then no
// descriptors are passed.
func New(ts *sock.Tasks, files Table) *Family {
	return &Family{tasks: ts, files: files, names: make(map[key]*endpoint)}
}

// Family returns AF_UNIX.
func (*Family) Family() int { return syscall.AF_UNIX }

// Create makes a socket. SOCK_RAW is a datagram socket, as for Linux.
func (f *Family) Create(typ, protocol int) (*sock.Socket, error) {
	if protocol != 0 && protocol != syscall.AF_UNIX {
		return nil, syscall.EPROTONOSUPPORT
	}
	switch typ {
	case sock.TypeStream, sock.TypeDgram, sock.TypeSeqpacket:
	case sock.TypeRaw:
		typ = sock.TypeDgram
	default:
		return nil, syscall.ESOCKTNOSUPPORT
	}
	return f.make(typ).s, nil
}

// lock takes mu; a task does not stop its lcore for it.
func (f *Family) lock() { f.tasks.Lock(&f.mu) }

// endpoint is the family's part of a socket (struct unix_sock).
type endpoint struct {
	f    *Family
	s    *sock.Socket
	in   sock.Local  // what waits to be read; of a listener: connections, as endpoints
	out  sock.Outbox // messages of ours that nobody has read yet
	peer atomic.Pointer[endpoint]
	name atomic.Pointer[string] // nil: it has none; written once, under mu

	err      atomic.Uint32               // pending (SO_ERROR)
	passCred atomic.Bool                 // SO_PASSCRED; written by SetOption
	sndbuf   atomic.Int32                // written by SetOption
	rcvbuf   atomic.Int32                // 0: nobody has set it; written by SetOption
	backlog  int                         // under mu
	filter   atomic.Pointer[sock.Filter] // SO_ATTACH_FILTER; nil: all messages are taken
	known    bool                        // the peer's credentials are: connected or listening, but for datagrams; under mu
}

// make returns an endpoint with its socket in one piece.
func (f *Family) make(typ int) *endpoint {
	x := new(struct {
		sock.Socket
		endpoint
	})
	e := &x.endpoint
	e.f, e.s = f, &x.Socket
	e.s.Init(syscall.AF_UNIX, typ, 0, opsOf(typ))
	e.s.Private = e
	e.s.Localize(f.tasks)
	e.sndbuf.Store(defaultBuf)
	e.in.Init(e.s, 0, 0)
	e.bound()
	e.out.Init(e.s)
	return e
}

// bound gives the queue its limits: that of a stream by what the peer may have on its
// way, that of a listener by the backlog. SO_RCVBUF counts where it was set; for Linux it
// never does. Under mu, or before anybody knows e.
func (e *endpoint) bound() {
	p := e.peer.Load()
	bytes, messages := unlimited, unlimited
	if n := int(e.rcvbuf.Load()); n != 0 {
		bytes = n
	}
	switch {
	case e.s.State() == sock.Listening:
		messages = e.backlog + 1
	case e.s.Type == sock.TypeStream && p != nil:
		bytes = min(bytes, int(p.sndbuf.Load()))
	}
	e.in.SetLimits(bytes, messages)
}

func of(s *sock.Socket) *endpoint { return s.Private.(*endpoint) }

// join connects both ends. Under mu; nobody else knows the state of e's socket yet, or
// its Wr is held.
func (e *endpoint) join(p *endpoint) {
	e.peer.Store(p)
	p.peer.Store(e)
	for _, x := range [2]*endpoint{e, p} {
		x.known = true
		x.bound()
		x.s.SetState(sock.Connected)
	}
}

// Pair connects a and b, which are new, to each other (socketpair).
func (ops) Pair(a, b *sock.Socket) error {
	e := of(a)
	e.f.lock()
	defer e.f.mu.Unlock()
	if a.Closed() || b.Closed() {
		return sock.ErrClosed
	}
	e.join(of(b))
	return nil
}

// takeError returns the pending error and clears it; nil is none.
func (e *endpoint) takeError() error {
	if e.err.Load() == 0 {
		return nil
	}
	if n := e.err.Swap(0); n != 0 {
		return syscall.Errno(n)
	}
	return nil
}

// ops is what all types share.
type ops struct{ sock.NoOps }

type (
	streamOps struct{ ops }
	dgramOps  struct{ ops }
	seqOps    struct{ dgramOps }
)

var (
	stream = new(streamOps)
	dgram  = new(dgramOps)
	seq    = new(seqOps)

	_ sock.ProtoOps = stream
	_ sock.ProtoOps = dgram
	_ sock.ProtoOps = seq

	_ sock.PairOps     = stream
	_ sock.IoctlOps    = stream
	_ sock.DissolveOps = dgram
)

func opsOf(typ int) sock.ProtoOps {
	switch typ {
	case sock.TypeStream:
		return stream
	case sock.TypeSeqpacket:
		return seq
	}
	return dgram
}
