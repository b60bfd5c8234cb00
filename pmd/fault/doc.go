// Package fault wraps a port and spoils what passes it, by a seed: loss,
// duplication, reordering, bit errors, truncation, delay, a rate with a queue, and
// an MTU black hole, each direction by its own rules.
//
// The fate of a frame depends only on the seed, the direction, the queue and the
// frame's number there, so a run repeats exactly, and changing one probability
// leaves the other draws as they were. Time comes from Config.Now: in virtual time
// a test reads Next, moves its clock there and polls again; in real time a timer
// wakes the core that sleeps over a delayed frame.
//
// The wrapper offers no checksum or segmentation offload, because damage must meet
// a verifier: give the wrapped port, and its far end, none either. Each queue runs
// on the lcore of the wrapped queue.
package fault
