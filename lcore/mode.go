package lcore

import (
	"fmt"
	"runtime"
)

// Mode says on what kind of thread a core runs. The turn is the same.
type Mode uint8

const (
	// Auto is Locked where that leaves two CPUs to the applications, else
	// Shared.
	Auto Mode = iota
	// Locked is a thread of its own, pinned to a CPU, that never yields while
	// there is work.
	Locked
	// Shared is an ordinary goroutine beside those of the applications.
	Shared
)

// String returns the mode as ParseMode takes it.
func (m Mode) String() string { return name(m, []string{"auto", "locked", "shared"}) }

// ParseMode is the reverse of String.
func ParseMode(s string) (Mode, error) {
	return parse(s, "lcore mode", []Mode{Auto, Locked, Shared})
}

// Idle says what a core does when there is nothing to do.
type Idle uint8

const (
	// Adaptive polls on for some tens of microseconds, then sleeps until a
	// frame, a request or a timer is due.
	Adaptive Idle = iota
	// Spin polls on for ever.
	Spin
	// Sleep goes to sleep at once.
	Sleep
)

// String returns the policy as ParseIdle takes it.
func (i Idle) String() string { return name(i, []string{"adaptive", "spin", "sleep"}) }

// ParseIdle is the reverse of String.
func ParseIdle(s string) (Idle, error) {
	return parse(s, "idle policy", []Idle{Adaptive, Spin, Sleep})
}

// name returns the name of v, "?" when it has none.
func name[T ~uint8](v T, names []string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return "?"
}

// parse finds the value that is called s; what says what was looked for.
func parse[T interface {
	~uint8
	fmt.Stringer
}](s, what string, all []T) (T, error) {
	known := ""
	for _, v := range all {
		if v.String() == s {
			return v, nil
		}
		known += " " + v.String()
	}
	return 0, fmt.Errorf("unknown %s %q (known:%s)", what, s, known)
}

// spare is how many CPUs and Ps locked lcores must leave to the applications. With one
// alone the goroutines, and the dispatcher that wakes them, get less done beside a
// locked lcore than among each other (docs/decisions/0025).
const spare = 2

// ChooseMode decides Auto for n cores, and says why.
func ChooseMode(n int) (Mode, string) {
	return choose(n, len(allowedCPUs()), runtime.GOMAXPROCS(0))
}

func choose(n, cpus, procs int) (Mode, string) {
	have := fmt.Sprintf("%d lcore(s), %d CPU(s) allowed, GOMAXPROCS %d", n, cpus, procs)
	if cpus >= n+spare && procs >= n+spare {
		return Locked, have + ": each lcore gets a thread and a CPU of its own"
	}
	return Shared, have + ": the lcores share the CPUs with the applications"
}
