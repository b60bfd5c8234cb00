package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dataplane/internal/required"
)

// capturing starts `dataplane capture` and returns when it has begun.
func capturing(t *testing.T, args ...string) (cmd *exec.Cmd, out, errs *bufio.Reader) {
	t.Helper()
	cmd = command(t, append([]string{"capture"}, args...)...)
	o, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	e, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out, errs = bufio.NewReader(o), bufio.NewReader(e)
	if line, err := errs.ReadString('\n'); err != nil || !strings.HasPrefix(line, "dataplane: capturing") {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd, out, errs
}

// The kernel pings a running plane; another process captures it to a file that tcpdump
// reads, and a third prints it.
func TestCaptureInNamespace(t *testing.T) {
	needTUN(t)
	var tools [2]string
	for i, name := range []string{"ping", "tcpdump"} {
		path, err := exec.LookPath(name)
		if err != nil {
			required.Skip(t, "no "+name+" in PATH")
		}
		tools[i] = path
	}
	t.Setenv("DATAPLANE_CONTROL", filepath.Join(t.TempDir(), "control.sock"))
	s := serve(t, append(pair, "--lcores", "2", "--mode", "shared")...)
	file := filepath.Join(t.TempDir(), "x.pcap")
	cmd, _, errs := capturing(t, "-i", "dp0", "-c", "6", "-w", file, "icmp", "and", "host", "10.9.0.1")
	show, out, _ := capturing(t, "icmp or arp")
	if b, err := exec.Command(tools[0], "-c", "3", "-i", "0.2", "10.9.0.2").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, b)
	}
	line, _ := errs.ReadString('\n')
	if err := cmd.Wait(); err != nil || line != "dataplane: 6 frames captured, 0 missed\n" {
		t.Errorf("%v %q", err, line)
	}
	b, err := exec.Command(tools[1], "-nr", file).CombinedOutput()
	if err != nil || strings.Count(string(b), "10.9.0.1 > 10.9.0.2: ICMP echo request") != 3 || strings.Count(string(b), "10.9.0.2 > 10.9.0.1: ICMP echo reply") != 3 {
		t.Errorf("%v\n%s", err, b)
	}
	seen := ""
	for strings.Count(seen, "EchoReply") < 3 {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after\n%s", err, seen)
		}
		seen += line
	}
	if !strings.Contains(seen, " dp0 In  IP 10.9.0.1 > 10.9.0.2: ICMP EchoRequest, id") || !strings.Contains(seen, " dp0 Out IP 10.9.0.2 > 10.9.0.1: ICMP EchoReply") {
		t.Errorf("printed:\n%s", seen)
	}
	show.Process.Signal(syscall.SIGINT)
	if err := show.Wait(); err != nil {
		t.Error(err)
	}
	if status, _, e := finish(t, command(t, "capture", "-i", "nope")); status != 1 || !strings.Contains(e, "nope: no such device") {
		t.Errorf("no such port: %d %q", status, e)
	}
	s.stop(syscall.SIGTERM)
}

func TestCaptureRefused(t *testing.T) {
	t.Setenv("DATAPLANE_CONTROL", filepath.Join(t.TempDir(), "nobody.sock"))
	if status, _, e := finish(t, command(t, "capture")); status != 1 || !strings.Contains(e, "no plane listens at "+os.Getenv("DATAPLANE_CONTROL")) {
		t.Errorf("%d %q", status, e)
	}
	if status, _, e := finish(t, command(t, "capture", "port", "x")); status != 2 || !strings.Contains(e, `"x" is no port`) {
		t.Errorf("%d %q", status, e)
	}
	if status, o, e := finish(t, command(t, "capture", "-d", "arp")); status != 0 || !strings.Contains(o, "(000) ldh [12]") {
		t.Errorf("%d %q %q", status, o, e)
	}
}
