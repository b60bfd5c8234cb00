package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dataplane/internal/required"
)

// A plane on a veth by AF_XDP, from a file as docs/afxdp.md has it; curl is at the
// other end, and what the interface was stays.
func TestServeAfxdpInNamespace(t *testing.T) {
	required.Namespace(t)
	if os.Geteuid() != 0 {
		required.Skip(t, "BPF needs root")
	}
	ip, err := exec.LookPath("ip")
	if err != nil {
		required.Skip(t, "no ip in PATH")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		required.Skip(t, "no curl in PATH")
	}
	for _, args := range []string{"link add xdp0 type veth peer name xdp1", "addr add 10.9.7.1/24 dev xdp0", "link set xdp0 up"} {
		if out, err := exec.Command(ip, strings.Fields(args)...).CombinedOutput(); err != nil {
			required.Skip(t, "ip "+args+": "+string(out))
		}
	}
	defer exec.Command(ip, "link", "del", "xdp0").Run()
	file := filepath.Join(t.TempDir(), "plane.yaml")
	text := `
ports:
  - driver: afxdp
    device: xdp1
    addrs: [10.9.7.2/24]
    options: {mode: native}
mode: shared
services: {http: 80}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "-c", file)
	if !strings.Contains(s.ready, "afxdp xdp1 (native) 10.9.7.2/24") {
		t.Errorf("ready: %q", s.ready)
	}
	for range 5 {
		out, err := exec.Command(curl, "-sS", "-m", "20", "http://10.9.7.2/bytes/1000000").CombinedOutput()
		if err != nil || len(out) != 1_000_000 {
			t.Errorf("curl: %d bytes, %v: %.200s", len(out), err, out)
		}
	}
	if out, _ := exec.Command(ip, "link", "show", "xdp1").CombinedOutput(); !strings.Contains(string(out), "xdp") || !strings.Contains(string(out), ",UP") {
		t.Errorf("while it runs: %s", out)
	}
	s.stop(syscall.SIGTERM)
	if out, _ := exec.Command(ip, "link", "show", "xdp1").CombinedOutput(); strings.Contains(string(out), "prog/xdp") || strings.Contains(string(out), ",UP") {
		t.Errorf("left behind: %s", out)
	}

	status, _, errs := finish(t, command(t, "serve", "--driver", "afxdp", "--device", "xdp7", "--addr", "10.9.7.2/24"))
	if status != 1 || !strings.Contains(errs, "no such interface; there are: ") || !strings.Contains(errs, "xdp1") || strings.Count(errs, "\n") != 1 {
		t.Errorf("no such interface: status %d, %q", status, errs)
	}
}
