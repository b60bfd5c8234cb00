//go:build dpdk

package cthread

/*
#cgo CFLAGS: -O2 -D_GNU_SOURCE
#cgo LDFLAGS: -lpthread
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

typedef struct {
	int cpu;
	uint64_t ns;
	uint64_t *shorts, nshort;
	uint64_t *longs, nlong, caplong;
	uint64_t missed;
	int64_t involuntary;
	int err;
} job;

static uint64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int64_t involuntary(void) {
	struct rusage u;
	return getrusage(RUSAGE_THREAD, &u) ? 0 : u.ru_nivcsw;
}

static void *spin(void *p) {
	job *j = p;
	if (j->cpu >= 0) {
		cpu_set_t set;
		CPU_ZERO(&set);
		CPU_SET(j->cpu, &set);
		j->err = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
		if (j->err)
			return 0;
	}
	int64_t before = involuntary();
	uint64_t last = now(), end = last + j->ns;
	while (last < end) {
		uint64_t t = now(), gap = t - last;
		last = t;
		if (gap < j->nshort)
			j->shorts[gap]++;
		else if (j->nlong < j->caplong)
			j->longs[j->nlong++] = gap;
		else
			j->missed++;
	}
	j->involuntary = involuntary() - before;
	return 0;
}

static int run(job *j) {
	sigset_t all, old;
	pthread_t t;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = pthread_create(&t, 0, spin, j);
	pthread_sigmask(SIG_SETMASK, &old, 0);
	if (err)
		return err;
	pthread_join(t, 0);
	return j->err;
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

const (
	shorts = 1024
	longs  = 1 << 20
)

// Known reports whether Spin works.
const Known = true

// Spin reads the clock for d on a new thread, bound to a CPU unless that is
// negative, and returns the gaps. The calling goroutine waits in C.
func Spin(cpu int, d time.Duration) (*Gaps, error) {
	g := &Gaps{Short: make([]uint64, shorts), Long: make([]uint64, longs)}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&g.Short[0])
	pin.Pin(&g.Long[0])
	j := &C.job{
		cpu: C.int(cpu), ns: C.uint64_t(d),
		shorts: (*C.uint64_t)(unsafe.Pointer(&g.Short[0])), nshort: shorts,
		longs: (*C.uint64_t)(unsafe.Pointer(&g.Long[0])), caplong: longs,
	}
	if err := C.run(j); err != 0 {
		return nil, fmt.Errorf("cthread: a thread on CPU %d: %w", cpu, syscall.Errno(err))
	}
	g.Long = g.Long[:j.nlong]
	g.Missed, g.Involuntary = uint64(j.missed), int64(j.involuntary)
	return g, nil
}
