package ring

import "sync/atomic"

// Order is a word of one thread, for its Fences.
type Order struct{ word atomic.Uint32 }

// Fence waits until all that the caller has stored can be seen by others. What it loads
// from here on is not older than that. Every atomic read-modify-write does the same.
func (o *Order) Fence() { o.word.Add(0) }
