package sock

import (
	"syscall"

	"dataplane/internal/ring"
	"dataplane/perf"
)

// Origins of trouble, as Linux numbers them (SO_EE_ORIGIN_*).
const (
	OriginLocal = 1
	OriginICMP  = 2
	OriginICMP6 = 3
)

// Trouble is one error of the error queue, Linux's struct sock_extended_err with what
// belongs to it. Behind it lies the payload of the packet that it is about, as far as it
// was quoted.
type Trouble struct {
	Peer, Offender     Name // to whom the packet went, and who reports; the zero Name: this host
	Errno              syscall.Errno
	Origin, Type, Code uint8
	Info               uint32 // the path's MTU, where that is the trouble
	Time               perf.Tick
}

// errQueueLen bounds what waits in an error queue, in bytes; more is lost, as in Linux.
const errQueueLen = 16 << 10

// infoLen is what a record has in front of the payload.
const infoLen = 4

// ErrQueue is the error queue of a Sock that asked for one (IP_RECVERR): filled by its
// lcore, emptied by the application under Rd's lock.
type ErrQueue struct{ r ring.Bytes }

// NewErrQueue returns an empty queue.
func NewErrQueue() *ErrQueue {
	q := new(ErrQueue)
	q.r.Init(errQueueLen)
	return q
}

// Push appends t and the payload, and reports whether there was room. Runs on the lcore.
func (q *ErrQueue) Push(t *Trouble, payload []byte) bool {
	var info [infoLen]byte
	le.PutUint32(info[:], t.Info)
	d := Datagram{
		Peer: t.Peer, Local: t.Offender, TTL: t.Origin, Time: t.Time,
		Flags: uint16(t.Type)<<8 | uint16(t.Code), Seg: uint16(t.Errno), Len: infoLen + len(payload),
	}
	return PutDatagram(&q.r, &d, info[:], payload)
}

// Len is 0 if the queue is empty.
func (q *ErrQueue) Len() int { return q.r.Len() }

// Pop takes the oldest error, and copies its payload to b; n is how long that was. False:
// there is none. Application side.
func (q *ErrQueue) Pop(t *Trouble, b []byte) (n int, ok bool) {
	var d Datagram
	x, y, ok := NextDatagram(&q.r, &d)
	if !ok {
		return 0, false
	}
	*t = Trouble{
		Peer: d.Peer, Offender: d.Local, Errno: syscall.Errno(d.Seg), Origin: d.TTL,
		Type: uint8(d.Flags >> 8), Code: uint8(d.Flags), Info: le.Uint32(x), Time: d.Time,
	}
	k := copy(b, x[infoLen:])
	copy(b[k:], y)
	DoneDatagram(&q.r, &d)
	return d.Len - infoLen, true
}

// Report notes t in the error queue, if sk has one, and as the pending error
// (sk_error_report). Borrows the payload. Runs on the lcore.
func (sk *Sock) Report(t *Trouble, payload []byte) {
	if r := sk.Opt.Rare; r != nil && r.Errs != nil {
		r.Errs.Push(t, payload)
	}
	sk.ErrorReport(t.Errno)
}
