package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dataplane/internal/required"
)

var pair = []string{"--addr", "10.9.0.2/24", "--host-addr", "10.9.0.1/24"}

// get fetches a page of the plane with a connection of its own.
func get(url string) (string, error) {
	c := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.Status + " " + string(b), err
}

func TestServeInNamespace(t *testing.T) {
	needTUN(t)
	before := links(t)
	s := serve(t, pair...)
	for _, want := range []string{"tap dp0 10.9.0.2/24 (host 10.9.0.1/24)", "http :80, echo :7, discard :9, iperf3 :5201", "lcores "} {
		if !strings.Contains(s.ready, want) {
			t.Errorf("%q lacks %q", s.ready, want)
		}
	}
	if got, err := get("http://10.9.0.2/bytes/5"); err != nil || got != "200 OK 01234" {
		t.Errorf("%q, %v", got, err)
	}
	for _, network := range []string{"tcp", "udp"} {
		c, err := net.DialTimeout(network, "10.9.0.2:7", 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(c, "hello")
		b := make([]byte, 5)
		if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
			t.Errorf("%s echo: %q, %v", network, b, err)
		}
		c.Close()
	}
	s.stop(syscall.SIGTERM)
	if links(t) != before {
		t.Errorf("links before: %s; after: %s", before, links(t))
	}
}

func TestServeIperf3InNamespace(t *testing.T) {
	needTUN(t)
	path, err := exec.LookPath("iperf3")
	if err != nil {
		required.Skip(t, "no iperf3 in PATH")
	}
	s := serve(t, append(pair, "--services", "iperf3")...)
	for _, args := range []string{"", "-R", "-P 4", "-R -P 4", "--bidir", "-u -b 100M", "-u -R -b 100M", "-u -P 3 -b 10M", "-n 100M"} {
		full := append([]string{"-c", "10.9.0.2"}, strings.Fields(args)...)
		if !strings.HasPrefix(args, "-n") {
			full = append(full, "-t", "1")
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		if out, err := exec.CommandContext(ctx, path, full...).CombinedOutput(); err != nil {
			t.Errorf("iperf3 %v: %v\n%s", full, err, out)
		}
		cancel()
	}
	s.stop(syscall.SIGINT)
}

// A request in progress is finished after SIGTERM.
func TestServeDrainsInNamespace(t *testing.T) {
	needTUN(t)
	s := serve(t, pair...)
	resp, err := http.Get("http://10.9.0.2/bytes/100000000")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	s.cmd.Process.Signal(syscall.SIGTERM)
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != 100_000_000 {
		t.Errorf("%d bytes, %v", n, err)
	}
	s.stop(syscall.SIGCONT)
}

// Capture and impairment, from a file, with two lcores on two queues.
func TestServeFileInNamespace(t *testing.T) {
	needTUN(t)
	dir := t.TempDir()
	capture := filepath.Join(dir, "x.pcapng")
	file := filepath.Join(dir, "plane.yaml")
	text := `
ports:
  - {device: dp5, addrs: 10.9.5.2/24, host-addr: 10.9.5.1/24, queues: 2, impair: "seed=7,lose=0.02", capture: ` + capture + `}
  - {device: dp6, addrs: 10.9.6.2/24, host-addr: 10.9.6.1/24, mtu: 9000}
lcores: 2
mode: shared
services: {http: [80, 8080]}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "-c", file)
	for _, url := range []string{"http://10.9.5.2/bytes/1000000", "http://10.9.6.2:8080/bytes/1000000"} {
		if got, err := get(url); err != nil || len(got) != 1_000_007 {
			t.Errorf("%s: %d bytes, %v", url, len(got), err)
		}
	}
	s.stop(syscall.SIGTERM)
	b, err := os.ReadFile(capture)
	if err != nil || !bytes.HasPrefix(b, []byte("\x0a\x0d\x0d\x0a")) || !bytes.Contains(b, []byte("GET /bytes/1000000")) {
		t.Errorf("capture of %d bytes, %v", len(b), err)
	}
}

// A TAP that was there before is used, and stays.
func TestServePersistentInNamespace(t *testing.T) {
	needTUN(t)
	ip, err := exec.LookPath("ip")
	if err != nil {
		required.Skip(t, "no ip in PATH")
	}
	for _, args := range []string{"tuntap add dp7 mode tap", "addr add 10.9.7.1/24 dev dp7", "link set dp7 up"} {
		if out, err := exec.Command(ip, strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
	defer exec.Command(ip, "link", "del", "dp7").Run()
	s := serve(t, "--device", "dp7", "--addr", "10.9.7.2/24", "--services", "http")
	if got, err := get("http://10.9.7.2/bytes/1"); err != nil || got != "200 OK 0" {
		t.Errorf("%q, %v", got, err)
	}
	status, _, errs := finish(t, command(t, "serve", "--device", "dp7", "--addr", "10.9.7.3/24"))
	if status != 1 || !strings.Contains(errs, "in use") || strings.Count(errs, "\n") != 1 {
		t.Errorf("a second serve: status %d, %q", status, errs)
	}
	s.stop(syscall.SIGTERM)
	if !strings.Contains(links(t), "dp7") {
		t.Error("dp7 has gone")
	}
}

// What cannot be done is said in one line, and leaves no TAP.
func TestServeCannotInNamespace(t *testing.T) {
	needTUN(t)
	before := links(t)
	for args, want := range map[string]string{
		"--device lo":                     "lo is no TAP device",
		"--services http=80,iperf3=80":    "address already in use",
		"--gateway 10.8.0.1":              "in none of the port's subnets",
		"--capture /nonexistent/x":        "no such file",
		"--option nope=1":                 `unknown option "nope"`,
		"--mtu 100000":                    "MTU",
		"--device a-name-that-is-longer1": "characters",
	} {
		status, out, errs := finish(t, command(t, append([]string{"serve", "--addr", "10.9.0.2/24"}, strings.Fields(args)...)...))
		if status != 1 || out != "" || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: status %d, %q, %q", args, status, out, errs)
		}
	}
	if links(t) != before {
		t.Errorf("links before: %s; after: %s", before, links(t))
	}
}

// Neither rights nor a device: told apart, and what to do is said.
func TestServeWithoutTUN(t *testing.T) {
	needTUN(t)
	if os.Geteuid() != 0 {
		t.Skip("only root can take its own rights away")
	}
	nobody := command(t, "serve", "--addr", "10.9.0.2/24")
	nobody.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	bare := command(t, "serve", "--addr", "10.9.0.2/24")
	// A mount namespace of its own, in which /dev/net is empty.
	bare.Args = []string{"sh", "-c", `mount --make-rprivate / && mount --bind "$1" /dev/net && exec "$0" serve --addr 10.9.0.2/24`, bare.Path, t.TempDir()}
	bare.Path = "/bin/sh"
	bare.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	for want, cmd := range map[string]*exec.Cmd{"as root": nobody, "no /dev/net/tun": bare} {
		status, out, errs := finish(t, cmd)
		if status != 1 || out != "" || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("want %q: status %d, %q, %q", want, status, out, errs)
		}
	}
}
