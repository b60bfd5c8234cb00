package e2e

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

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
				t.Run(c.name, func(t *testing.T) { iperf(t, c.args) })
			}
		})
	}
}

func iperf(t *testing.T, args []string) {
	t.Helper()
	args = append([]string{"-c", planeIP, "-J", "-t", "1", "--connect-timeout", "3000"}, args...)
	out, err := try(t, 20*time.Second, "iperf3", args...)
	var r iperfResult
	if e := json.Unmarshal([]byte(out), &r); e != nil || err != nil || r.Error != "" {
		t.Fatalf("iperf3 %v: %v %v %q\n%.2000s", args, err, e, r.Error, out)
	}
	if s := r.End.Sum; s.Packets > 0 {
		t.Logf("%.0f Mbit/s, lost %.0f of %.0f", s.BitsPerSec/1e6, s.LostPackets, s.Packets)
		if s.BitsPerSec < 80e6 || s.LostPackets > s.Packets/10 {
			t.Errorf("of 100 Mbit/s of UDP %.0f came, %.0f of %.0f packets are lost", s.BitsPerSec/1e6, s.LostPackets, s.Packets)
		}
		return
	}
	t.Logf("sent %.2f Gbit/s, received %.2f Gbit/s", r.End.SumSent.BitsPerSec/1e9, r.End.SumReceived.BitsPerSec/1e9)
	if r.End.SumReceived.Bytes < 1<<20 {
		t.Errorf("only %.0f bytes received\n%.4000s", r.End.SumReceived.Bytes, out)
	}
}
