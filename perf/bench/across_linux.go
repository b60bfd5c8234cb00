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
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"dataplane/api"
	"dataplane/internal/latency"
	"dataplane/lcore"
	"dataplane/pmd"
	"dataplane/pmd/wire"
)

// lcoreCPU is the CPU that a locked lcore gets in a row with two of them.
var lcoreCPU = sync.OnceValues(func() (int, error) {
	ours, theirs, err := pickCPUs()
	if err == nil && ours == theirs {
		err = skipped("it needs two CPUs")
	}
	return ours, err
})

// confine leaves the process's threads, and those to come, one CPU: the other is the
// lcore's, or the other process's. Once.
var confine = sync.OnceValue(func() error {
	if _, err := lcoreCPU(); err != nil {
		return err
	}
	cpu, err := otherCPU()
	if err != nil {
		return err
	}
	var set unix.CPUSet
	set.Set(cpu)
	for range 3 { // one may be made by one that is not confined yet
		dir, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, e := range dir {
			if tid, err := strconv.Atoi(e.Name()); err == nil {
				unix.SchedSetaffinity(tid, &set) //nolint:errcheck // it may have ended
			}
		}
	}
	return nil
})

// residentTCP is planeTCP with resident tasks on both ends.
func residentTCP(n int, mk func([]net.Conn, latency.Place) load) (*subject, error) {
	p, err := openPlanes()
	if err != nil {
		return nil, err
	}
	conns, err := residentServer(p, n)
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return &subject{load: mk(conns, latency.Resident{Plane: p[0]}), packets: p.packets, close: p.close}, nil
}

// residentServer serves on the last of the planes and connects the first to it.
func residentServer(p planes, n int) ([]net.Conn, error) {
	l, err := p[len(p)-1].Listen("tcp", ":7")
	if err != nil {
		return nil, err
	}
	go l.(*api.TCPListener).ServeResident(serveEcho) //nolint:errcheck // until the plane closes
	conns := make([]net.Conn, n)
	to := "127.0.0.1:7"
	if len(p) > 1 {
		to = "10.0.0.2:7"
	}
	for i := range conns {
		if conns[i], err = p[0].Dial("tcp", to); err != nil {
			return nil, err
		}
	}
	return conns, nil
}

// planeAcross has two planes, a resident server on the lcore of one, which is locked on
// one CPU, and a resident client on that of the other, on the other CPU; locked: so is that.
func planeAcross(locked bool) (*subject, error) {
	cpu, err := lcoreCPU()
	if err == nil {
		err = confine()
	}
	if err != nil {
		return nil, err
	}
	pa, pb, err := wire.Pair(wire.Config{Name: "wire:0"}, wire.Config{Name: "wire:1"})
	if err != nil {
		return nil, err
	}
	var p planes
	for i, port := range []pmd.Port{pa, pb} {
		cfg := planeConfig()
		switch {
		case i == 1:
			cfg.Mode, cfg.Lcores = lcore.Locked, []int{cpu}
		case locked:
			runtime.GOMAXPROCS(3) // one for each lcore, and one for the rest
			cfg.Mode, cfg.Lcores = lcore.Locked, lcore.LastCPUs(1)
		}
		cfg.Ports = []api.Port{{Opened: port, Addrs: []netip.Prefix{netip.PrefixFrom(planeAddr(i), 24)}}}
		n, err := api.Open(cfg)
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		p = append(p, n)
	}
	conns, err := residentServer(p, 1)
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	l := &serviceTime{conns: conns, place: latency.Resident{Plane: p[0]}}
	return &subject{load: l, packets: p.packets, close: p.close}, nil
}

// appAcross has a plane whose lcore is locked on one CPU, with a resident server, and
// a goroutine on the other that talks to it over the plane's loopback.
func appAcross(spin bool) (*subject, error) {
	p, conns, err := lockedLoop()
	if err != nil {
		return nil, err
	}
	if spin {
		err = conns[0].(*api.TCPConn).SetBusyPoll(time.Minute)
	}
	return &subject{load: &serviceTime{conns: conns, place: latency.Goroutines{}}, close: p.close}, err
}

