package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dataplane/internal/required"
)

// asks runs a command that reaches the plane at path, and wants this status.
func asks(t *testing.T, path string, want int, line string) (out, errs string) {
	t.Helper()
	args := strings.Fields(line)
	status, out, errs := finish(t, command(t, append(args, "--control", path)...))
	if status != want {
		t.Errorf("%s: status %d, want %d: %s%s", line, status, want, out, errs)
	}
	return out, errs
}

// A running plane is configured by `dataplane ip`: the address that it gets answers, and
// a monitor hears of it.
func TestIPInNamespace(t *testing.T) {
	needTUN(t)
	path := filepath.Join(t.TempDir(), "c.sock")
	if _, errs := asks(t, path, 1, "ip addr"); !strings.Contains(errs, "no plane listens at") || strings.Count(errs, "\n") != 1 {
		t.Errorf("without a plane: %q", errs)
	}
	s := serve(t, append(pair, "--control", path)...)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	mon := command(t, "ip", "monitor", "address", "route", "--control", path)
	pipe, err := mon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := mon.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for r := bufio.NewScanner(pipe); r.Scan(); {
			lines <- r.Text()
		}
	}()
	heard := func(want string) {
		t.Helper()
		for end := time.After(20 * time.Second); ; {
			select {
			case l, ok := <-lines:
				if !ok {
					t.Fatalf("the monitor ended before %q", want)
				}
				if strings.Contains(l, want) {
					return
				}
			case <-end:
				t.Fatalf("the monitor never said %q", want)
			}
		}
	}
	for tries, listens := 0, false; !listens; tries++ { // it says nothing before the first change
		if tries == 100 {
			t.Fatal("the monitor hears nothing")
		}
		asks(t, path, 0, "ip route add 198.51.100.0/24 via 10.9.0.1")
		select {
		case l, ok := <-lines:
			if listens = ok; !ok {
				t.Fatal("the monitor ended: ", l)
			}
		case <-time.After(200 * time.Millisecond):
		}
		asks(t, path, 0, "ip route del 198.51.100.0/24 via 10.9.0.1")
	}
	asks(t, path, 0, "ip addr add 10.9.0.77/24 dev dp0")
	heard("inet 10.9.0.77/24 scope global secondary dp0")
	ping(t, "10.9.0.77")
	if out, _ := asks(t, path, 0, "ip -br addr show dp0"); !strings.Contains(out, " UP ") || !strings.Contains(out, "10.9.0.77/24") {
		t.Errorf("%q", out)
	}
	asks(t, path, 0, "ip route add 192.168.0.0/16 via 10.9.0.1 metric 7")
	heard("192.168.0.0/16 via 10.9.0.1 dev dp0 proto static metric 7")
	if out, _ := asks(t, path, 0, "ip route get 192.168.3.4"); !strings.HasPrefix(out, "192.168.3.4 via 10.9.0.1 dev dp0 src 10.9.0.2") {
		t.Errorf("%q", out)
	}
	asks(t, path, 0, "ip addr del 10.9.0.77/24 dev dp0")
	heard("Deleted ")
	if out, _ := asks(t, path, 0, "ip neigh"); !strings.Contains(out, "10.9.0.1 dev dp0 lladdr ") {
		t.Errorf("%q", out)
	}
	for line, want := range map[string]string{
		"ip addr del 10.9.0.77/24 dev dp0":                  "no address of dp0",
		"ip addr add 10.9.0.77/24 dev nope":                 `no device "nope": dp0, lo`,
		"ip route add 1.0.0.0/8 via 7.7.7.7":                "7.7.7.7 is on no link",
		"ip route del 10.9.0.0/24":                          "goes with the address",
		"ip link set dp0 mtu 9000":                          "out of range",
		"ip neigh del 10.9.0.99 dev dp0":                    "no such file",
		"ip route add 192.168.0.0/16 via 10.9.0.1 metric 7": "there is a route",
	} {
		if _, errs := asks(t, path, 1, line); !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: %q, want %q", line, errs, want)
		}
	}
	asks(t, path, 2, "ip route add 1.0.0.0/8 over 7.7.7.7")
	mon.Process.Signal(syscall.SIGINT)
	if err := mon.Wait(); err != nil {
		t.Errorf("the monitor at its end: %v", err)
	}
	s.stop(syscall.SIGTERM)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// What the plane says in JSON has the names that iproute2 has.
func TestIPJSONInNamespace(t *testing.T) {
	needTUN(t)
	tool, err := exec.LookPath("ip")
	if err != nil {
		required.Skip(t, "no ip in PATH")
	}
	path := filepath.Join(t.TempDir(), "c.sock")
	s := serve(t, append(pair, "--control", path)...)
	if c, err := net.DialTimeout("tcp", "10.9.0.2:80", 5*time.Second); err == nil {
		c.Close()
	}
	for _, line := range []string{"link", "addr", "route", "neigh"} {
		out, _ := asks(t, path, 0, "ip -j "+line)
		var ours, theirs []map[string]any
		if err := json.Unmarshal([]byte(out), &ours); err != nil || len(ours) == 0 {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		b, err := exec.CommandContext(ctx, tool, "-j", line).Output()
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(bytes.TrimSpace(b), &theirs); err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{"gateway": true, "metric": true, "prefsrc": true, "scope": true, "router": true, "lladdr": true}
		for _, o := range theirs {
			for name := range o {
				known[name] = true
			}
		}
		for _, o := range ours {
			for name := range o {
				if !known[name] {
					t.Errorf("ip -j %s: iproute2 has no %q", line, name)
				}
			}
		}
	}
	s.stop(syscall.SIGTERM)
}

// ping wants an answer of the plane.
func ping(t *testing.T, to string) {
	t.Helper()
	path, err := exec.LookPath("ping")
	if err != nil {
		required.Skip(t, "no ping in PATH")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, path, "-c", "1", "-w", "5", to).CombinedOutput(); err != nil {
		t.Errorf("ping %s: %v\n%s", to, err, out)
	}
}
