//go:build !amd64

package ip

import "math"

// vectorMin is the length from which vector instructions pay: there are none.
const vectorMin = math.MaxInt

func sumBlocks(b []byte) (acc uint64, rest []byte) { return 0, b }
