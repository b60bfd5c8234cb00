//go:build dpdk && !static

package dpdk

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkMemif is a memif between two processes, each on a CPU of its own: UDP echo
// between goroutines of two planes with 256 datagrams on the way, and beside it two
// testpmd that pass frames to and fro (io forwarding). Both in million packets a
// second and direction.
func BenchmarkMemif(b *testing.B) {
	for _, tool := range []string{"dpdk-testpmd", "taskset"} {
		if _, err := exec.LookPath(tool); err != nil {
			b.Skip("no ", tool, ": apt-get install dpdk-dev util-linux")
		}
	}
	for b.Loop() {
		echo := memifPlanes(b)
		io := memifTestpmd(b)
		b.ReportMetric(echo, "echo-Mpps")
		b.ReportMetric(io, "testpmd-Mpps")
	}
	b.ReportMetric(0, "ns/op")
}

// memifPlanes returns the rate of UDP echoes between two planes.
func memifPlanes(b *testing.B) float64 {
	sock := filepath.Join(b.TempDir(), "m.sock")
	child := func(cpu, role string) *exec.Cmd {
		cmd := exec.Command("taskset", "-c", cpu, os.Args[0], "-test.run=^TestMemifPeer$", "-test.v", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "DPDK_TEST_SOCKET="+sock, "DPDK_TEST_ROLE="+role)
		return cmd
	}
	server := child("0", "server")
	stdin, err := server.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	for range 100 { // the client asks once
		if _, err := os.Stat(sock); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	out, err := child("1", "client").CombinedOutput()
	stdin.Close()
	if e := server.Wait(); e != nil {
		b.Error("server: ", e)
	}
	m := regexp.MustCompile(`(\d+) echoes a second`).FindSubmatch(out)
	if err != nil || m == nil {
		b.Fatalf("%v\n%s", err, out)
	}
	n, _ := strconv.ParseFloat(string(m[1]), 64)
	return n / 1e6
}

// TestMemifPeer is one of the processes of BenchmarkMemif.
func TestMemifPeer(t *testing.T) {
	role := os.Getenv("DPDK_TEST_ROLE")
	if role == "" {
		t.Skip("a part of BenchmarkMemif")
	}
	device := "net_memif6,socket-abstract=no,role=" + role + ",socket=" + os.Getenv("DPDK_TEST_SOCKET")
	if role == "server" {
		plane(t, device, "10.9.0.2/24", nil)
		io.Copy(io.Discard, os.Stdin) //nolint:errcheck // until the parent closes it
		return
	}
	n := plane(t, device, "10.9.0.1/24", map[string]string{"link-wait": "10s"})
	c, err := n.Dial("udp", "10.9.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 18) // frames of 60 bytes
	exchange := func() {
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.Read(buf); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(buf); err != nil {
			t.Fatal(err)
		}
	}
	c.Write(buf)
	exchange() // the neighbour is known
	for range 255 {
		c.Write(buf)
	}
	for range 100_000 {
		exchange()
	}
	from, echoes := time.Now(), 0
	for ; time.Since(from) < 3*time.Second; echoes += 100 {
		for range 100 {
			exchange()
		}
	}
	fmt.Printf("%.0f echoes a second\n", float64(echoes)/time.Since(from).Seconds())
}

// memifTestpmd returns the rate at which two testpmd pass frames to and fro.
func memifTestpmd(b *testing.B) float64 {
	dir := b.TempDir()
	sock := filepath.Join(dir, "m.sock")
	var log strings.Builder
	start := func(cpu, role string, out io.Writer, more ...string) *exec.Cmd {
		args := []string{"--lcores=0@" + cpu + ",1@" + cpu, "--no-huge", "-m", "256", "--no-pci", "--no-telemetry",
			"--file-prefix=" + role + strconv.Itoa(os.Getpid()),
			"--vdev=net_memif0,socket-abstract=no,role=" + role + ",socket=" + sock,
			"--", "--forward-mode=io", "--total-num-mbufs=4096", "--no-lsc-interrupt", "--stats-period=1"}
		cmd := exec.Command("dpdk-testpmd", append(args, more...)...)
		cmd.Stdout, cmd.Stderr = out, io.Discard
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		return cmd
	}
	server := start("0", "server", io.Discard)
	time.Sleep(time.Second)
	client := start("1", "client", &log, "--tx-first")
	time.Sleep(6 * time.Second)
	for _, cmd := range []*exec.Cmd{client, server} {
		cmd.Process.Signal(syscall.SIGINT) //nolint:errcheck // it may have ended
		done := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait() //nolint:errcheck // its status tells nothing
		done.Stop()
	}
	var rates []float64
	for _, m := range regexp.MustCompile(`Rx-pps:\s+(\d+)`).FindAllStringSubmatch(log.String(), -1) {
		n, _ := strconv.ParseFloat(m[1], 64)
		rates = append(rates, n/1e6)
	}
	if len(rates) == 0 {
		b.Fatalf("testpmd showed no rates:\n%s", log.String())
	}
	slices.Sort(rates)
	return rates[len(rates)/2]
}
