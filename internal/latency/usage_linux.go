package latency

import (
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what the process used during a measurement. Somebody else had the CPU
// after an involuntary context switch: neighbours of the machine show up here, and
// as milliseconds in the tail.
type Usage struct {
	CPU         time.Duration `json:"cpu_ns"`
	Involuntary int64         `json:"involuntary_switches"`
	Voluntary   int64         `json:"voluntary_switches"`
	GCs         int64         `json:"gc_cycles"`
}

// readUsage returns what the process has used so far. Where the kernel does not
// say, it is nothing.
func readUsage() Usage {
	var ru unix.Rusage
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	if unix.Getrusage(unix.RUSAGE_SELF, &ru) != nil {
		return Usage{GCs: gc.NumGC}
	}
	return Usage{
		CPU:         time.Duration(ru.Utime.Nano() + ru.Stime.Nano()),
		Involuntary: ru.Nivcsw, Voluntary: ru.Nvcsw, GCs: gc.NumGC,
	}
}

func (u Usage) since(o Usage) Usage {
	return Usage{u.CPU - o.CPU, u.Involuntary - o.Involuntary, u.Voluntary - o.Voluntary, u.GCs - o.GCs}
}

// processSwitches and threadSwitches return the involuntary context switches so far, of
// the process and of the calling thread.
func processSwitches() int64 { return switches(unix.RUSAGE_SELF) }
func threadSwitches() int64  { return switches(unix.RUSAGE_THREAD) }

func switches(who int) int64 {
	var ru unix.Rusage
	if unix.Getrusage(who, &ru) != nil {
		return 0
	}
	return ru.Nivcsw
}
