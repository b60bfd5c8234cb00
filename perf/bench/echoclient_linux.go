package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// kernelClient is the stage of the process that asks for echoes.
const kernelClient = "client"

// echoClient is that process, seen from the one that measures.
type echoClient struct {
	to    netip.AddrPort
	burst int
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
}

// newEchoClient starts a client in the namespace of this process, on the same CPU.
func newEchoClient(to netip.AddrPort, burst int) (*echoClient, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	c := &echoClient{to: to, burst: burst}
	var err error
	c.cmd, err = restart(kernelClient, &set, func(cmd *exec.Cmd) error {
		cmd.SysProcAttr.Pdeathsig = 0 // its standard input tells
		cmd.Stdout = nil
		var err error
		if c.in, err = cmd.StdinPipe(); err != nil {
			return err
		}
		out, err := cmd.StdoutPipe()
		c.out = bufio.NewReader(out)
		return err
	})
	return c, err
}

// run has it ask for d.
func (c *echoClient) run(d time.Duration) (n count, err error) {
	if _, err = fmt.Fprintln(c.in, c.to, c.burst, int64(d)); err != nil {
		return n, err
	}
	var said string
	if _, err = fmt.Fscanln(c.out, &n.ops, &said); err == nil && said != "ok" {
		err = fmt.Errorf("the client: %s", said)
	}
	n.packets, n.bytes = 2*n.ops, msgSize*n.ops
	return n, err
}

func (c *echoClient) close() error {
	c.in.Close()
	return c.cmd.Wait()
}

// runEchoClient is the process: for each line it asks for so long.
func runEchoClient() error {
	runtime.LockOSThread()
	if err := beBatch(); err != nil {
		return err
	}
	for {
		var to string
		var burst uint64
		var d time.Duration
		if _, err := fmt.Scanln(&to, &burst, &d); err != nil {
			return nil // the other process has ended
		}
		n, err := askFor(to, burst, d)
		if err != nil {
			fmt.Fprintln(os.Stderr, "client:", err)
			fmt.Println(n, "failed")
			continue
		}
		fmt.Println(n, "ok")
	}
}

// askFor sends bursts and waits until each has come back.
func askFor(to string, burst uint64, d time.Duration) (n uint64, err error) {
	at, err := netip.ParseAddrPort(to)
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	patience := unix.NsecToTimeval(int64(time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return 0, err
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		return 0, err
	}
	e := &exchange{fd: fd, out: message(0), in: make([]byte, 2*msgSize)}
	if err := e.first(); err != nil {
		return 0, err
	}
	for start := time.Now(); time.Since(start) < d; n += burst {
		if err := e.burst(burst); err != nil {
			return n, fmt.Errorf("after %d: %w", n, err)
		}
	}
	return n, nil
}

// exchange sends and verifies.
type exchange struct {
	fd      int
	out, in []byte
	sent    uint64
}

// first asks until there is an answer: addresses are resolved meanwhile.
func (e *exchange) first() (err error) {
	for range 5 {
		if err = e.burst(1); err == nil {
			return nil
		}
	}
	return err
}

func (e *exchange) burst(size uint64) error {
	from := e.sent
	for e.sent < from+size {
		binary.LittleEndian.PutUint64(e.out, e.sent)
		if err := again(func() (int, error) { return unix.Write(e.fd, e.out) }, msgSize); err != nil {
			return err
		}
		e.sent++
	}
	for i := range size {
		if err := again(func() (int, error) { return unix.Read(e.fd, e.in) }, msgSize); err != nil {
			return err
		}
		binary.LittleEndian.PutUint64(e.out, from+i)
		if !bytes.Equal(e.in[:msgSize], e.out) {
			return fmt.Errorf("answer %d is %x: %w", from+i, e.in[:16], errDamaged)
		}
	}
	return nil
}

// again repeats a call that a signal interrupted.
func again(call func() (int, error), want int) error {
	for {
		n, err := call()
		if err == unix.EINTR {
			continue
		}
		if err == nil && n != want {
			err = fmt.Errorf("%d bytes, not %d", n, want)
		}
		return err
	}
}
