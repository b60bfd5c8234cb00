package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// `dataplane ss` lists what listens and what is connected, with what TCP knows of it.
func TestSSInNamespace(t *testing.T) {
	needTUN(t)
	path := filepath.Join(t.TempDir(), "c.sock")
	s := serve(t, append(pair, "--control", path, "--lcores", "2", "--services", "echo,http")...)
	c, err := net.DialTimeout("tcp", "10.9.0.2:7", 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, "hello")
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	own := c.LocalAddr().String()
	shown := strings.NewReplacer("10.9.0.1", "[::ffff:10.9.0.1]").Replace(own) // as in Linux: the listener is of both families
	out, _ := asks(t, path, 0, "ss -tnip")
	if !strings.Contains(out, "ESTAB") || !strings.Contains(out, shown) || !strings.Contains(out, "cubic") || !strings.Contains(out, "bytes_received:5") ||
		!strings.Contains(out, fmt.Sprintf("pid=%d", s.cmd.Process.Pid)) || strings.Contains(out, "LISTEN") {
		t.Errorf("connected:\n%s", out)
	}
	out, _ = asks(t, path, 0, "ss -tulnH")
	if n := strings.Count(out, "\n"); n != 3 || !strings.Contains(out, "*:80 ") || strings.Contains(out, own) {
		t.Errorf("listening:\n%s", out)
	}
	for filter, want := range map[string]int{"state established": 1, "dst " + own: 1, "dport != :" + own[strings.LastIndex(own, ":")+1:]: 0, "sport = :80": 0} {
		if out, _ := asks(t, path, 0, "ss -tH "+filter); strings.Count(out, "\n") != want {
			t.Errorf("%s: want %d\n%s", filter, want, out)
		}
	}
	if _, errs := asks(t, path, 2, "ss state bogus"); strings.Count(errs, "\n") != 1 {
		t.Errorf("%q", errs)
	}
	if out, _ := asks(t, path, 0, "ss -tKH dst "+own); strings.Count(out, "\n") != 1 {
		t.Errorf("reset:\n%s", out)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after it was reset: %v", err)
	}
	c.Close()
	s.stop(syscall.SIGTERM)
	asks(t, path, 1, "ss -ta")
}
