package e2e

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"dataplane/cmd/dataplane/service/iperf3"
)

// iperfResult is what we read in the client's report.
type iperfResult struct {
	Error string
	End   struct {
		SumSent     iperfSum `json:"sum_sent"`
		SumReceived iperfSum `json:"sum_received"`
		Sum         iperfSum // UDP
	}
}

type iperfSum struct {
	Bytes       float64
	BitsPerSec  float64 `json:"bits_per_second"`
	Packets     float64
	LostPackets float64 `json:"lost_packets"`
}

// TestIperf3 measures with the real client, in every direction and protocol.
func TestIperf3(t *testing.T) {
	find(t, "iperf3")
	for _, w := range []int{0, 1, 4} {
		t.Run(ways[w].name, func(t *testing.T) {
			b := newBed(t, ways[w].set)
			s, err := iperf3.Start(b.plane, planeIP+":5201", slog.New(slog.DiscardHandler))
			must(t, err)
			defer func() {
				ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
				defer cancel()
				s.Stop(ctx)
			}()
			for _, c := range []struct {
				name string
				args []string
			}{
				{"tcp", nil},
				{"tcp reverse", []string{"-R"}},
				{"tcp parallel", []string{"-P", "4"}},
				{"tcp parallel reverse", []string{"-P", "4", "-R"}},
				{"udp", []string{"-u", "-b", "100M"}},
				{"udp reverse", []string{"-u", "-b", "100M", "-R"}},
			} {
				t.Run(c.name, func(t *testing.T) { b.iperf(t, planeIP, c.args) })
			}
		})
	}
}

// iperf runs the client against the plane at an address.
func (b *bed) iperf(t *testing.T, at string, args []string) {
	t.Helper()
	before := b.missed(t)
	args = append([]string{"-c", at, "-J", "-t", "1", "--connect-timeout", "3000"}, args...)
	out, err := try(t, 20*time.Second, "iperf3", args...)
	var r iperfResult
	if e := json.Unmarshal([]byte(out), &r); e != nil || err != nil || r.Error != "" {
		t.Fatalf("iperf3 %v: %v %v %q\n%.2000s", args, err, e, r.Error, out)
	}
	if s := r.End.Sum; s.Packets > 0 {
		// Whoever does not get a CPU in time loses packets, the kernel's client too; but each
		// of them has been counted by somebody.
		time.Sleep(10 * time.Millisecond) // the lcores publish their counters
		known := b.missed(t) - before
		t.Logf("%.0f Mbit/s, lost %.0f of %.0f, known of %d", s.BitsPerSec/1e6, s.LostPackets, s.Packets, known)
		if s.LostPackets > float64(known) || s.Packets-s.LostPackets < 500 {
			t.Errorf("of %.0f packets %.0f are lost, and %d known to be", s.Packets, s.LostPackets, known)
		}
		return
	}
	t.Logf("sent %.2f Gbit/s, received %.2f Gbit/s", r.End.SumSent.BitsPerSec/1e9, r.End.SumReceived.BitsPerSec/1e9)
	if r.End.SumReceived.Bytes < 1<<20 {
		t.Errorf("only %.0f bytes received\n%.4000s", r.End.SumReceived.Bytes, out)
	}
}

// missed returns how many packets have been dropped so far and counted: by the plane, by
// the TAP between, and by the kernel's sockets.
func (b *bed) missed(t *testing.T) (n uint64) {
	t.Helper()
	for _, s := range b.plane.Stats() {
		for v := range s.Drops {
			n += s.Drops[v] + s.Lost[v]
		}
	}
	l, err := netlink.LinkByName(device)
	must(t, err)
	if s := l.Attrs().Statistics; s != nil {
		n += s.RxDropped + s.TxDropped
	}
	n += udp6Errors(t)
	snmp, err := os.ReadFile("/proc/net/snmp")
	must(t, err)
	var names []string
	for line := range strings.Lines(string(snmp)) {
		f := strings.Fields(line)
		if f[0] != "Udp:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		for i, name := range names {
			if name == "InErrors" { // RcvbufErrors are among them
				errors, err := strconv.ParseUint(f[i], 10, 64)
				must(t, err)
				n += errors
			}
		}
	}
	return n
}

// udp6Errors is how many datagrams of IPv6 the kernel's sockets had no room for.
func udp6Errors(t *testing.T) (n uint64) {
	t.Helper()
	snmp, err := os.ReadFile("/proc/net/snmp6")
	must(t, err)
	for line := range strings.Lines(string(snmp)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "Udp6InErrors" {
			n, err = strconv.ParseUint(f[1], 10, 64)
			must(t, err)
		}
	}
	return n
}
