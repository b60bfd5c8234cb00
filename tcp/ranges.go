package tcp

// maxRanges bounds the intervals a receiver remembers beyond its first hole.
const maxRanges = 32

// ranges are the intervals a receiver holds beyond its first hole, sorted,
// disjoint and not touching. The bytes themselves lie in the socket's RX ring.
//
//	     rcvNxt
//	........|     [r0)   [r1)        [r2)     -> sequence numbers
//	received  hole     hole    hole
//
// All sequence numbers in it lie within half the circle of each other, as the
// window is at most 2^30. It takes memory with the first interval and keeps it.
type ranges struct {
	r       []rcvRange
	clock   uint32
	dup     Block // to be reported as D-SACK by the next Blocks
	hasDup  bool
	pending int // bytes in all intervals
}

// rcvRange is one interval and the moment it last grew, for newest first.
type rcvRange struct {
	Block
	stamp uint32
}

// inserted tells what Insert did with a segment.
type inserted struct {
	New    int   // bytes that were not there before
	Dup    Block // the first part that was; valid when HasDup
	HasDup bool
	Full   bool // refused: a new interval, and no room for one; nothing changed
}

// Insert adds the bytes [start, end), start being after RCV.NXT, joins the
// intervals they touch, and arms a D-SACK for the first part that was already
// there (RFC 2883 4). The caller has cut them to the window.
func (s *ranges) Insert(start, end uint32) (res inserted) {
	if !seqLT(start, end) {
		return res
	}
	i := s.find(start)
	j := i // r[i:j] are the intervals that touch or overlap the new one
	covered := 0
	lo, hi := start, end
	for ; j < len(s.r) && seqLEQ(s.r[j].Start, end); j++ {
		b := s.r[j].Block
		if a, z := seqMax(b.Start, start), seqMin(b.End, end); seqLT(a, z) {
			covered += int(z - a)
			if !res.HasDup {
				res.Dup, res.HasDup = Block{a, z}, true
			}
		}
		lo, hi = seqMin(lo, b.Start), seqMax(hi, b.End)
	}
	if i == j && len(s.r) == maxRanges {
		res.Full = true
		return res
	}
	res.New = int(end-start) - covered
	s.pending += res.New
	s.clock++
	s.replace(i, j, rcvRange{Block{lo, hi}, s.clock})
	if res.HasDup {
		s.Duplicate(res.Dup)
	}
	return res
}

// find is the index of the first interval that ends at or after seq.
func (s *ranges) find(seq uint32) int {
	i, n := 0, len(s.r)
	for i < n {
		if m := int(uint(i+n) / 2); seqLT(s.r[m].End, seq) {
			i = m + 1
		} else {
			n = m
		}
	}
	return i
}

// replace puts v in the place of r[i:j].
func (s *ranges) replace(i, j int, v rcvRange) {
	if s.r == nil {
		s.r = make([]rcvRange, 0, maxRanges)
	}
	if i == j {
		s.r = s.r[:len(s.r)+1]
		copy(s.r[i+1:], s.r[i:])
	} else {
		s.r = append(s.r[:i+1], s.r[j:]...)
	}
	s.r[i] = v
}

// Next is where the stream continues once everything before rcvNxt is there:
// it removes the intervals that rcvNxt has reached and returns the end of the
// last of them, or rcvNxt itself.
func (s *ranges) Next(rcvNxt uint32) uint32 {
	n := 0
	for ; n < len(s.r) && seqLEQ(s.r[n].Start, rcvNxt); n++ {
		s.pending -= int(s.r[n].End - s.r[n].Start)
		rcvNxt = seqMax(rcvNxt, s.r[n].End)
	}
	if n > 0 {
		s.r = append(s.r[:0], s.r[n:]...)
	}
	return rcvNxt
}

// Duplicate arms a D-SACK: the next Blocks reports b, bytes that arrived
// although they were there, first (RFC 2883 4). Bytes below RCV.NXT come here
// directly.
func (s *ranges) Duplicate(b Block) {
	s.dup, s.hasDup = b, true
}

// Blocks fills dst with what an ACK is to report and returns how many: an
// armed D-SACK first, once, then the intervals, those that changed last first
// (RFC 2018 4).
func (s *ranges) Blocks(dst []Block) int {
	n := 0
	if s.hasDup && len(dst) > 0 {
		dst[0], n = s.dup, 1
		s.hasDup = false
	}
	below := s.clock + 1 // every stamp is at most clock
	for n < len(dst) {
		best := -1
		for i := range s.r {
			if seqLT(s.r[i].stamp, below) && (best < 0 || seqGT(s.r[i].stamp, s.r[best].stamp)) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		dst[n], below = s.r[best].Block, s.r[best].stamp
		n++
	}
	return n
}

// Empty: there is no hole. (A D-SACK may still be armed: see Reports.)
func (s *ranges) Empty() bool { return s == nil || len(s.r) == 0 }

// Reports: Blocks would return something.
func (s *ranges) Reports() bool { return s != nil && (s.hasDup || len(s.r) > 0) }

// Len is the number of intervals.
func (s *ranges) Len() int { return len(s.r) }

// Bytes is the number of bytes held beyond the first hole.
func (s *ranges) Bytes() int { return s.pending }

// End is the end of the highest interval; there must be one.
func (s *ranges) End() uint32 { return s.r[len(s.r)-1].End }

// Clear forgets everything; what lies beyond the hole has to be sent again.
func (s *ranges) Clear() {
	*s = ranges{r: s.r[:0], clock: s.clock}
}
