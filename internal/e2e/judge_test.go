package e2e

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"dataplane/api"
	"dataplane/pmd"
	"dataplane/pmd/pcap"
)

// captured runs f against a plane whose traffic is recorded and returns the file.
func captured(t *testing.T, set func(*api.Config), f func(b *bed)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "capture.pcapng")
	w, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	t.Run("traffic", func(t *testing.T) {
		var rec *pcap.Port
		b := newBed(t, set, func(c *api.Config) {
			c.Ports[0].Wrap = func(p pmd.Port) (pmd.Port, error) {
				rec = pcap.Wrap(p, w, nil)
				return rec, nil
			}
		})
		f(b)
		if n := rec.Dropped(); n > 0 {
			t.Logf("%d frames are not in the capture", n)
		}
	})
	return path
}

// tsharkArgs makes tshark verify what it reads.
var tsharkArgs = []string{"-n", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"}

// verdict is what a filter should match in a capture.
type verdict struct {
	filter   string
	min, max int
}

// judge lets tshark count the frames of the capture that each filter matches.
func judge(t *testing.T, path string, all []verdict) {
	t.Helper()
	stat := "io,stat,0"
	for _, v := range all {
		stat += "," + v.filter
	}
	out := tool(t, 60*time.Second, "tshark", append(tsharkArgs, "-r", path, "-q", "-z", stat)...)
	rows := regexp.MustCompile(`(?m)^\| .*<> .*$`).FindAllString(out, -1)
	if len(rows) != 1 {
		t.Fatalf("tshark said\n%s", out)
	}
	cells := strings.Split(rows[0], "|") // "", interval, frames, bytes, frames, bytes, ...
	for i, v := range all {
		if 2+2*i >= len(cells) {
			t.Fatalf("no column for %s:\n%s", v.filter, out)
		}
		n, err := strconv.Atoi(strings.TrimSpace(cells[2+2*i]))
		if err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		if n < v.min || n > v.max {
			shown, _ := try(t, 30*time.Second, "tshark", append(tsharkArgs, "-r", path, "-c", "20000", "-Y", v.filter)...)
			t.Errorf("%s: %d frames, want %d to %d\n%.3000s", v.filter, n, v.min, v.max, shown)
		}
	}
}

// traffic is some of everything.
func traffic(b *bed) {
	b.Helper()
	serveUDP(b, b.plane.ListenPacket, planeIP+":7")
	up := serveTCP(b, b.plane.Listen, planeIP+":9", hashed)
	down := serveTCP(b, b.plane.Listen, planeIP+":19", supply(1<<20))
	tool(b, 10*time.Second, "ping", "-n", "-c", "3", "-i", "0.05", planeIP)
	tool(b, 10*time.Second, "ping", "-n", "-c", "2", "-i", "0.05", "-s", "5000", planeIP)
	for _, err := range []error{
		oneTCP(up, func(c net.Conn) error { return send(c, 1<<20) }),
		oneTCP(down, func(c net.Conn) error { return fetch(c, 1<<20) }),
	} {
		if err != nil {
			b.Error(err)
		}
	}
	c, err := net.Dial("udp", planeIP+":7")
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	soon(b, c)
	for _, n := range []int{0, 1, 100, 1472, 5000} {
		if _, err := c.Write(block[:n]); err != nil {
			b.Error(err)
		}
		if _, err := c.Read(make([]byte, 9000)); err != nil {
			b.Error(err)
		}
	}
	b.plane.Dial("tcp", kernelIP+":1") // nobody there
}

func oneTCP(addr string, f func(net.Conn) error) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return f(c)
}

// TestCaptureJudged lets tshark and tcpdump read what our pcapng writer recorded and
// judge what the plane sent.
func TestCaptureJudged(t *testing.T) {
	path := captured(t, plain, traffic)
	ours := "ip.src == " + planeIP
	judge(t, path, []verdict{
		{ours, 500, 100000},
		{ours + " && ip.checksum.status == 0", 0, 0},
		{ours + " && tcp.checksum.status == 0", 0, 0},
		{ours + " && udp.checksum.status == 0", 0, 0},
		{ours + " && icmp.checksum.status == 0", 0, 0},
		{ours + " && ip.checksum.status == 1", 500, 100000},
		{ours + " && tcp.checksum.status == 1", 500, 100000},
		{"_ws.malformed", 0, 0},
		{ours + " && tcp.analysis.retransmission", 0, 0},
		{ours + " && tcp.analysis.spurious_retransmission", 0, 0},
		{ours + " && tcp.analysis.lost_segment", 0, 0},
		{ours + " && tcp.analysis.duplicate_ack", 0, 2},
		{ours + " && tcp.analysis.zero_window_probe", 0, 0},
		{"icmp.type == 0", 5, 5},
		{"arp.opcode == 2", 1, 10},
		{"frame.len > 1514", 0, 0},
	})
	out := tool(t, 20*time.Second, "tcpdump", "-n", "-v", "-r", path, "src", "host", planeIP)
	for _, bad := range []string{"incorrect", "bad cksum", "bad hdr", "truncated", "wrong"} {
		if i := strings.Index(out, bad); i >= 0 {
			t.Errorf("tcpdump says %q: %s", bad, out[max(0, i-300):min(len(out), i+100)])
		}
	}
}

// TestCaptureOffloads records super-segments; what the plane left to the device to
// finish is not judged, the structure is.
func TestCaptureOffloads(t *testing.T) {
	path := captured(t, ways[3].set, traffic)
	judge(t, path, []verdict{
		{"_ws.malformed", 0, 0},
		{"frame.len > 1514 && ip.src == " + planeIP, 1, 10000},
		{"frame.len > 1514 && ip.dst == " + planeIP, 1, 10000},
		{"tcp.analysis.retransmission && ip.src == " + planeIP, 0, 0},
	})
}
