package iperf3

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dataplane/internal/required"
)

// kernel is package net as a Network.
type kernel struct{}

func (kernel) Listen(network, address string) (net.Listener, error) {
	return net.Listen(network, address)
}

func (kernel) ListenPacket(network, address string) (net.PacketConn, error) {
	return net.ListenPacket(network, address)
}

// serve starts a server on loopback that is stopped at the end of the test.
func serve(t *testing.T) *Server {
	t.Helper()
	s, err := Start(kernel{}, "127.0.0.1:0", slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.Stop(ctx)
	})
	return s
}

// report is what we look at in the client's JSON.
type report struct {
	Error string
	End   struct {
		SumSent     sum `json:"sum_sent"`
		SumReceived sum `json:"sum_received"`
		Sum         sum
		Streams     []struct{ Sender, Receiver, UDP sum }
	}
}

type sum struct {
	Bytes, Seconds, Packets float64
	BitsPerSecond           float64 `json:"bits_per_second"`
	LostPackets             float64 `json:"lost_packets"`
	JitterMs                float64 `json:"jitter_ms"`
}

// client runs iperf3's client against s.
func client(t *testing.T, s *Server, args ...string) report {
	t.Helper()
	path, err := exec.LookPath("iperf3")
	if err != nil {
		required.Skip(t, "no iperf3 in PATH")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, port, _ := net.SplitHostPort(s.Addr().String())
	if !slices.Contains(args, "-n") {
		args = append(args, "-t", "1")
	}
	out, err := exec.CommandContext(ctx, path, append([]string{"-c", "127.0.0.1", "-p", port, "-J"}, args...)...).CombinedOutput()
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("iperf3 %v: %v\n%s", args, err, out)
	}
	if err != nil || r.Error != "" {
		t.Fatalf("iperf3 %v: %v: %s", args, err, r.Error)
	}
	return r
}

func TestTCP(t *testing.T) {
	s := serve(t)
	for _, args := range []string{"", "-R", "-P 4", "-R -P 3", "--bidir", "--bidir -P 2", "-n 10M", "-n 10M -R", "-l 100 -N", "-O 1", "-Z", "--get-server-output"} {
		t.Run(args, func(t *testing.T) {
			r := client(t, s, strings.Fields(args)...)
			sent, got := r.End.SumSent, r.End.SumReceived
			if got.Bytes == 0 || got.Bytes > 1.01*sent.Bytes+1 && !strings.Contains(args, "-O") {
				t.Errorf("sent %.0f, received %.0f bytes", sent.Bytes, got.Bytes)
			}
			if got.BitsPerSecond == 0 || got.Seconds > 10 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestTCPRate(t *testing.T) {
	s := serve(t)
	for _, args := range []string{"-b 20M", "-R -b 20M"} {
		r := client(t, s, strings.Fields(args)...)
		if got := r.End.SumReceived.BitsPerSecond; got < 1e6 || got > 25e6 {
			t.Errorf("%s: %.1f Mbit/s", args, got/1e6)
		}
	}
}

func TestUDP(t *testing.T) {
	s := serve(t)
	for _, args := range []string{"-b 20M", "-R -b 20M", "-P 4 -b 5M", "-R -P 4 -b 5M", "--bidir -b 20M", "-b 20M --udp-counters-64bit", "-R -b 20M --udp-counters-64bit", "-O 1 -b 20M"} {
		t.Run(args, func(t *testing.T) {
			r := client(t, s, append([]string{"-u", "-l", "1000"}, strings.Fields(args)...)...)
			sum := r.End.Sum
			t.Logf("%+v", sum)
			// A busy machine sends less and loses some; it never sends more.
			if sum.BitsPerSecond < 1e6 || sum.BitsPerSecond > 45e6 {
				t.Errorf("%.1f Mbit/s", sum.BitsPerSecond/1e6)
			}
			if sum.Packets < 100 || sum.LostPackets < 0 || sum.LostPackets > sum.Packets/2 {
				t.Errorf("lost %.0f of %.0f", sum.LostPackets, sum.Packets)
			}
		})
	}
}

// A second client is turned away while the first one measures.
func TestBusy(t *testing.T) {
	s := serve(t)
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write(make([]byte, cookieLen))
	first := control{c}
	if st, err := first.hear(); st != paramExchange || err != nil {
		t.Fatalf("state %d, %v", st, err)
	}
	path, err := exec.LookPath("iperf3")
	if err != nil {
		required.Skip(t, "no iperf3 in PATH")
	}
	_, port, _ := net.SplitHostPort(s.Addr().String())
	out, err := exec.Command(path, "-c", "127.0.0.1", "-p", port, "-t", "1").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "busy") {
		t.Errorf("%v: %s", err, out)
	}
	c.Close()
	for end := time.Now().Add(20 * time.Second); s.cur.Load() != nil && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	client(t, s, "-n", "1M")
}

func TestStopTellsTheClient(t *testing.T) {
	path, err := exec.LookPath("iperf3")
	if err != nil {
		required.Skip(t, "no iperf3 in PATH")
	}
	s := serve(t)
	_, port, _ := net.SplitHostPort(s.Addr().String())
	cmd := exec.Command(path, "-c", "127.0.0.1", "-p", port, "-t", strconv.Itoa(30))
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if c := s.cur.Load(); c != nil && c.moved() > 0 { // the client is at work
			break
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	s.Stop(ctx)
	if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), "terminated") {
		t.Errorf("%v: %q", err, out)
	}
}
