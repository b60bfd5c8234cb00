// Package wire is a network card and a cable in memory: two ports, back to back,
// in one process. It serves tests, benchmarks, the demonstration where there is no
// TAP, and two planes that talk to each other.
//
// It behaves like a card with DMA. A sender puts its buffer into a descriptor
// ring; the receiver's side copies the frame into a buffer of its own pool, once,
// and marks the descriptor done; the sender takes its buffers back, in bulk, when there
// are some or nothing else is to do. So a pool's memory is only ever freed by its owner, and a receiver
// never holds a sender's buffer beyond one RxBurst.
//
// Each queue of each side belongs to one lcore, and the two sides may run on two
// threads. Queue i of one side is linked to queue i of the other.
package wire
