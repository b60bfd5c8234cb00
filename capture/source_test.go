package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/api"
	"dataplane/internal/required"
)

// planes returns two on a wire, closed and accounted for at the end.
func planes(t *testing.T) (a, b *api.Net) {
	t.Helper()
	cfg := api.Config{Lcores: []int{api.AnyCPU, api.AnyCPU}, Mode: api.ModeShared}
	a, b, err := api.Pipe(cfg, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
	return a, b
}

// begin captures what an expression says.
func begin(t *testing.T, n *api.Net, cfg api.CaptureConfig, expr string, snap int) *api.Capture {
	t.Helper()
	var err error
	if cfg.Filter, err = Compile(expr, snap); err != nil {
		t.Fatal(err)
	}
	c, err := n.Capture(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// talk sends n datagrams to and fro.
func talk(t *testing.T, a, b *api.Net, n int) {
	t.Helper()
	s, err := b.ListenPacket("udp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := a.Dial("udp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	s.SetDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 100)
	for range n {
		if _, err := c.Write([]byte("what is said")); err != nil {
			t.Fatal(err)
		}
		_, from, err := s.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.WriteTo([]byte("is answered"), from); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
}

// gopacket reads a capture, and its end.
func TestSource(t *testing.T) {
	a, b := planes(t)
	c := begin(t, b, api.CaptureConfig{}, "udp and port 7", MaxFrame)
	src := Source{c}
	packets := gopacket.NewPacketSource(src, src.LinkType())
	before := time.Now().Add(-time.Minute)
	talk(t, a, b, 50)
	for i := range 100 {
		p, err := packets.NextPacket()
		if err != nil {
			t.Fatal(err)
		}
		u, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
		want := []string{"what is said", "is answered"}[i%2]
		if !ok || string(u.Payload) != want {
			t.Fatalf("%d: %v", i, p)
		}
		if ci := p.Metadata(); ci.Timestamp.Before(before) || ci.Timestamp.After(time.Now().Add(time.Second)) || ci.Length != 42+len(want) || ci.InterfaceIndex != 0 {
			t.Errorf("%+v", ci)
		}
	}
	frames, missed, err := c.Stats()
	if frames != 100 || missed != 0 || err != nil {
		t.Errorf("%d frames, %d missed, %v", frames, missed, err)
	}
	time.AfterFunc(20*time.Millisecond, func() { c.Close() })
	if _, err := packets.NextPacket(); err != io.EOF {
		t.Errorf("closed: %v", err)
	}
}

// The file is one that tcpdump reads; frames are cut; a count ends it.
func TestWriteFile(t *testing.T) {
	a, b := planes(t)
	c := begin(t, b, api.CaptureConfig{Incoming: true}, "udp", 50)
	talk(t, a, b, 30)
	var file bytes.Buffer
	n, err := WriteFile(t.Context(), c, &file, 50, 20)
	if n != 20 || err != nil || file.Len() != 24+20*(16+50) {
		t.Fatalf("%d frames in %d bytes, %v", n, file.Len(), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var rest bytes.Buffer
	if n, err = WriteFile(ctx, c, &rest, 50, 0); n != 10 || err != nil {
		t.Errorf("%d frames after that, %v", n, err)
	}
	tool, err := exec.LookPath("tcpdump")
	if err != nil {
		required.Skip(t, "tcpdump is not installed")
	}
	name := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-nr", name).CombinedOutput()
	if err != nil || bytes.Count(out, []byte("10.0.0.2.7: UDP, length 12")) != 20 {
		t.Errorf("%v\n%s", err, out)
	}
}

// On the loopback a frame is shown once.
func TestLoopback(t *testing.T) {
	a, _ := planes(t)
	c := begin(t, a, api.CaptureConfig{Iface: "lo"}, "udp", MaxFrame)
	s, err := a.ListenPacket("udp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := s.WriteTo([]byte("x"), s.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if n, err := Each(ctx, c, 0, Sink{Frame: func(*api.Frame) error { return nil }}); n != 10 || err != nil {
		t.Errorf("%d frames, %v", n, err)
	}
}

func TestCaptureRefused(t *testing.T) {
	a, _ := planes(t)
	if _, err := a.Capture(api.CaptureConfig{Iface: "eth9"}); !errors.Is(err, syscall.ENODEV) {
		t.Error(err)
	}
}

func TestNextAllocates(t *testing.T) {
	a, b := planes(t)
	c := begin(t, b, api.CaptureConfig{}, "udp", MaxFrame)
	talk(t, a, b, 200)
	if n := testing.AllocsPerRun(200, func() {
		if _, err := c.Next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a frame", n)
	}
}
