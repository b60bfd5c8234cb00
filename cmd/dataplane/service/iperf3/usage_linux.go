package iperf3

import (
	"time"

	"golang.org/x/sys/unix"
)

// usage is the CPU time that the process had used at a moment.
type usage struct {
	at        time.Time
	user, sys time.Duration
}

func startUsage() usage {
	u := usage{at: time.Now()}
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) == nil {
		u.user, u.sys = time.Duration(r.Utime.Nano()), time.Duration(r.Stime.Nano())
	}
	return u
}

// percent returns what was used since, in percent of one CPU.
func (u usage) percent() (total, user, sys float64) {
	now := startUsage()
	wall := now.at.Sub(u.at).Seconds()
	if wall <= 0 {
		return 0, 0, 0
	}
	user = 100 * (now.user - u.user).Seconds() / wall
	sys = 100 * (now.sys - u.sys).Seconds() / wall
	return user + sys, user, sys
}
