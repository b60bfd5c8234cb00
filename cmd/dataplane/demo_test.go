package main

import (
	"bufio"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestDemoInNamespace(t *testing.T) {
	needTUN(t)
	before := links(t)
	cmd := command(t, "demo", "--time", "200ms")
	begun := time.Now()
	status, out, errs := finish(t, cmd)
	if status != 0 || errs != "" {
		t.Errorf("status %d, %s\n%s", status, errs, out)
	}
	for _, want := range []string{"on TAP dp0", "20 of 20 replies", "5 of 5 replies", "200 OK", "plane → Linux", "Gbit/s", "p99", "none failed", "buffers  all"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	if d := time.Since(begun); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
	if links(t) != before {
		t.Errorf("links before: %s; after: %s", before, links(t))
	}
}

// Ctrl-C in the middle: status 130, and nothing is left.
func TestDemoInterruptedInNamespace(t *testing.T) {
	needTUN(t)
	before := links(t)
	for _, at := range []string{"plane ", "HTTP GET /", "TCP echo"} {
		cmd := command(t, "demo", "--time", "1s")
		// Its own process group, as in a terminal.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		begun := time.Time{}
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			out.WriteString(lines.Text() + "\n")
			if begun.IsZero() && strings.HasPrefix(lines.Text(), at) {
				begun = time.Now()
				syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
			}
		}
		cmd.Wait()
		if s := cmd.ProcessState.ExitCode(); s != 130 || time.Since(begun) > 10*time.Second {
			t.Errorf("at %q: status %d after %v\n%s", at, s, time.Since(begun), &out)
		}
		if strings.Contains(out.String(), "│") {
			t.Errorf("at %q it went on to the table", at)
		}
	}
	if links(t) != before {
		t.Errorf("links before: %s; after: %s", before, links(t))
	}
}

// A killed demo takes its other half along.
func TestDemoKilledInNamespace(t *testing.T) {
	needTUN(t)
	cmd := command(t, "demo", "--time", "5s")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(pipe)
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Kill()
	gone := make(chan struct{})
	go func() { // the pipe ends when nobody holds it any more
		defer close(gone)
		for {
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
		}
	}()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("a process is left")
	}
	cmd.Wait()
}

// Without rights, or without the device, the programme runs in memory and says why.
func TestDemoWithoutTAP(t *testing.T) {
	needTUN(t)
	if os.Geteuid() != 0 {
		t.Skip("we are nobody special already")
	}
	cmd := command(t, "demo", "--time", "100ms")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	status, out, errs := finish(t, cmd)
	first, _, _ := strings.Cut(out, "\n")
	// Where /dev/net/tun is open to all, a user namespace gives it a TAP after all.
	if status != 0 || errs != "" || !strings.HasPrefix(first, "no ") && !strings.Contains(out, "on TAP") || !strings.Contains(out, "buffers  all") {
		t.Errorf("status %d, %s\n%s", status, errs, out)
	}
}
