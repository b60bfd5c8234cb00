package capture

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"dataplane/api"
	dpcapture "dataplane/capture"

	"golang.org/x/net/bpf"
)

// request asks for an expression.
func request(t *testing.T, expr string, count int) *Request {
	t.Helper()
	prog, err := dpcapture.Compile(expr, dpcapture.MaxFrame)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := bpf.Assemble(prog)
	if err != nil {
		t.Fatal(err)
	}
	return &Request{Filter: raw, Count: count}
}

// A client gets its frames and the sum, by count or when it asks for the end.
func TestStream(t *testing.T) {
	a, b, err := api.Pipe(api.Config{Mode: api.ModeShared}, api.Config{Mode: api.ModeShared})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	}()
	to, err := b.ListenPacket("udp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() { // as long as the test
		defer close(done)
		c, err := a.Dial("udp", to.LocalAddr().String())
		for err == nil {
			select {
			case <-quit:
				c.Close()
				return
			case <-time.After(time.Millisecond):
				_, err = c.Write([]byte("hello"))
			}
		}
	}()
	defer func() { close(quit); <-done }()
	// captured asks for frames by count, or ends after a while.
	captured := func(count int, after time.Duration) (lines int, all string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ours, theirs := net.Pipe()
		defer ours.Close()
		go func() { Serve(b, theirs); theirs.Close() }()
		if count == 0 {
			time.AfterFunc(after, cancel)
		}
		var out, said bytes.Buffer
		if err := Run(ctx, ours, request(t, "udp", count), Output{Stdout: &out, Stderr: &said}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(said.String(), " 0 missed") {
			t.Errorf("%s%s", &out, &said)
		}
		return strings.Count(out.String(), " 10.0.0.2.7: UDP, length 5\n"), out.String()
	}
	if n, all := captured(5, 0); n != 5 {
		t.Errorf("%d frames: %s", n, all)
	}
	for after := 100 * time.Millisecond; ; after *= 4 { // a busy machine may begin late
		n, all := captured(0, after)
		if n > 0 {
			break
		}
		if after > 5*time.Second {
			t.Fatalf("no frames in %v: %s", after, all)
		}
	}
	for what, req := range map[string]*Request{
		"no such device":   {Iface: "eth9"},
		"invalid argument": {Filter: []bpf.RawInstruction{{Op: 0xffff}}},
	} {
		ours, theirs := net.Pipe()
		go func() { Serve(b, theirs); theirs.Close() }()
		if _, err := Ask(ours, req); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want %s", err, what)
		}
		ours.Close()
	}
}
