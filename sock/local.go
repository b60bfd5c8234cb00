package sock

import (
	"sync"
	"sync/atomic"
	"syscall"

	"dataplane/internal/ring"
)

// Local is what waits to be read at a socket that has no lcore: it lives between
// goroutines and resident tasks alone. It holds the bytes of a stream, or messages. Any
// number of them write; who reads holds the lock of the Socket's Rd. What is read, and
// whether there is room, is looked at without a lock, so that readiness is cheap.
//
//	writers  wmu held: look for room, copy the bytes, enter a Parcel (mu), publish, wake the reader
//	reader   Rd held: look, copy, take the Parcel out (mu), release the bytes, wake the writers
//
// A byte stream has a Parcel only where something goes with the bytes, so most often
// it takes mu for nothing, and allocates nothing.
//
// Whoever wakes is a goroutine, or a task: code on an lcore that is neither lets a
// goroutine do it.
type Local struct {
	buf   ring.Bytes
	tail  atomic.Uint64 // buf's; written by the reader
	rd    *Waiter       // the reader's; fixed by Init
	tasks *Tasks

	limit atomic.Int64 // bytes; written by SetLimits
	most  atomic.Int64 // messages; written by SetLimits
	state atomic.Uint32
	count atomic.Int32 // parcels; written under mu

	wmu sync.Mutex // held by who writes

	mu      sync.Mutex // of what follows
	parcels []Parcel   // from first on
	first   int
	want    []*Waiter   // who waits for room
	wanted  atomic.Bool // want is not empty; written under mu
}

// Parcel is one message, or what goes with some bytes of a stream.
type Parcel struct {
	Name  Name    // who sent it
	Named bool    // Name is set
	Len   int     // bytes
	Extra any     // of the family: what goes with it
	Out   *Outbox // of the sender; nil: nobody counts
	Cost  int     // what it counts for in Out

	at uint64 // position of the first byte
}

// Bits of state.
const (
	localOver uint32 = 1 << iota // nothing more comes
	localDead                    // nobody reads any more
)

// Outbox counts what a socket has sent and nobody has read yet.
type Outbox struct {
	used atomic.Int64 // costs; changed by the sender and by who reads
	w    *Waiter      // of the sender
}

// Init makes o the Outbox of s.
func (o *Outbox) Init(s *Socket) { o.w = s.Wr.w }

// Used returns how much is on its way.
func (o *Outbox) Used() int { return int(o.used.Load()) }

// Localize gives s, which will have no Sock, its places to wait in. Before anybody
// else knows s.
func (s *Socket) Localize(ts *Tasks) {
	if ts == nil {
		ts = noTasks
	}
	lane := ts.lane()
	w := new([2]Waiter)
	w[0].init(ts, lane, reader)
	w[1].init(ts, lane, writer)
	s.Rd.w, s.Wr.w = &w[0], &w[1]
}

// Init makes q the empty queue of s, which was localized, for so many bytes and
// messages.
func (q *Local) Init(s *Socket, bytes, messages int) {
	q.rd, q.tasks = s.Rd.w, s.Rd.w.tasks()
	q.buf.InitAt(bytes, &q.tail)
	q.SetLimits(bytes, messages)
}

// SetLimits bounds what may wait in q; what is there already stays. Any goroutine.
func (q *Local) SetLimits(bytes, messages int) {
	q.limit.Store(int64(bytes))
	q.most.Store(int64(messages))
	q.Rouse()
}

// Len returns how many bytes wait.
func (q *Local) Len() int { return q.buf.Len() }

// Messages returns how many messages wait.
func (q *Local) Messages() int { return int(q.count.Load()) }

// Over reports whether nothing more comes.
func (q *Local) Over() bool { return q.state.Load()&localOver != 0 }

// Dead reports whether nobody reads any more.
func (q *Local) Dead() bool { return q.state.Load()&localDead != 0 }

