package e2e

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"dataplane/api"
)

// pinged returns sent and received out of ping's last lines.
func pinged(t testing.TB, out string) (sent, received int) {
	t.Helper()
	m := regexp.MustCompile(`(\d+) packets transmitted, (\d+) received`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("ping said\n%s", out)
	}
	sent, _ = strconv.Atoi(m[1])
	received, _ = strconv.Atoi(m[2])
	return sent, received
}

func TestPing(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			b := newBed(t, w.set)
			for _, args := range []string{
				"-c 3 -i 0.05",
				"-c 3 -i 0.05 -s 0",
				"-c 3 -i 0.05 -s 1472 -M do",
				"-c 3 -i 0.05 -s 1473",
				"-c 3 -i 0.05 -s 65507",
				"-c 3 -i 0.05 -R",
				"-c 3 -i 0.05 -T tsonly",
				"-f -c 2000",
				"-f -c 200 -s 65507",
			} {
				ping(t, b, 20*time.Second, args)
			}
		})
	}
}

// ping runs ping, and once more if answers are missing: it waits for the last one
// no longer than twice the longest round trip, which is not enough where the
// plane gets no CPU for a while.
func ping(t *testing.T, b *bed, limit time.Duration, args string) {
	t.Helper()
	for attempt := range 3 {
		out := tool(t, limit, "ping", append(strings.Fields("-n -W 2 "+args), planeIP)...)
		sent, got := pinged(t, out)
		switch {
		case strings.Contains(out, "wrong data") || got != sent && attempt == 2:
			t.Errorf("ping %s: drops of our own: %s\n%s", args, b.dropped(), out)
		case got != sent:
			t.Logf("ping %s: %d of %d; drops of our own: %s", args, got, sent, b.dropped())
			continue
		case strings.Contains(args, "-f"):
			t.Logf("ping %s: %s", args, out[strings.LastIndex(out, "rtt"):])
		}
		return
	}
}

func TestPingTooLongForDF(t *testing.T) {
	newBed(t)
	out, err := try(t, 10*time.Second, "ping", "-n", "-c", "1", "-W", "1", "-M", "do", "-s", "1473", planeIP)
	if err == nil {
		t.Errorf("1501 bytes with DF on a link of 1500:\n%s", out)
	}
}

func TestPingOtherMTU(t *testing.T) {
	for _, mtu := range []int{576, 1280, 9000} {
		t.Run(strconv.Itoa(mtu), func(t *testing.T) {
			b := newBed(t, func(c *api.Config) { c.Ports[0].MTU = mtu })
			for _, size := range []int{mtu - 28, mtu - 27, 20000, 65507} {
				ping(t, b, 10*time.Second, "-c 5 -i 0.02 -s "+strconv.Itoa(size))
			}
		})
	}
}

func TestArping(t *testing.T) {
	b := newBed(t)
	out := tool(t, 10*time.Second, "arping", "-c", "3", "-I", device, planeIP)
	mac := b.plane.Ports()[0].MAC
	want := strings.ToLower(macString(mac))
	if strings.Count(strings.ToLower(out), want) < 3 {
		t.Errorf("want 3 answers from %s:\n%s", want, out)
	}
	// An address that nobody has is nobody's to answer.
	if out, err := try(t, 10*time.Second, "arping", "-c", "1", "-w", "1", "-I", device, "10.9.0.77"); err == nil {
		t.Errorf("somebody answered for 10.9.0.77:\n%s", out)
	}
}
