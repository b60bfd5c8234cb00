package pmd

import (
	"errors"
	"fmt"

	"dataplane/mbuf"
)

// Port is one network interface as a driver presents it.
//
// Info and Queue work from Open on. Start comes before the first burst, Close after
// the last one of this port (the far end of a link may go on). In between, queue i
// belongs to lcore i.
type Port interface {
	// Info says what the port is and can do. It does not change.
	Info() Info
	// Start borrows the pools until Close: queue i receives into
	// pools[i%len(pools)], whose owner must be the lcore that polls queue i.
	Start(pools []*mbuf.Pool) error
	// Queue returns queue i, 0 <= i < Info().Queues.
	Queue(i int) Queue
	// LinkUp reports whether frames can reach the other side. Any goroutine.
	LinkUp() bool
	// Stats returns the counters since Start. Any goroutine. A queue in memory may
	// hold back the last few frames until polls find nothing, twice in a row.
	Stats() Stats
	// Close ends the port. The buffers it held are on their way home: those of
	// the port's own pools are back once their owner runs Housekeep. A second
	// Close does nothing and returns nil.
	Close() error
}

// Queue is one receive and one transmit queue of a port. One lcore calls it.
type Queue interface {
	// RxBurst returns up to len(b) frames in b[:n]. The caller owns them.
	RxBurst(b []*mbuf.Mbuf) (n int)
	// TxBurst takes the first n frames of b. The caller still owns b[n:].
	TxBurst(b []*mbuf.Mbuf) (n int)
	// FD returns a descriptor that is readable when frames wait, or -1.
	FD() int
}

// Notifier is a Queue that can wake its sleeping core without a descriptor.
type Notifier interface {
	// Notify registers wake, which the driver calls, from any thread, after
	// frames became receivable, and after a queue that had refused frames has
	// room again. wake must be cheap, must not block, and may be called when
	// there is nothing to do. Called by the core's setup, before its first burst.
	Notify(wake func())
}

// Own is a Queue that nobody fills but the core that polls it.
type Own interface {
	// Stirred returns where it says whether it must be polled; it need not be while that is
	// false. The core reads it between bursts.
	Stirred() *bool
}

// Info describes a port.
type Info struct {
	Driver   string  // the name it is registered by: "wire", "tap", ...
	Device   string  // what the driver was asked to open
	MAC      [6]byte // the station address
	MTU      int     // greatest IP packet in one frame
	Queues   int     // receive and transmit queues, in pairs
	Offloads Offload // what the port does for us, after negotiation
	Speed    uint64  // bit/s; 0: unknown
	MaxTSO   int     // greatest IP packet of a super-segment; 0: none
	Loopback bool    // everything sent comes back
	NoARP    bool    // the link has no neighbours to resolve
	Mode     string  // how the driver works, where it had a choice
}

// MayStart is what a driver's Start looks at first: the error says why the port, in
// this state, cannot be started with these pools.
func (i *Info) MayStart(closed, started bool, pools []*mbuf.Pool) error {
	switch {
	case closed:
		return fmt.Errorf("%s: start: the port is closed", i.Device)
	case started:
		return fmt.Errorf("%s: start: the port runs already", i.Device)
	case len(pools) == 0:
		return fmt.Errorf("%s: start: no buffer pools", i.Device)
	}
	return nil
}

// RoomFor returns the data room of pool's buffers, in enough of which frames of longest
// bytes can be received.
func RoomFor(pool *mbuf.Pool, longest int) (room int, err error) {
	if room = pool.DataRoom(); room == 0 {
		return 0, errors.New("the buffer pool is empty")
	}
	if need := longest/room + 1; pool.Size() < 2*need {
		return 0, fmt.Errorf("the pool has %d buffers of %d bytes; %d are needed to receive frames of %d bytes",
			pool.Size(), room, 2*need, longest)
	}
	return room, nil
}

// Stats counts what passed a port.
type Stats struct {
	IPackets, IBytes uint64 // received and handed to the core
	OPackets, OBytes uint64 // given to the link
	IMissed          uint64 // lost because nobody fetched them in time
	IErrors          uint64 // received and not usable
	OErrors          uint64 // taken from the core and not sent
	RxNoMbuf         uint64 // lost because the pool was empty
}

// Overhead is what Ethernet adds to an IP packet: 14 bytes of header and 4 of an
// 802.1Q tag. A frame longer than MTU + Overhead is not sent.
const Overhead = 18

// MaxFrame is the longest super-segment, including its link header.
const MaxFrame = 65535 + Overhead
