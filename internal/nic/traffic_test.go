package nic

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"

	"dataplane/cmd/dataplane/service"
	"dataplane/internal/required"
)

const bulk = 64 << 20

// usual is the traffic of an ordinary life, at the MTU of Ethernet.
func (s *session) usual() {
	if s.lane.lcores > 1 {
		s.spread(32)
	}
	s.flood(2000)
	for _, size := range []int{0, 1, 18, 1472, 1473, 4000, 65507} {
		s.ping(size, "dont")
	}
	s.requests(1000)
	s.receive(bulk, 1)
	s.send(bulk, 2)
	s.echo()
	s.pullCable()
}

// jumbo is one frame of 9000 bytes and what fills many.
func (s *session) jumbo() {
	s.setMTU(9000)
	defer s.setMTU(1500)
	s.ping(8972, "do")
	s.ping(8973, "dont")
	s.receive(bulk/4, 3)
	s.send(bulk/4, 4)
}

// small is a plane whose frames are smaller than its peer's. Where it has several queues
// it rests long enough to gather all flows on one lcore, and the NIC follows.
func (s *session) small() {
	if s.lane.elastic(smallMTU) {
		s.spread(8)
		time.Sleep(3 * time.Second)
		s.spread(8)
	}
	s.ping(572, "dont")
	s.ping(3000, "dont")
	s.receive(1<<20, 5)
	s.send(1<<20, 6)
	s.reset()
}

func (s *session) setMTU(n int) {
	s.Helper()
	if err := netlink.LinkSetMTU(s.tap, n); err != nil {
		s.Fatal(err)
	}
}

// tool runs a program to its end.
func (s *session) tool(limit time.Duration, name string, args ...string) (string, error) {
	s.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		required.Skip(s, "no "+name+" on this machine")
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), errors.Join(err, ctx.Err())
}

// reachable waits until the plane answers: a link takes up to a second to come up.
func (s *session) reachable(limit time.Duration) {
	s.Helper()
	began := time.Now()
	for time.Since(began) < limit {
		if _, err := s.tool(5*time.Second, "ping", "-c", "1", "-W", "1", planeIP); err == nil {
			s.Logf("reachable after %.1f s", time.Since(began).Seconds())
			return
		}
	}
	s.Fatalf("the plane does not answer within %v\n%s", limit, s.m.transcript())
}

var pinged = regexp.MustCompile(`(\d+) packets transmitted, (\d+) received.*\n(?:rtt min/avg/max/mdev = (\S+ ms))?`)

// flood sends pings, each as soon as the last one is answered or 10 ms have passed,
// until n are answered.
func (s *session) flood(n int) {
	s.Helper()
	out, err := s.tool(70*time.Second, "ping", "-f", "-q", "-w", "60", "-c", fmt.Sprint(n), planeIP)
	m := pinged.FindStringSubmatch(out)
	if err != nil || m == nil {
		s.Errorf("flood ping: %v\n%s", err, out)
		return
	}
	sent, _ := strconv.Atoi(m[1]) // digits
	got, _ := strconv.Atoi(m[2])
	if got < n || sent > n+n/20 { // who is late is no loss
		s.Errorf("flood ping: %d of %d answered\n%s", got, sent, out)
	}
	s.Logf("flood ping: %d sent, %d answered, rtt min/avg/max/mdev %s", sent, got, m[3])
}

// ping wants three answers of one size. pmtu is ping's -M: do forbids fragments.
func (s *session) ping(size int, pmtu string) {
	s.Helper()
	out, err := s.tool(30*time.Second, "ping", "-q", "-c", "3", "-i", "0.05", "-w", "15", "-M", pmtu, "-s", fmt.Sprint(size), planeIP)
	if err != nil || !strings.Contains(out, " 3 received") {
		s.Errorf("ping of %d bytes: %v\n%s", size, err, out)
	}
}

// requests fetches a page n times with curl, over four connections.
func (s *session) requests(n int) {
	s.Helper()
	began := time.Now()
	out, err := s.tool(90*time.Second, "curl", "-sS", "--parallel", "--parallel-max", "4", "-m", "60", "-o", "/dev/null",
		"-w", "%{http_code} ", fmt.Sprintf("http://%s/?[1-%d]", planeIP, n))
	if got := strings.Count(out, "200 "); err != nil || got != n {
		s.Errorf("curl: %d of %d, %v\n%s", got, n, err, out)
		return
	}
	s.Logf("http: %d requests, %.0f/s", n, float64(n)/time.Since(began).Seconds())
}

