package lcore

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// SetRealtime lets the threads of locked cores go before all ordinary threads of the
// machine (SCHED_FIFO, the least priority there is), so that a neighbour on the CPU
// waits for the core and not the core for its time slice. The kernel keeps a
// twentieth of the CPU for those who would starve. Start fails where the process may
// not, or the cores are not locked.
func (g *Group) SetRealtime(on bool) { g.realtime = on }

// raise makes the calling thread, which is locked, a real-time one.
func raise() (restore func(), err error) {
	old, err := unix.SchedGetAttr(0, 0)
	if err == nil {
		err = unix.SchedSetAttr(0, &unix.SchedAttr{
			Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1,
			Flags: unix.SCHED_FLAG_RESET_ON_FORK, // threads that it makes are ordinary
		}, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("lcore: real-time scheduling (root, CAP_SYS_NICE or RLIMIT_RTPRIO allow it): %w", err)
	}
	return func() {
		// If it cannot be given back the thread ends with its goroutine or stays
		// ahead of others: no error at the end of a run.
		old.Flags = 0
		unix.SchedSetAttr(0, old, 0) //nolint:errcheck
	}, nil
}
