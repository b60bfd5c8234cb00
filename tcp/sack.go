package tcp

// Limits of the sender's scoreboard.
const (
	maxSacked = 128 // ranges remembered; more holes than this are found again later
	dupThresh = 3   // RFC 6675 2
)

// scoreboard is what the peer has reported by SACK above SND.UNA: RFC 6675.
// Ranges are sorted, disjoint and not touching, all within (una, nxt].
//
//	una           highRxt            lossEdge               nxt
//	 | hole [r0) hole | [r1)  hole     | [r2) hole [r3) hole |
//	 `- resent -------'                `- not yet known lost -'
//
// It takes memory with the first SACK and keeps it; every operation is bounded
// by maxSacked steps whatever the peer sends.
type scoreboard struct {
	r      []Block
	sacked int    // bytes in r
	mss    uint32 // full segment, for IsLost; set by SetMSS
	edge   uint32 // holes below it are lost; valid when hasEdge

	hasEdge bool
	rescued bool   // RFC 6675 2: RescueRxt is defined
	rescue  uint32 // RescueRxt
}

// Rules of RFC 6675 4, NextSeg().
const (
	segNone   = 0 // nothing may be sent
	segLost   = 1 // a hole that counts as lost
	segNew    = 2 // new data
	segHole   = 3 // a hole that does not count as lost yet
	segRescue = 4 // the last hole again, once per recovery
)

// SetMSS sets the size of a full segment.
func (s *scoreboard) SetMSS(mss int) {
	if s == nil {
		return
	}
	s.mss = uint32(mss)
	s.findEdge()
}

// Update takes an ACK: una is SND.UNA after it, nxt SND.NXT, blocks its SACK
// blocks. It returns how many bytes became known as received, and whether the
// first block reports a duplicate (RFC 2883). Blocks that are inverted, empty
// or not within una..nxt are refused, and so are new ranges beyond maxSacked.
func (s *scoreboard) Update(una, nxt uint32, blocks []Block) (newBytes int, dsack bool) {
	s.advance(una)
	for i, b := range blocks {
		if i == 0 && isDSACK(una, blocks) {
			dsack = true
			continue
		}
		// RFC 2018 3: a block lies above the cumulative ACK; one that starts
		// at it contradicts it.
		if seqLT(b.Start, b.End) && seqGT(b.Start, una) && seqLEQ(b.End, nxt) {
			newBytes += s.add(b)
		}
	}
	s.findEdge()
	return newBytes, dsack
}

// isDSACK: RFC 2883 4: the first block reports bytes below the cumulative ACK,
// or lies within the second block.
func isDSACK(una uint32, blocks []Block) bool {
	b := blocks[0]
	if !seqLT(b.Start, b.End) {
		return false
	}
	if seqLT(b.Start, una) && seqLEQ(b.End, una) {
		return true
	}
	return len(blocks) > 1 && seqGEQ(b.Start, blocks[1].Start) && seqLEQ(b.End, blocks[1].End)
}

// advance forgets what the cumulative ACK has passed. An ACK that stops at
// or inside a range shows that the peer has thrown data away that it had
// reported (RFC 2018 8): then nothing reported before is believed any more.
func (s *scoreboard) advance(una uint32) {
	n := 0
	for n < len(s.r) && seqLEQ(s.r[n].End, una) {
		s.sacked -= int(s.r[n].End - s.r[n].Start)
		n++
	}
	if n > 0 {
		s.r = append(s.r[:0], s.r[n:]...)
	}
	if len(s.r) > 0 && seqLEQ(s.r[0].Start, una) {
		s.r, s.sacked = s.r[:0], 0
	}
	if s.rescued && seqGT(una, s.rescue) {
		s.rescued = false // RFC 6675 4, NextSeg (4): HighACK has passed RescueRxt
	}
}

// add joins b with the ranges it touches; it returns how much of it was new.
func (s *scoreboard) add(b Block) int {
	i := s.find(b.Start)
	j, old := i, 0
	for ; j < len(s.r) && seqLEQ(s.r[j].Start, b.End); j++ {
		old += int(s.r[j].End - s.r[j].Start)
		b.Start = seqMin(b.Start, s.r[j].Start)
		b.End = seqMax(b.End, s.r[j].End)
	}
	switch {
	case i < j:
		s.r = append(s.r[:i+1], s.r[j:]...)
	case len(s.r) == maxSacked:
		return 0
	default:
		if s.r == nil {
			s.r = make([]Block, 0, maxSacked)
		}
		s.r = s.r[:len(s.r)+1]
		copy(s.r[i+1:], s.r[i:])
	}
	s.r[i] = b
	n := int(b.End-b.Start) - old
	s.sacked += n
	return n
}

