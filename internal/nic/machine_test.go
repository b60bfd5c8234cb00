package nic

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// machine is a running QEMU.
type machine struct {
	testing.TB
	cmd   *exec.Cmd
	stdin io.Writer
	qmp   *qmp
	began time.Time

	mu     sync.Mutex
	lines  []string      // all of the console
	read   int           // lines that wait has passed
	more   chan struct{} // a line came, or the end
	exited chan struct{} // closed when QEMU has ended
	err    error         // how, once exited is closed
}

// kernelArgs make the boot short: no look for hardware that is not there.
const kernelArgs = "console=ttyS0 quiet panic=-1 mitigations=off cryptomgr.notests random.trust_cpu=on " +
	"tsc=reliable no_timer_check 8250.nr_uarts=1 nokaslr rdinit=/init"

// boot starts a machine with the lane's NIC on the TAP. It is gone with the test.
func (l *lane) boot(t testing.TB, k *kit, image string) *machine {
	t.Helper()
	sock := filepath.Join(t.TempDir(), "qmp")
	qemu := k.qemu(l.newQEMU)
	args := append(k.firmware(qemu),
		"-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "384",
		"-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio", "-qmp", "unix:"+sock+",server=on,wait=off",
		"-kernel", filepath.Join(k.dir, "kernel", "vmlinuz"), "-initrd", image,
		"-append", kernelArgs+" "+l.kernel+" nic.driver="+l.driver+" nic.hugepages="+l.hugepages,
		"-netdev", "tap,id=net0,ifname="+tapName+",script=no,downscript=no")
	args = append(args, l.devices...)
	m := &machine{TB: t, cmd: exec.Command(qemu, args...), more: make(chan struct{}, 1), exited: make(chan struct{}), began: time.Now()}
	m.cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	stdout, err := m.cmd.StdoutPipe()
	if err == nil {
		m.cmd.Stderr = m.cmd.Stdout
		m.stdin, err = m.cmd.StdinPipe()
	}
	if err == nil {
		err = m.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go m.console(stdout)
	t.Cleanup(m.kill)
	if m.qmp, err = dialQMP(sock, 20*time.Second); err != nil {
		t.Fatalf("%v\n%s", err, m.transcript())
	}
	t.Cleanup(func() { m.qmp.c.Close() })
	return m
}

// console reads what the machine says, to its end.
func (m *machine) console(r io.Reader) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			m.mu.Lock()
			m.lines = append(m.lines, line)
			m.mu.Unlock()
			m.tell()
		}
		if err != nil {
			break
		}
	}
	m.err = m.cmd.Wait()
	close(m.exited)
}

func (m *machine) tell() {
	select {
	case m.more <- struct{}{}:
	default:
	}
}

// transcript is all that the machine said.
func (m *machine) transcript() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.lines, "\n")
}

// next returns the rest of the first new line that contains mark. That serve has
// ended, or process 1 has failed, is never passed over.
func (m *machine) next(mark string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.read < len(m.lines) {
		line := m.lines[m.read]
		if !strings.Contains(line, mark) && (strings.Contains(line, "guest: exit ") || strings.Contains(line, "guest: failed")) {
			return "", false
		}
		m.read++
		if _, rest, ok := strings.Cut(line, mark); ok {
			return rest, true
		}
	}
	return "", false
}

// stuck reports whether next has stopped at a line that is never passed over.
func (m *machine) stuck() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.read < len(m.lines)
}

// wait returns what follows mark in the first new line that contains it. The test
// ends if it does not come in time.
func (m *machine) wait(mark string, limit time.Duration) string {
	m.Helper()
	end := time.After(limit)
	for {
		if rest, ok := m.next(mark); ok {
			return rest
		}
		if m.stuck() {
			m.Fatalf("the machine will not say %q\n%s", mark, m.transcript())
		}
		select {
		case <-m.more:
		case <-m.exited:
			if rest, ok := m.next(mark); ok {
				return rest
			}
			m.Fatalf("the machine ended (%v) before it said %q\n%s", m.err, mark, m.transcript())
		case <-end:
			m.Fatalf("the machine did not say %q within %v\n%s", mark, limit, m.transcript())
		}
	}
}

// tellGuest writes a line to the machine's console.
func (m *machine) tellGuest(line string) {
	m.Helper()
	if _, err := io.WriteString(m.stdin, line+"\n"); err != nil {
		m.Fatalf("console: %v\n%s", err, m.transcript())
	}
}

// off ends the machine in good order.
func (m *machine) off() {
	m.Helper()
	m.tellGuest("off")
	m.wait("guest: off", 20*time.Second)
	select {
	case <-m.exited:
		if m.err != nil {
			m.Errorf("QEMU: %v\n%s", m.err, m.transcript())
		}
	case <-time.After(20 * time.Second):
		m.Errorf("the machine did not power off\n%s", m.transcript())
	}
}

// kill ends the machine as it is, if it still runs, and waits for its end.
func (m *machine) kill() {
	select {
	case <-m.exited:
		return
	default:
	}
	if err := m.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		m.Error(err)
	}
	<-m.exited
}

// mustSay fails the test unless the transcript contains what is wanted.
func (m *machine) mustSay(want string) {
	m.Helper()
	if !strings.Contains(m.transcript(), want) {
		m.Errorf("the machine did not say %q\n%s", want, m.transcript())
	}
}
