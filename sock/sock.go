package sock

import (
	"math"
	"sync/atomic"
	"syscall"

	"dataplane/internal/ring"
)

// Default limits of the rings, in bytes. Memory is taken as data comes.
const (
	DefaultRcvBuf = 256 << 10
	DefaultSndBuf = 256 << 10
	StreamSndBuf  = 128 << 10 // of a stream, until autotuning finds a use for more
	MinBuf        = 4 << 10
	MaxBuf        = 64 << 20
	MaxAutoSndBuf = 4 << 20 // autotuning goes no further
)

// Options are the settings of level SOL_SOCKET that a lcore needs. They are
// written on the lcore (Core.Call), or before the Sock is known to it.
type Options struct {
	RcvBuf, SndBuf int32 // ring limits in bytes
	RcvBufSet      bool  // the application chose RcvBuf: no autotuning
	SndBufSet      bool  // the application chose SndBuf
	Broadcast      bool
	ReuseAddr      bool
	ReusePort      bool
	KeepAlive      bool
	Abort          bool // a close resets the connection (SO_LINGER with 0 seconds)
	V6             V6
	Rare           *Rare
}

// V6 says whether a Sock is of AF_INET6, and whether of IPv6 alone (IPV6_V6ONLY): then the
// wildcard is not that of IPv4, too.
type V6 uint8

// What V6 may be.
const (
	V6None V6 = iota // of AF_INET
	V6Dual
	V6Only
)

// Sock is one lcore's side of a socket, Linux's struct sock. Fields are grouped in
// cache lines by who writes them, and the rings share the lines (a line for each
// writer, not for each ring):
//
//	lcore        core, Proto, Owner, CB, Opt, AcceptQ's tail end, flags, WantTail, RX's head, TX's tail
//	application  RX's tail, TX's head, Rd, Wr (before the Sock is published), AcceptQ's head end
//	both         req (or-ed by the application, emptied by the lcore), err (swapped by either)
type Sock struct {
	core  atomic.Pointer[Core] // where it lives; written by Init and Move
	Proto Proto
	Owner Owner     // *tcp.Sock, *udp.Sock: the struct that embeds this one; never changes
	CB    Callbacks // nil: goroutines wait in Rd and Wr

	// The lcore's line. (It begins 56 bytes from the start, before which the heap puts 8.)
	RX       ring.Bytes    // lcore → application
	txTail   atomic.Uint64 // TX's
	WantTail atomic.Uint64 // written by the lcore: ReqRead is wanted once RX.Tail reaches this
	flags    atomic.Uint32 // written by the lcore
	err      atomic.Uint32 // pending error (SO_ERROR): stored by the lcore, taken by either

	// The application's line.
	TX      ring.Bytes    // application → lcore
	rxTail  atomic.Uint64 // RX's
	mnext   *Sock         // next in the mailbox; owned by whoever holds the list
	req     atomic.Uint32 // pending requests; 0 → not in the mailbox
	SndWant atomic.Int32  // written by the lcore, seldom: the limit of TX that the connection has a use for; 0: as it is

	Opt     Options
	Rd      *Waiter           // reader, accepter
	Wr      *Waiter           // writer, connecter
	AcceptQ *ring.SPSC[*Sock] // listeners: established children, lcore → application

	writer atomic.Pointer[Side] // under whose lock TX is written; nil: no application has it yet, which sets it; nobody: set by the lcore

	own [2]Waiter // what Rd and Wr point to unless the Socket has several Socks
}

// Init prepares sk for core; owner is the struct that embeds sk.
func (sk *Sock) Init(core *Core, p Proto, owner Owner) {
	sk.core.Store(core)
	sk.Proto, sk.Owner = p, owner
	sk.Rd, sk.Wr = &sk.own[0], &sk.own[1]
	if core != nil {
		sk.own[0].init(core.registry, core.lane(), reader)
		sk.own[1].init(core.registry, core.lane(), writer)
	}
	sk.Opt.RcvBuf, sk.Opt.SndBuf = DefaultRcvBuf, DefaultSndBuf
	sk.RX.InitAt(DefaultRcvBuf, &sk.rxTail)
	sk.TX.InitAt(DefaultSndBuf, &sk.txTail)
	sk.WantTail.Store(math.MaxUint64)
}

