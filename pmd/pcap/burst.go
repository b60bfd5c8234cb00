package pcap

import "dataplane/mbuf"

// maxBurst is how many frames one TxBurst passes on.
const maxBurst = 256

// RxBurst returns up to len(b) frames in b[:n]. The caller owns them.
func (q *Queue) RxBurst(b []*mbuf.Mbuf) int {
	n := q.Queue.RxBurst(b)
	if n == 0 {
		return 0
	}
	now := q.now()
	pos := q.track.ring.Head()
	lost := 0
	for _, m := range b[:n] {
		end := q.track.put(pos, m, received, now)
		if end == pos && q.port.sync {
			q.track.publish(pos, 0, 0)
			q.port.out.drain()
			end = q.track.put(pos, m, received, now)
		}
		if end == pos {
			lost++
		}
		pos = end
	}
	q.publish(pos, n, lost)
	return n
}

// TxBurst takes the first n frames of b. The caller still owns b[n:].
func (q *Queue) TxBurst(b []*mbuf.Mbuf) int {
	if len(b) > maxBurst {
		b = b[:maxBurst]
	}
	if !q.port.sync {
		return q.send(b, len(b))
	}
	n := 0
	for n < len(b) {
		fits := q.fits(b[n:])
		taken := q.send(b[n:], fits)
		n += taken
		if taken < fits {
			break
		}
	}
	return n
}

// send passes on the first n frames of b. They are copied before the driver takes
// them and published when it is known how many it took.
func (q *Queue) send(b []*mbuf.Mbuf, n int) int {
	if n == 0 {
		return 0
	}
	now := q.now()
	start := q.track.ring.Head()
	pos := start
	for i, m := range b[:n] {
		pos = q.track.put(pos, m, sent, now)
		q.ends[i] = pos
	}
	taken := q.Queue.TxBurst(b[:n])
	if taken == 0 {
		return 0
	}
	lost, before := 0, start
	for _, end := range q.ends[:taken] {
		if end == before {
			lost++
		}
		before = end
	}
	q.publish(before, taken, lost)
	return taken
}

// fits returns how many frames of b an empty ring has room for, at least one.
func (q *Queue) fits(b []*mbuf.Mbuf) int {
	room := q.track.ring.Free()
	for i, m := range b {
		if room -= recordLen + int(m.PktLen); room < 0 && i > 0 {
			return i
		}
	}
	return len(b)
}

func (q *Queue) publish(pos uint64, frames, lost int) {
	q.track.publish(pos, frames, lost)
	if q.port.sync {
		q.port.out.drain()
	}
}
