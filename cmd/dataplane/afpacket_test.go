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

// A plane on an interface of the kernel's, from a file as docs/afpacket.md has it;
// curl is at the other end of the veth.
func TestServeAfpacketInNamespace(t *testing.T) {
	required.Namespace(t)
	ip, err := exec.LookPath("ip")
	if err != nil {
		required.Skip(t, "no ip in PATH")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		required.Skip(t, "no curl in PATH")
	}
	for _, args := range []string{"link add srv0 type veth peer name srv1", "addr add 10.9.8.1/24 dev srv0", "link set srv0 up", "link set srv1 up"} {
		if out, err := exec.Command(ip, strings.Fields(args)...).CombinedOutput(); err != nil {
			required.Skip(t, "ip "+args+": "+string(out))
		}
	}
	defer exec.Command(ip, "link", "del", "srv0").Run()
	file := filepath.Join(t.TempDir(), "plane.yaml")
	text := `
ports:
  - driver: afpacket
    device: srv1
    addrs: [10.9.8.2/24]
    queues: 2
    options: {fanout: hash, ring: 512}
lcores: 2
mode: shared
services: {http: 80}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "-c", file)
	if !strings.Contains(s.ready, "afpacket srv1 10.9.8.2/24") {
		t.Errorf("ready: %q", s.ready)
	}
	out, err := exec.Command(curl, "-sS", "-m", "20", "http://10.9.8.2/bytes/1000000").CombinedOutput()
	if err != nil || len(out) != 1_000_000 {
		t.Errorf("curl: %d bytes, %v: %.200s", len(out), err, out)
	}
	s.stop(syscall.SIGTERM)

	status, _, errs := finish(t, command(t, "serve", "--driver", "afpacket", "--device", "srv7", "--addr", "10.9.8.2/24"))
	if status != 1 || !strings.Contains(errs, `there is no interface "srv7": want one of`) || strings.Count(errs, "\n") != 1 {
		t.Errorf("no such interface: status %d, %q", status, errs)
	}
}
