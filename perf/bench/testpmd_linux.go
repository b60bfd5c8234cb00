package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// testpmd is DPDK's own forwarder in another process. Between the windows its
// forwarding thread is blocked, and costs nothing.
type testpmd struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	sched string // the forwarding thread's scheduler statistics
	start string // the command that starts a window
}

const testpmdProgram = "dpdk-testpmd"

// openTestpmd starts testpmd on the devices, with one forwarding thread on our CPU.
func openTestpmd(k vdevs) (*subject, error) {
	if !builtWithDPDK {
		return nil, skipped("it is there to be compared with a program that is built with -tags dpdk")
	}
	path, err := exec.LookPath(testpmdProgram)
	if err != nil {
		return nil, skipped("no %s here (apt-get install dpdk-dev)", testpmdProgram)
	}
	cpu, _, err := pickCPUs()
	if err != nil {
		return nil, err
	}
	args := []string{"-oL", path, fmt.Sprintf("--lcores=0@%d,1@%d", cpu, cpu), "--no-huge", "-m", strconv.Itoa(dpdkMemory), "--no-pci",
		"--no-telemetry", fmt.Sprintf("--file-prefix=bench%d", os.Getpid())}
	for _, d := range k.devices("testpmd") {
		args = append(args, "--vdev="+d)
	}
	args = append(args, "--", "-i", "--forward-mode=macswap", fmt.Sprintf("--burst=%d", wireBurst),
		fmt.Sprintf("--total-num-mbufs=%d", dpdkBuffers), "--no-lsc-interrupt")
	// It keeps its lines to itself where they do not go to a terminal.
	t := &testpmd{cmd: exec.Command("stdbuf", args...), start: "start"}
	if k.seed {
		t.start = "start tx_first 1"
	}
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if t.in, err = t.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	t.out = bufio.NewReader(out)
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	if err := t.ready(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", testpmdProgram, err), t.close())
	}
	return &subject{load: t, close: t.close}, nil
}

// ready waits for the links and finds the forwarding thread.
func (t *testpmd) ready() error {
	for end := time.Now().Add(grace); ; time.Sleep(100 * time.Millisecond) {
		if _, err := io.WriteString(t.in, "show port summary all\nthat is all\n"); err != nil {
			return err
		}
		said, err := t.until("not found", "Bad arguments")
		if err != nil {
			return err
		}
		if strings.Contains(said, " up ") && !strings.Contains(said, " down ") {
			break
		}
		if time.Now().After(end) {
			return errors.New("its links do not come up")
		}
	}
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", t.cmd.Process.Pid))
	if err != nil {
		return err
	}
	for _, name := range names {
		if comm, err := os.ReadFile(name); err == nil && strings.Contains(string(comm), "worker") {
			t.sched = filepath.Join(filepath.Dir(name), "schedstat")
			return nil
		}
	}
	return errors.New("it has no forwarding thread")
}

// until reads what it says up to a line with one of the words.
func (t *testpmd) until(words ...string) (string, error) {
	late := time.AfterFunc(grace, func() { t.cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	defer late.Stop()
	var said strings.Builder
	for {
		line, err := t.out.ReadString('\n')
		said.WriteString(line)
		if err != nil {
			return said.String(), fmt.Errorf("it ended: %w: %.300s", err, said.String())
		}
		for _, w := range words {
			if strings.Contains(line, w) {
				return said.String(), nil
			}
		}
	}
}

// used is the CPU time of the forwarding thread.
func (t *testpmd) used() (time.Duration, error) {
	b, err := os.ReadFile(t.sched)
	if err != nil {
		return 0, err
	}
	ns, _, _ := strings.Cut(string(b), " ")
	n, err := strconv.ParseInt(ns, 10, 64)
	return time.Duration(n), err
}

var forwarded = regexp.MustCompile(`(?s)Accumulated.*TX-packets: (\d+)`)

// run forwards for d.
func (t *testpmd) run(d time.Duration) (n count, err error) {
	before, err := t.used()
	if err != nil {
		return n, err
	}
	if _, err := io.WriteString(t.in, t.start+"\n"); err != nil {
		return n, err
	}
	time.Sleep(d)
	if _, err := io.WriteString(t.in, "stop\n"); err != nil {
		return n, err
	}
	said, err := t.until("Done.")
	if err != nil {
		return n, err
	}
	m := forwarded.FindStringSubmatch(said)
	if m == nil {
		return n, fmt.Errorf("%s said %.500q", testpmdProgram, said)
	}
	after, err := t.used()
	if err != nil {
		return n, err
	}
	n.ops, err = strconv.ParseUint(m[1], 10, 64)
	n.cpu = after - before
	return n, err
}

func (t *testpmd) close() error {
	io.WriteString(t.in, "quit\n") //nolint:errcheck // it may have ended
	t.in.Close()
	late := time.AfterFunc(grace, func() { t.cmd.Process.Kill() }) //nolint:errcheck // the same
	defer late.Stop()
	io.Copy(io.Discard, t.out) //nolint:errcheck // until it ends
	return t.cmd.Wait()
}
