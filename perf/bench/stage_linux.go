package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The stages of the program, told by an environment variable.
const (
	stageVar  = "DATAPLANE_BENCH_STAGE"
	measuring = "measure"  // of one row
	isolated  = "isolated" // the same, in a network namespace of its own, which takes root
	kernel    = "kernel"   // the kernel's side of the TAP rows

	rowVar       = "DATAPLANE_BENCH_ROW"
	shareVar     = "DATAPLANE_BENCH_SHARE" // of the time
	kernelCPUVar = "DATAPLANE_BENCH_KERNEL_CPU"

	resultFD   = 3 // where a row's result goes
	kernelPort = 5001
)

// link3 is the network of a TAP: the kernel's address and ours.
type link3 struct{ host, peer netip.Addr }

// tapNet gives every TAP of the run a network of its own.
func tapNet(dir byte, side int) link3 {
	third := byte(side)
	if dir == readFromIt {
		third += 2
	}
	return link3{netip.AddrFrom4([4]byte{10, 7, third, 1}), netip.AddrFrom4([4]byte{10, 7, third, 2})}
}

// usage is what the process has used.
type usage struct {
	cpu       time.Duration
	preempted int64
}

func readUsage() usage {
	var ts unix.Timespec
	var ru unix.Rusage
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts) != nil || unix.Getrusage(unix.RUSAGE_SELF, &ru) != nil {
		panic("the process's clock cannot be read")
	}
	return usage{cpu: time.Duration(ts.Nano()), preempted: ru.Nivcsw}
}

// pickCPUs chooses the last CPU for us and another for the kernel's side.
func pickCPUs() (ours, theirs int, err error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return 0, 0, err
	}
	ours, theirs = -1, -1
	for cpu := range 1024 {
		if set.IsSet(cpu) {
			ours, theirs = cpu, ours
		}
	}
	if theirs < 0 {
		theirs = ours
	}
	return ours, theirs, nil
}

// restart runs the program again in another stage, pinned to CPUs. The caller's
// thread must be locked: a child inherits its thread's affinity.
func restart(stage string, set *unix.CPUSet, prepare func(*exec.Cmd) error) (*exec.Cmd, error) {
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), stageVar+"="+stage, fmt.Sprintf("GOMAXPROCS=%d", set.Count()))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := prepare(cmd); err != nil {
		return nil, err
	}
	if err := unix.SchedSetaffinity(0, set); err != nil {
		return nil, fmt.Errorf("pin to CPUs: %w", err)
	}
	err = cmd.Start()
	return cmd, errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// patience is how long a row may take beyond twice its time.
var patience = 60 * time.Second

// startRow starts the process that measures a row, and kills it when it is far too
// late. wait must be called when out has ended.
func startRow(r *row, share time.Duration) (out io.Reader, wait func() error, err error) {
	runtime.LockOSThread() // for Pdeathsig as well: the thread stays until the end
	ours, theirs, err := pickCPUs()
	if err != nil {
		return nil, nil, err
	}
	var set unix.CPUSet
	set.Set(ours)
	if r.cpus > 1 {
		set.Set(theirs)
	}
	pr, pw, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	prepare := func(cmd *exec.Cmd) error {
		cmd.Env = append(cmd.Env, rowVar+"="+r.name, shareVar+"="+share.String(), fmt.Sprintf("%s=%d", kernelCPUVar, theirs))
		cmd.ExtraFiles = []*os.File{pw} // resultFD
		cmd.Stdout = os.Stderr
		return nil
	}
	cmd, err := restart(isolated, &set, func(cmd *exec.Cmd) error {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
		return prepare(cmd)
	})
	if errors.Is(err, unix.EPERM) {
		cmd, err = restart(measuring, &set, prepare)
	}
	pw.Close()
	if err != nil {
		pr.Close()
		return nil, nil, err
	}
	limit := 2*share + patience
	late := time.AfterFunc(limit, func() { cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	return pr, func() error {
		err := cmd.Wait()
		pr.Close()
		if !late.Stop() {
			return fmt.Errorf("killed after %v: it hung", limit)
		}
		return err
	}, nil
}

// otherCPU is the CPU that this process is not pinned to.
func otherCPU() (int, error) {
	if v := os.Getenv(kernelCPUVar); v != "" {
		return strconv.Atoi(v)
	}
	_, theirs, err := pickCPUs() // in a test
	return theirs, err
}

// theKernel starts the kernel's side of the TAP rows, once in a process. It ends
// when this process does: its standard input, which is returned to be kept, tells.
var theKernel = sync.OnceValues(func() (stdin io.Closer, _ error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cpu, err := otherCPU()
	if err != nil {
		return nil, err
	}
	var set unix.CPUSet
	set.Set(cpu)
	var out io.ReadCloser
	_, err = restart(kernel, &set, func(cmd *exec.Cmd) error {
		cmd.SysProcAttr.Pdeathsig = 0 // the thread that starts it may end
		cmd.Stdout = nil
		var err error
		if stdin, err = cmd.StdinPipe(); err == nil {
			out, err = cmd.StdoutPipe()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		return nil, fmt.Errorf("the kernel's side did not start: %w", err)
	}
	return stdin, nil
})

// loopbackUp makes 127.0.0.1 work in a new namespace.
func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}

// manyFiles lets the process have as many sockets of the kernel's as it may.
func manyFiles() {
	const want = 1 << 20
	lim := unix.Rlimit{Cur: want, Max: want}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &lim) == nil {
		return
	}
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) == nil {
		lim.Cur = lim.Max
		unix.Setrlimit(unix.RLIMIT_NOFILE, &lim) //nolint:errcheck // a row that needs more says so
	}
}

// runKernel is the kernel's side: a server on package net.
func runKernel() error {
	l, err := listenKernel(fmt.Sprintf(":%d", kernelPort))
	if err != nil {
		return err
	}
	go accept(l, serveBulk)
	fmt.Print("!")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
