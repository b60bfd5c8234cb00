package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The stages of the program, told by an environment variable.
const (
	stageVar  = "DATAPLANE_BENCH_STAGE"
	measuring = "measure"  // pinned; in a namespace of its own if it can be
	isolated  = "isolated" // the same, and it is in one
	kernel    = "kernel"   // the kernel's side of the TAP rows

	kernelCPUVar = "DATAPLANE_BENCH_KERNEL_CPU"
	kernelPort   = 5001
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

// restart runs the program again in another stage, pinned to a CPU. The caller's
// thread must be locked: a child inherits its thread's affinity.
func restart(stage string, cpu int, prepare func(*exec.Cmd)) (*exec.Cmd, error) {
	var set, before unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), stageVar+"="+stage, "GOMAXPROCS=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	prepare(cmd)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("pin to CPU %d: %w", cpu, err)
	}
	err = cmd.Start()
	return cmd, errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// launch is the first stage: it starts the second and waits for it.
func launch() error {
	runtime.LockOSThread()
	ours, theirs, err := pickCPUs()
	if err != nil {
		return err
	}
	stage := measuring
	if os.Geteuid() == 0 {
		stage = isolated
	}
	cmd, err := restart(stage, ours, func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", kernelCPUVar, theirs))
		if stage == isolated {
			cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
		}
	})
	if err != nil {
		return err
	}
	return cmd.Wait()
}

// startKernel starts the kernel's side of the TAP rows. It ends when stop is
// called, or when this process does.
func startKernel() (stop func(), err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cpu, err := strconv.Atoi(os.Getenv(kernelCPUVar))
	if err != nil {
		return nil, err
	}
	var out io.ReadCloser
	cmd, err := restart(kernel, cpu, func(cmd *exec.Cmd) {
		cmd.SysProcAttr.Pdeathsig = 0 // the thread that starts it may end; standard input tells
		cmd.Stdout = nil
		if _, err = cmd.StdinPipe(); err == nil {
			out, err = cmd.StdoutPipe()
		}
	})
	if err != nil {
		return nil, err
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		return nil, fmt.Errorf("the kernel's side did not start: %w", err)
	}
	return func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // it was killed
	}, nil
}

// runKernel is the kernel's side: an ordinary server on package net.
func runKernel() error {
	l, err := net.Listen("tcp4", fmt.Sprintf(":%d", kernelPort))
	if err != nil {
		return err
	}
	go accept(l, serveBulk)
	fmt.Print("!")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