// find is the index of the first range that ends at or after seq.
func (s *scoreboard) find(seq uint32) int {
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

// findEdge is IsLost() of RFC 6675 4 turned round: below the edge dupThresh
// separate ranges, or more than dupThresh-1 segments' worth of bytes, are
// reported above. It looks at dupThresh ranges at most.
func (s *scoreboard) findEdge() {
	s.hasEdge = false
	var above uint32
	for n, i := 1, len(s.r)-1; i >= 0; n, i = n+1, i-1 {
		above += s.r[i].End - s.r[i].Start
		if n >= dupThresh || above > (dupThresh-1)*s.mss {
			s.edge, s.hasEdge = s.r[i].Start, true
			return
		}
	}
}

// IsLost: the byte at seq, not reported as received, counts as lost.
func (s *scoreboard) IsLost(seq uint32) bool {
	return s.hasEdge && seqLT(seq, s.edge)
}

// sackedBelow is the number of bytes reported as received before seq.
func (s *scoreboard) sackedBelow(seq uint32) (n int) {
	for _, b := range s.r {
		if seqGEQ(b.Start, seq) {
			break
		}
		n += int(seqMin(b.End, seq) - b.Start)
	}
	return n
}

// Pipe is SetPipe() of RFC 6675 4: an estimate of the bytes in the network.
// highRxt is the end of what was retransmitted in this recovery, una if nothing.
func (s *scoreboard) Pipe(una, nxt, highRxt uint32) int {
	from := una // below it everything not reported is lost
	if s.hasEdge {
		from = seqMax(una, s.edge)
	}
	pipe := int(nxt-from) - (s.sacked - s.sackedBelow(from))
	if seqGT(highRxt, una) {
		pipe += int(highRxt-una) - s.sackedBelow(highRxt)
	}
	return pipe
}

// NextSeg is NextSeg() of RFC 6675 4: which bytes to send next in recovery.
// It returns their start, their number (at most a segment, and not into a
// reported range) and the rule by which they were chosen. canNew says that
// there is new data and that the peer's window has room for it; by segNew the
// caller sends from nxt as much as it likes, n is 0. After segLost and segHole
// the caller moves highRxt to start+n; after segRescue it calls Rescued.
func (s *scoreboard) NextSeg(una, nxt, highRxt uint32, canNew bool) (start uint32, n int, rule int) {
	start, n = s.hole(seqMax(una, highRxt))
	if n > 0 && s.IsLost(start) {
		return start, n, segLost
	}
	if canNew {
		return nxt, 0, segNew
	}
	if n > 0 {
		return start, n, segHole
	}
	if !s.rescued && len(s.r) > 0 {
		start, n = s.lastHole(una, nxt)
		if n > 0 {
			return start, n, segRescue
		}
	}
	return nxt, 0, segNone
}

// hole is the first part of at most a segment at or after seq that is not
// reported but lies below something that is (RFC 6675 4, NextSeg 1.a and 1.b).
func (s *scoreboard) hole(seq uint32) (start uint32, n int) {
	i := s.find(seq + 1) // the first range that ends after seq
	if i == len(s.r) {
		return seq, 0
	}
	if seqLEQ(s.r[i].Start, seq) {
		seq = s.r[i].End
		if i++; i == len(s.r) {
			return seq, 0
		}
	}
	return seq, int(min(s.r[i].Start-seq, s.mss))
}

// lastHole is the end, at most a segment, of the highest bytes that were sent
// and are not reported (RFC 6675 4, NextSeg 4).
func (s *scoreboard) lastHole(una, nxt uint32) (start uint32, n int) {
	from, end := una, nxt
	for i := len(s.r) - 1; i >= 0; i-- {
		if s.r[i].End != end {
			from = s.r[i].End
			break
		}
		end = s.r[i].Start
	}
	n = int(min(end-from, s.mss))
	return end - uint32(n), n
}

// Rescued notes that a segment went out by segRescue; recover is RecoveryPoint.
func (s *scoreboard) Rescued(recover uint32) { s.rescue, s.rescued = recover, true }

// EnterRecovery makes RescueRxt undefined again. RFC 6675 2.
func (s *scoreboard) EnterRecovery() { s.rescued = false }

// Empty: nothing is reported.
func (s *scoreboard) Empty() bool { return s == nil || len(s.r) == 0 }

// Bytes is the number of bytes reported as received.
func (s *scoreboard) Bytes() int { return s.sacked }

// Highest is the end of the highest reported range, or una.
func (s *scoreboard) Highest(una uint32) uint32 {
	if len(s.r) == 0 {
		return una
	}
	return s.r[len(s.r)-1].End
}

// Clear forgets all reports: RFC 2018 8: after a retransmission time-out the
// peer may have thrown away what it reported.
func (s *scoreboard) Clear() {
	*s = scoreboard{r: s.r[:0], mss: s.mss}
}
