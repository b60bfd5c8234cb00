// Package ring holds what two threads share: bounded rings of items (SPSC,
// MPSC), a growing ring of bytes (Bytes) and the bell that wakes a sleeper
// (Doorbell). Nothing here blocks or locks.
//
// The sides are named producer and consumer; each may be an lcore or a
// goroutine, and each side is one thread at a time unless the type says
// otherwise. Go's atomics are sequentially consistent, so what a side wrote
// before it stored an index is visible to the side that loaded that index. A
// store costs an exchange on amd64, therefore indices are published once per
// burst, and every field that one side writes often has a cache line of its own.
package ring

// line is the size of a cache line pair: the prefetcher fetches lines in twos.
const line = 128

// ceilPow2 returns the smallest power of two that is at least n and at least 1.
func ceilPow2(n int) int {
	c := 1
	for c < n {
		c <<= 1
	}
	return c
}