// Renew is Init for a Sock that has served before: nobody knows it any more, neither a
// Socket (Leave) nor the lcore. What never changes in the Socks of a plane is not
// written, so that whoever reads it in a closed Socket's Side reads the same; nor is
// what has its value already, for an atomic store costs as much as twenty plain ones.
// sndBuf is the limit of TX.
func (sk *Sock) Renew(core *Core, p Proto, sndBuf int) {
	if sk.core.Load() != core {
		sk.core.Store(core)
	}
	sk.Proto, sk.CB, sk.mnext, sk.AcceptQ = p, nil, nil, nil
	sk.Rd, sk.Wr = &sk.own[0], &sk.own[1]
	for i := range sk.own {
		if w := &sk.own[i]; w.task.Load() != nil {
			w.task.Store(nil)
		}
	}
	sk.Opt = Options{RcvBuf: DefaultRcvBuf, SndBuf: int32(sndBuf)}
	sk.RX.Again(DefaultRcvBuf)
	sk.TX.Again(sndBuf)
	if sk.WantTail.Load() != math.MaxUint64 {
		sk.WantTail.Store(math.MaxUint64)
	}
	if sk.flags.Load() != 0 {
		sk.flags.Store(0)
	}
	if sk.err.Load() != 0 {
		sk.err.Store(0)
	}
	if sk.SndWant.Load() != 0 {
		sk.SndWant.Store(0)
	}
}

// Core returns the lcore that sk lives on. On that lcore it is a fact; elsewhere sk
// may move at any moment, so whoever needs to be where sk is uses Call or Kick.
func (sk *Sock) Core() *Core { return sk.core.Load() }

// Move makes core, with its transport p, the home of sk. Neither lcore takes a turn
// meanwhile. What applications have asked for and was not served follows.
func (sk *Sock) Move(core *Core, p Proto) {
	sk.Proto = p
	sk.core.Store(core)
}

// Call runs f on the lcore of sk, wherever that is by then, and waits for it. False
// means that the lcore has stopped and f did not run.
func (sk *Sock) Call(f func()) bool {
	for {
		c, here := sk.Core(), false
		ok := c.Call(func() {
			if here = sk.Core() == c; here {
				f()
			}
		})
		if !ok || here {
			return ok
		}
	}
}

// Rooted reports whether code on the lcore of sk uses it: callbacks, or tasks. sk does
// not move then. While that lcore takes no turn.
func (sk *Sock) Rooted() bool {
	return sk.CB != nil || sk.Rd.task.Load() != nil || sk.Wr.task.Load() != nil
}

// Names returns both ends of sk.
func (sk *Sock) Names() (local, remote Name) { return sk.Owner.Names() }

// Has reports whether any of the flags is set. Any thread.
func (sk *Sock) Has(flag uint32) bool { return sk.flags.Load()&flag != 0 }

// Set sets flags. Runs on the lcore.
func (sk *Sock) Set(flag uint32) {
	if f := sk.flags.Load(); f&flag != flag {
		sk.flags.Store(f | flag)
	}
}

// Unset clears flags. Runs on the lcore.
func (sk *Sock) Unset(flag uint32) {
	if f := sk.flags.Load(); f&flag != 0 {
		sk.flags.Store(f &^ flag)
	}
}

// Kick asks the lcore to look at sk. Any thread; cheap when sk is already in
// the mailbox.
func (sk *Sock) Kick(bits uint32) {
	c := sk.Core()
	if !c.here() {
		if c.ask(sk, bits) {
			c.turns.Leave()
		}
	} else if sk.ask(bits) {
		c.own = append(c.own, sk)
	}
}

// ask notes what is asked for, and reports whether the lcore has to be told: else it
// will look, and find what was published before this, for Or is a fence.
func (sk *Sock) ask(bits uint32) bool { return sk.req.Or(bits) == 0 }

// Ask is Kick for code on the lcore of sk: handlers, and the transport itself.
func (sk *Sock) Ask(bits uint32) {
	if sk.req.Or(bits) == 0 {
		c := sk.Core()
		c.own = append(c.own, sk)
	}
}

// DataReady tells the reader that RX, AcceptQ or the end of stream has
// something for it. Runs on the lcore; the wake-up leaves at the end of the
// turn.
func (sk *Sock) DataReady() {
	if sk.CB != nil {
		sk.CB.DataReady(sk)
		return
	}
	sk.Core().wake(sk.Rd)
}