// client talks to the plane over connections of its own.
func client() *http.Client {
	return &http.Client{Timeout: 90 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
}

// receive fetches n bytes and compares their hash.
func (s *session) receive(n int64, seed uint64) {
	s.Helper()
	began := time.Now()
	if resp := s.ask(n, seed); resp != nil {
		s.finish(resp, n, seed, began)
	}
}

// ask asks for n bytes. Their beginning is there when it returns.
func (s *session) ask(n int64, seed uint64) *http.Response {
	s.Helper()
	resp, err := client().Get(fmt.Sprintf("http://%s/random/%d?seed=%d", planeIP, n, seed))
	if err != nil {
		s.Error(err)
		return nil
	}
	return resp
}

// finish reads an answer to its end and compares its hash.
func (s *session) finish(resp *http.Response, n int64, seed uint64, began time.Time) {
	defer resp.Body.Close()
	h := sha256.New()
	got, err := io.Copy(h, resp.Body)
	if want := hash(n, seed); err != nil || got != n || fmt.Sprintf("%x", h.Sum(nil)) != want {
		s.Errorf("%d of %d bytes, %v; hash %x, want %s", got, n, err, h.Sum(nil), want)
		return
	}
	s.Logf("received %d MiB, hashes equal, %.1f MB/s", n>>20, float64(n)/time.Since(began).Seconds()/1e6)
}

// send posts n bytes and compares the hash of what the plane got.
func (s *session) send(n int64, seed uint64) {
	s.Helper()
	began := time.Now()
	body := io.LimitReader(service.Random(seed), n)
	req, err := http.NewRequest(http.MethodPost, "http://"+planeIP+"/sha256", body)
	if err != nil {
		s.Fatal(err)
	}
	req.ContentLength = n
	resp, err := client().Do(req)
	if err != nil {
		s.Error(err)
		return
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if want := fmt.Sprintf("%s %d\n", hash(n, seed), n); err != nil || string(got) != want {
		s.Errorf("%v; hash %s, want %s", err, got, want)
		return
	}
	s.Logf("sent %d MiB, hashes equal, %.1f MB/s", n>>20, float64(n)/time.Since(began).Seconds()/1e6)
}

// hash is that of the first n bytes of a seed's stream.
func hash(n int64, seed uint64) string {
	h := sha256.New()
	_, _ = io.CopyN(h, service.Random(seed), n) // it is endless
	return fmt.Sprintf("%x", h.Sum(nil))
}

// echo sends datagrams from several sockets and wants each back as it was. A
// datagram may get lost, so there is a second and a third try.
func (s *session) echo() {
	s.Helper()
	sizes := []int{0, 1, 100, 1472, 1473, 9000, 60000}
	again := 0
	for i := range 8 {
		c, err := net.Dial("udp", planeIP+":7")
		if err != nil {
			s.Error(err)
			return
		}
		defer c.Close()
		for k := range 50 {
			b := make([]byte, sizes[(i+k)%len(sizes)])
			for j := range b {
				b[j] = byte(rand.Uint32())
			}
			tries := echoed(c, b)
			if tries == 0 {
				s.Errorf("UDP echo: %d bytes did not come back", len(b))
				return
			}
			again += tries - 1
		}
	}
	s.Logf("UDP echo: 400 datagrams, %d sent again", again)
}

// echoed returns how many tries it took until b came back, 0 if it did not.
func echoed(c net.Conn, b []byte) int {
	in := make([]byte, 65536)
	for try := 1; try <= 3; try++ {
		if _, err := c.Write(b); err != nil {
			return 0
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, err := c.Read(in); err == nil && bytes.Equal(in[:n], b) {
			return try
		}
	}
	return 0
}

// reset resets the NIC in the middle of a transfer: the connection survives, and
// nothing is missing at the end.
func (s *session) reset() {
	s.Helper()
	began := time.Now()
	const n = bulk / 8
	resp := s.ask(n, 8)
	if resp == nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.finish(resp, n, 8, began)
	}()
	s.m.tellGuest("reset")
	if got := s.m.wait("serve: dataplane: reset: ", 30*time.Second); got != "1 done" {
		s.Errorf("reset: %s", got)
	}
	at := time.Now()
	<-done
	s.reachable(20 * time.Second)
	s.Logf("all there %.1f s after the reset", time.Since(at).Seconds())
	s.wasReset = true
}

// pullCable pulls the cable in the middle of a transfer and plugs it in again: what
// was under way is lost and sent again, and nothing is missing at the end.
func (s *session) pullCable() {
	s.Helper()
	began := time.Now()
	resp := s.ask(bulk/2, 7)
	if resp == nil {
		return
	}
	done := make(chan struct{})
	if err := s.m.qmp.setLink(false); err != nil {
		s.Fatal(err)
	}
	go func() {
		defer close(done)
		s.finish(resp, bulk/2, 7, began)
	}()
	if out, err := s.tool(10*time.Second, "ping", "-q", "-c", "3", "-i", "0.2", "-W", "1", planeIP); err == nil {
		s.Errorf("ping over a cable that is pulled:\n%s", out)
	}
	if err := s.m.qmp.setLink(true); err != nil {
		s.Fatal(err)
	}
	up := time.Now()
	s.reachable(20 * time.Second)
	<-done
	s.Logf("all there %.1f s after the cable was plugged in", time.Since(up).Seconds())
}
