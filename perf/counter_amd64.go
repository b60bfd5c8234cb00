package perf

const hasCounter = true

// counter reads the CPU's time-stamp counter.
func counter() uint64
