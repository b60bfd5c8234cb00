package sock

import "sync"

// The reader's side of a Local: under the lock of the Socket's Rd.

// Next returns the oldest message, which stays where it is; false: there is none. Others
// than the reader may look, too.
func (q *Local) Next() (p Parcel, ok bool) {
	if q.count.Load() == 0 {
		return p, false
	}
	q.tasks.Lock(&q.mu)
	if ok = q.first < len(q.parcels); ok {
		p = q.parcels[q.first]
	}
	q.mu.Unlock()
	return p, ok
}

// Show copies from the oldest message, p, what fits in b, and returns how much it was.
func (q *Local) Show(p *Parcel, b []byte) int { return q.ShowAt(p, 0, b) }

// ShowAt is Show from an offset in the message.
func (q *Local) ShowAt(p *Parcel, off int, b []byte) int {
	return q.buf.CopyAt(b[:min(len(b), p.Len-off)], p.at+uint64(off))
}

// Drop takes p, the oldest message, out.
func (q *Local) Drop(p *Parcel) {
	q.remove()
	q.buf.Release(p.at + uint64(p.Len))
	if p.Out != nil {
		p.Out.read(p.Cost)
	}
	q.Rouse()
}

// read notes that n bytes have been read, and tells who sent them.
func (o *Outbox) read(n int) {
	o.used.Add(-int64(n))
	o.w.Wake()
}

// Read moves bytes of a stream into b, as many as are there, but not beyond those that
// something goes with, which it returns. Who only looks leaves everything where it is.
func (q *Local) Read(b []byte, look bool) (n int, extra any) {
	n = min(len(b), q.buf.Len()) // before the parcels, which are entered first
	if n == 0 {
		return 0, nil
	}
	pos := q.buf.Tail()
	p, ok := q.Next()
	if ok = ok && p.at < pos+uint64(n); ok {
		n, extra = min(n, int(p.at-pos)+p.Len), p.Extra
	}
	q.buf.CopyAt(b[:n], pos)
	if look {
		return n, extra
	}
	if ok {
		q.remove()
	}
	q.buf.Release(pos + uint64(n))
	if q.buf.Len() <= int(q.limit.Load())/2 { // a writer that was woken for less would be woken often
		q.Rouse()
	}
	return n, extra
}

// remove takes the oldest Parcel out.
func (q *Local) remove() {
	q.tasks.Lock(&q.mu)
	q.parcels[q.first] = Parcel{}
	if q.first++; q.first == len(q.parcels) {
		q.parcels, q.first = q.parcels[:0], 0
	} else if q.first >= 64 && q.first*2 >= len(q.parcels) {
		n := copy(q.parcels, q.parcels[q.first:])
		clear(q.parcels[n:])
		q.parcels, q.first = q.parcels[:n], 0
	}
	q.count.Add(-1)
	q.mu.Unlock()
}

// Close lets nobody write any more, and hears of what nobody will read: messages, and
// what went with bytes. It returns how many bytes and messages these were.
func (q *Local) Close(hear func(p *Parcel)) (bytes, messages int) {
	q.tasks.Lock(&q.wmu)
	q.state.Or(localDead)
	q.wmu.Unlock()
	bytes = q.Len()
	for {
		p, ok := q.Next()
		if !ok {
			break
		}
		messages++
		q.remove()
		if p.Out != nil {
			p.Out.read(p.Cost)
		}
		if hear != nil {
			hear(&p)
		}
	}
	q.buf.Release(q.buf.Head())
	q.buf.Drop()
	q.Rouse()
	return bytes, messages
}

// Lock takes mu. A task that finds it taken looks again in the next turn.
func (ts *Tasks) Lock(mu *sync.Mutex) {
	if mu.TryLock() {
		return
	}
	if t := ts.current(); t != nil {
		for !mu.TryLock() {
			t.pause()
		}
		return
	}
	mu.Lock()
}
