package pcap

import (
	"encoding/binary"
	"sync/atomic"

	"dataplane/internal/ring"
	"dataplane/mbuf"
	"dataplane/perf"
)

const (
	asyncRoom = 4 << 20 // bytes between an lcore and the goroutine
	syncRoom  = 1 << 20 // emptied after every burst; holds any single frame
	recordLen = 16
)

// direction says which way a frame went.
type direction uint32

const (
	received direction = 1
	sent     direction = 2
)

// record stands in front of each frame in the ring.
type record struct {
	at     perf.Tick
	length int
	dir    direction
}

// track is the way of one queue's frames to the file.
//
// The lcore copies frames in behind what it has published and publishes those that
// really passed; the goroutine reads and releases.
type track struct {
	ring ring.Bytes
	head [recordLen]byte // the lcore's scratch

	// The goroutine's: the oldest record, when one has been looked at.
	next   record
	looked bool

	seen    atomic.Uint64 // frames that passed; written by the lcore
	dropped atomic.Uint64 // of these, not recorded; written by the lcore
}

// init takes all the memory there will ever be.
func (t *track) init(room int) {
	t.ring.Init(room)
	t.ring.Write(make([]byte, room))
	t.ring.Release(t.ring.Head())
}

// put borrows m and copies it to pos, which is at or behind the head. It returns
// the position behind the copy; pos itself when there is no room.
func (t *track) put(pos uint64, m *mbuf.Mbuf, dir direction, now perf.Tick) uint64 {
	left := int(m.PktLen)
	if int(pos-t.ring.Head())+recordLen+left > t.ring.Free() {
		return pos
	}
	at := pos + recordLen
	for s := m; s != nil && left > 0; s = s.Next() {
		b := s.Bytes()
		b = b[:min(len(b), left)]
		if len(b) > 0 {
			t.ring.WriteAt(at, b)
		}
		at += uint64(len(b))
		left -= len(b)
	}
	binary.LittleEndian.PutUint64(t.head[0:], uint64(now))
	binary.LittleEndian.PutUint32(t.head[8:], uint32(at-pos-recordLen))
	binary.LittleEndian.PutUint32(t.head[12:], uint32(dir))
	t.ring.WriteAt(pos, t.head[:])
	return at
}

// publish hands everything before pos to the goroutine. It counts frames that
// passed, lost of which are not there.
func (t *track) publish(pos uint64, frames, lost int) {
	t.seen.Add(uint64(frames))
	if lost > 0 {
		t.dropped.Add(uint64(lost))
	}
	t.ring.Publish(pos)
}

// peek looks at the oldest record.
func (t *track) peek() (record, bool) {
	if t.looked {
		return t.next, true
	}
	var b [recordLen]byte
	if t.ring.Len() < recordLen {
		return record{}, false
	}
	t.ring.CopyAt(b[:], t.ring.Tail())
	t.next = record{
		at:     perf.Tick(binary.LittleEndian.Uint64(b[0:])),
		length: int(binary.LittleEndian.Uint32(b[8:])),
		dir:    direction(binary.LittleEndian.Uint32(b[12:])),
	}
	t.looked = true
	return t.next, true
}

// pop copies the frame that was peeked at into p and releases it.
func (t *track) pop(p []byte) {
	from := t.ring.Tail() + recordLen
	t.ring.CopyAt(p, from)
	t.ring.Release(from + uint64(len(p)))
	t.looked = false
}