// Room returns how many bytes may still be written.
func (q *Local) Room() int { return int(q.limit.Load()) - q.buf.Len() }

// Fits reports whether there is room for a message of n bytes; one at least has it.
func (q *Local) Fits(n int) bool {
	k := int64(q.count.Load())
	return k < q.most.Load() && (k == 0 || int64(q.buf.Len()+n) <= q.limit.Load())
}

// Put appends a message. EAGAIN: there is no room; EPIPE: nobody reads.
func (q *Local) Put(p *Parcel, b []byte) error {
	q.tasks.Lock(&q.wmu)
	if q.state.Load() != 0 {
		q.wmu.Unlock()
		return syscall.EPIPE
	}
	if !q.Fits(len(b)) {
		q.wmu.Unlock()
		return syscall.EAGAIN
	}
	p.Len, p.at = len(b), q.buf.Head()
	q.copyIn(b)
	if p.Out != nil {
		p.Out.used.Add(int64(p.Cost))
	}
	q.enter(p)
	q.wmu.Unlock()
	q.rd.Wake()
	return nil
}

// Write appends what there is room for to a stream, and returns how much it was. extra,
// if it is not nil, goes with these bytes. EAGAIN: there is no room; EPIPE: nobody reads.
func (q *Local) Write(b []byte, extra any) (int, error) {
	q.tasks.Lock(&q.wmu)
	if q.state.Load() != 0 {
		q.wmu.Unlock()
		return 0, syscall.EPIPE
	}
	n := min(len(b), q.Room())
	if n <= 0 {
		q.wmu.Unlock()
		if len(b) == 0 {
			return 0, nil
		}
		return 0, syscall.EAGAIN
	}
	if extra != nil { // before its bytes are seen
		q.enter(&Parcel{Extra: extra, Len: n, at: q.buf.Head()})
	}
	q.copyIn(b[:n])
	q.wmu.Unlock()
	q.rd.Wake()
	return n, nil
}

// copyIn appends b. Under wmu.
func (q *Local) copyIn(b []byte) {
	x, y := q.buf.Reserve(q.buf.Head(), len(b))
	copy(y, b[copy(x, b):])
	q.buf.Commit(len(b))
}

// enter appends a Parcel. Under wmu.
func (q *Local) enter(p *Parcel) {
	q.tasks.Lock(&q.mu)
	q.parcels = append(q.parcels, *p)
	q.count.Add(1)
	q.mu.Unlock()
}

// Finish says that nothing more comes, and wakes the reader.
func (q *Local) Finish() {
	q.state.Or(localOver)
	q.rd.WakeFor(0)
}

// Want lets the writer of s be woken when there may be room. It looks for room once more
// afterwards.
func (q *Local) Want(s *Socket) {
	w := s.Wr.w
	q.tasks.Lock(&q.mu)
	for _, v := range q.want {
		if v == w {
			q.mu.Unlock()
			return
		}
	}
	q.want = append(q.want, w)
	q.wanted.Store(true)
	q.mu.Unlock()
}

// WaitRoom parks the writer of s, under the lock of its Wr, until there may be room in q
// for n bytes, all at once if they are a message, or none is needed any more: nobody
// reads, or s was shut down.
func (q *Local) WaitRoom(s *Socket, n, flags int, message bool) error {
	return s.Wr.Wait(flags, func() bool {
		q.Want(s)
		return q.state.Load() != 0 || s.IsShut(ShutWr) || message && q.Fits(n) || !message && q.Room() > 0
	})
}

// Rouse wakes who waits for room.
func (q *Local) Rouse() {
	if !q.wanted.Swap(false) { // a fence: who wants room from here on sees what was released
		return
	}
	q.tasks.Lock(&q.mu)
	for i, w := range q.want {
		w.Wake()
		q.want[i] = nil
	}
	q.want = q.want[:0]
	q.mu.Unlock()
}
