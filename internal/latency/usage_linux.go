package latency

import (
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"dataplane/perf"
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

// loss counts how often somebody took the CPU from a process that has one. A switch among
// its own threads is none: Go's monitor takes the CPU from the others a hundred times a
// second, which is the runtime's doing. So a switch counts if CPU time is missing with it,
// or at the next look, as it may come between the two readings of one. Where the process
// did not sleep, much time that is missing without a switch went to the hypervisor.
type loss struct {
	n                      int64
	wall, cpu              time.Duration // when last looked
	involuntary, voluntary int64
	switched               bool // before that look
}

const (
	// lossLeast is how much CPU time must be missing with a switch. The kernel's figures
	// are of microseconds, and a switch itself takes one or two.
	lossLeast = 5 * time.Microsecond
	// lossAlone is how much without one: an interrupt's work takes less.
	lossAlone = time.Duration(sliceTime)
)

// count returns how often so far.
func (l *loss) count() int64 {
	var ru unix.Rusage
	wall := perf.Now().Duration()
	if unix.Getrusage(unix.RUSAGE_SELF, &ru) == nil {
		l.look(wall, time.Duration(ru.Utime.Nano()+ru.Stime.Nano()), ru.Nivcsw, ru.Nvcsw)
	}
	return l.n
}

func (l *loss) look(wall, cpu time.Duration, involuntary, voluntary int64) {
	lost := (wall - l.wall) - (cpu - l.cpu)
	switched, slept := involuntary != l.involuntary, voluntary != l.voluntary
	if lost >= lossLeast && (switched || l.switched) || lost >= lossAlone && !slept {
		l.n++
	}
	l.wall, l.cpu, l.involuntary, l.voluntary, l.switched = wall, cpu, involuntary, voluntary, switched
}

// oneCPU reports whether the process has one CPU only: its first thread, and so all that
// nobody has confined.
func oneCPU() bool {
	var set unix.CPUSet
	return unix.SchedGetaffinity(os.Getpid(), &set) == nil && set.Count() == 1
}