// lockedLoop is a plane on a locked lcore with a resident server that it reaches by its
// loopback, and a connection to that.
func lockedLoop() (planes, []net.Conn, error) {
	cpu, err := lcoreCPU()
	if err == nil {
		err = confine()
	}
	if err != nil {
		return nil, nil, err
	}
	n, err := api.Open(api.Config{Mode: lcore.Locked, Lcores: []int{cpu}, Buffers: 1024})
	if err != nil {
		return nil, nil, err
	}
	p := planes{n}
	conns, err := residentServer(p, 1)
	if err != nil {
		return nil, nil, errors.Join(err, p.close())
	}
	return p, conns, nil
}

// planeInLoop is one plane on a locked lcore whose resident tasks talk over its
// loopback, beside a neighbour that allocates.
func planeInLoop(rate float64) (*subject, error) {
	runtime.GOMAXPROCS(4) // of which the collector takes one whole, and no part of the lcore's
	p, conns, err := lockedLoop()
	if err != nil {
		return nil, err
	}
	var l load = &serviceTime{conns: conns, place: latency.Resident{Plane: p[0]}, alone: true}
	if rate > 0 {
		l = neighboured{l, rate}
	}
	return &subject{load: l, close: p.close}, nil
}

// kernelEcho is the stage of a process that echoes on the listener it was given.
const kernelEcho = "kernel-echo"

func runKernelEcho() error {
	l, err := net.FileListener(os.NewFile(resultFD, "listener"))
	if err != nil {
		return err
	}
	go accept(l, serveEcho)
	fmt.Print("!")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// vethAcross has the kernel's server in a process on one CPU, and its client in this
// one on the other, with a pair of veth between them.
func vethAcross(mk func([]net.Conn) load, spin bool) (*subject, error) {
	cpu, err := lcoreCPU()
	if err == nil {
		err = confine()
	}
	if err != nil {
		return nil, err
	}
	k, err := oneVeth()
	if err != nil {
		return nil, err
	}
	l, err := k.listen()
	if err != nil {
		return nil, err
	}
	stop, err := echoElsewhere(l.(*net.TCPListener), cpu)
	err = errors.Join(err, l.Close()) // the other process has its own
	if err != nil {
		return nil, err
	}
	c, err := dialKernel(l.Addr().String())
	if err != nil {
		stop()
		return nil, err
	}
	conn := c
	if spin {
		if conn, err = latency.Spinning(c); err != nil {
			return nil, err
		}
	}
	return &subject{load: mk([]net.Conn{conn}), packets: k.packets, close: func() error {
		err := c.Close()
		stop()
		return err
	}}, nil
}

// oneVeth is the row's pair of veth, with the offloads that it has by itself.
var oneVeth = sync.OnceValues(func() (kernelNet, error) { return vethNet(offloaded) })

// echoElsewhere starts the server's process.
func echoElsewhere(l *net.TCPListener, cpu int) (stop func(), err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f, err := l.File()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var set unix.CPUSet
	set.Set(cpu)
	var in io.WriteCloser
	var out io.ReadCloser
	cmd, err := restart(kernelEcho, &set, func(cmd *exec.Cmd) error {
		cmd.SysProcAttr.Pdeathsig = 0 // the thread that starts it may end
		cmd.Stdout, cmd.ExtraFiles = nil, []*os.File{f}
		var err error
		if in, err = cmd.StdinPipe(); err == nil {
			out, err = cmd.StdoutPipe()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		return nil, fmt.Errorf("the server's process did not start: %w", err)
	}
	return func() {
		in.Close() // its end
		cmd.Wait() //nolint:errcheck // whatever it says
	}, nil
}
