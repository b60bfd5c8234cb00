package nic

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dataplane/internal/required"
)

// kit is what scripts/nic-kit.sh fetched and `make static` built.
type kit struct {
	dir    string // kernel/, qemu/
	binary string
	guest  string
}

// findKit returns the kit, or skips the test with what is missing.
func findKit(t testing.TB) *kit {
	t.Helper()
	k := &kit{dir: os.Getenv("KIT"), binary: os.Getenv("DATAPLANE_STATIC")}
	if k.dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			required.Skip(t, err.Error())
		}
		k.dir = filepath.Join(cache, "dataplane", "nic")
	}
	if k.binary == "" {
		k.binary = filepath.Join("..", "..", "bin", "dataplane-static")
	}
	for _, f := range []struct{ path, cure string }{
		{filepath.Join(k.dir, "kernel", "vmlinuz"), "scripts/nic-kit.sh"},
		{k.binary, "make static"},
		{"/dev/net/tun", "modprobe tun"},
	} {
		if _, err := os.Stat(f.path); err != nil {
			required.Skip(t, fmt.Sprintf("%v (%s)", err, f.cure))
		}
	}
	if k.qemu(false) == "" {
		required.Skip(t, "no qemu-system-x86_64 (apt-get install qemu-system-x86)")
	}
	k.guest = buildGuest(t)
	return k
}

// qemu returns a QEMU: the installed one, or the kit's where it must know the 82576
// (QEMU 8.0) and the installed one does not. "": there is none.
func (k *kit) qemu(igb bool) string {
	own, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		return ""
	}
	if !igb || knowsIGB(own) {
		return own
	}
	if newer := filepath.Join(k.dir, "qemu", "usr", "bin", "qemu-system-x86_64"); knowsIGB(newer) {
		return newer
	}
	return ""
}

func knowsIGB(qemu string) bool {
	out, err := exec.Command(qemu, "--version").Output()
	var major int
	_, scan := fmt.Sscanf(string(out), "QEMU emulator version %d", &major)
	return err == nil && scan == nil && major >= 8
}

// firmware are the arguments that tell an unpacked QEMU where its files are.
func (k *kit) firmware(qemu string) []string {
	root, ok := strings.CutSuffix(qemu, "/bin/qemu-system-x86_64")
	if !ok || !strings.HasPrefix(qemu, k.dir) {
		return nil
	}
	return []string{"-L", filepath.Join(root, "share", "qemu"), "-L", filepath.Join(root, "share", "seabios")}
}

// buildGuest builds the machine's process 1.
func buildGuest(t testing.TB) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "guest")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", out, "dataplane/internal/nic/guest")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, b)
	}
	return out
}

// image writes the machine's first file system, with configurations by name, into
// dir. It is not compressed: to unpack it would take an emulated processor longer than to load it.
func (k *kit) image(dir string, configs map[string]string) (string, error) {
	var b bytes.Buffer
	c := newCpio(&b)
	for _, d := range []string{"dev", "proc", "sys", "run", "tmp", "var", "var/run", "etc", "modules"} {
		c.dir(d)
	}
	c.device("dev/console", 5, 1)
	from := map[string]string{"init": k.guest, "dataplane": k.binary}
	modules, err := filepath.Glob(filepath.Join(k.dir, "kernel", "*"))
	if err != nil {
		return "", err
	}
	for _, m := range modules {
		if filepath.Ext(m) == ".ko" || filepath.Base(m) == "modules" {
			from["modules/"+filepath.Base(m)] = m
		}
	}
	for to, f := range from {
		data, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		c.file(to, data)
	}
	for name, text := range configs {
		c.file("etc/"+name+".yaml", []byte(text))
	}
	if err := c.close(); err != nil {
		return "", err
	}
	name := filepath.Join(dir, "image.cpio")
	return name, os.WriteFile(name, b.Bytes(), 0o600)
}
