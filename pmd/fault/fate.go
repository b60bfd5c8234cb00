package fault

// The draws of a frame, each with a number of its own.
const (
	drawLose = iota
	drawDuplicate
	drawReorder
	drawGap
	drawCorrupt
	drawBit
	drawTruncate
	drawLength
	drawJitter
	drawsPerFrame = 16
)

// dice are the draws of one direction of one queue: a counter-based generator, so
// that the i-th frame's fate does not depend on what was asked before.
type dice struct{ base uint64 }

func newDice(seed uint64, direction, queue int) dice {
	return dice{mix(mix(seed) + uint64(direction)<<32 + uint64(queue))}
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable
// pseudorandom number generators, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// word returns draw k of frame i.
func (d dice) word(i uint64, k int) uint64 {
	return mix(d.base + (i*drawsPerFrame+uint64(k))*0x9e3779b97f4a7c15)
}

// below returns draw k of frame i as a number in [0, n), n > 0.
func (d dice) below(i uint64, k int, n uint64) uint64 { return d.word(i, k) % n }

// hit reports whether draw k of frame i falls within the chance.
func (d dice) hit(i uint64, k int, chance float64) bool {
	return chance > 0 && float64(d.word(i, k)>>11)*0x1p-53 < chance
}

// lost reports whether frame i is in a run of losses: each frame starts one with
// the chance lose/burst.
func (d dice) lost(i uint64, lose float64, burst int) bool {
	if lose <= 0 {
		return false
	}
	for k := uint64(0); k < uint64(burst) && k <= i; k++ {
		if d.hit(i-k, drawLose, lose/float64(burst)) {
			return true
		}
	}
	return false
}