// EndReady is DataReady for the end of a stream, which is news for all who watch.
func (sk *Sock) EndReady() {
	if sk.CB != nil {
		sk.CB.DataReady(sk)
		return
	}
	sk.Core().wakeFor(sk.Rd, 0)
}

// DataAndSpace is DataReady and WriteSpace at once.
func (sk *Sock) DataAndSpace() {
	if sk.CB != nil {
		sk.CB.DataReady(sk)
		sk.CB.WriteSpace(sk)
		return
	}
	sk.Core().wakeBoth(sk.Rd, sk.Wr)
}

// TellWatchers lets those who watch look, and nobody else. Runs on the lcore.
func (sk *Sock) TellWatchers() {
	if sk.Rd.word.Load()&waiterWatched != 0 {
		sk.Rd.tell(sk.Core(), 0)
	}
}

// WriteSpace tells the writer that TX has room again. Runs on the lcore.
func (sk *Sock) WriteSpace() {
	if sk.CB != nil {
		sk.CB.WriteSpace(sk)
		return
	}
	sk.Core().wake(sk.Wr)
}

// StateChange tells both directions that a flag changed. Runs on the lcore.
func (sk *Sock) StateChange() {
	if sk.CB != nil {
		sk.CB.StateChange(sk)
		return
	}
	sk.Core().wakeFor(sk.Rd, 0)
	sk.Core().wake(sk.Wr)
}

// ErrorReport stores e as the pending error and tells both directions. Runs
// on the lcore.
func (sk *Sock) ErrorReport(e syscall.Errno) {
	sk.err.Store(uint32(e))
	if sk.CB != nil {
		sk.CB.ErrorReport(sk)
		return
	}
	sk.Core().wakeFor(sk.Rd, PollErr)
	sk.Core().wake(sk.Wr)
}

// TakeError returns the pending error and clears it (SO_ERROR); 0 is none.
func (sk *Sock) TakeError() syscall.Errno {
	if sk.err.Load() == 0 {
		return 0
	}
	return syscall.Errno(sk.err.Swap(0))
}

// Blame stores e as the pending error of a Sock that no lcore knows yet, or puts back what
// was taken.
func (sk *Sock) Blame(e syscall.Errno) { sk.err.Store(uint32(e)) }

// PeekError returns the pending error without clearing it.
func (sk *Sock) PeekError() syscall.Errno { return syscall.Errno(sk.err.Load()) }

// nobody is who writes TX when the application has let go.
var nobody Side

// Left notes that the application has let go: nobody but the lcore writes TX any
// more. Runs on the lcore.
func (sk *Sock) Left() { sk.writer.Store(&nobody) }

// Vacant notes that no application has sk yet, or ever again. On its lcore.
func (sk *Sock) Vacant() {
	if sk.writer.Load() != nil {
		sk.writer.Store(nil)
	}
}

// DropRings gives the memory of the rings back, if nothing is in them and nobody is
// writing, and reports whether they hold none now. Runs on the lcore. A writer that
// comes at this very moment waits for the lock as for another writer.
func (sk *Sock) DropRings() bool {
	sk.RX.Drop()
	switch w := sk.writer.Load(); {
	case w == nil: // nobody has it yet: somebody may adopt it, and write, just now
	case w == &nobody:
		sk.TX.Drop()
	case w.free(sk.Core()):
		sk.TX.Drop()
	case w.mu.TryLock():
		sk.TX.Drop()
		w.mu.Unlock()
	}
	return sk.RX.Cap()+sk.TX.Cap() == 0
}

// Consumed tells the lcore that the application has read up to RX.Tail, if
// the lcore asked to hear of it. Application side.
func (sk *Sock) Consumed() {
	sk.req.Or(0) // a fence: the lcore says where it wants to hear, and then looks how far we are
	if sk.RX.Tail() < sk.WantTail.Load() {
		return
	}
	if c := sk.Core(); c.here() {
		sk.Proto.Request(sk, ReqRead, c.Now)
	} else {
		sk.Kick(ReqRead)
	}
}

// ConsumedHere is Consumed by code on the lcore of sk.
func (sk *Sock) ConsumedHere() {
	if sk.RX.Tail() >= sk.WantTail.Load() {
		sk.Proto.Request(sk, ReqRead, sk.Core().Now)
	}
}
