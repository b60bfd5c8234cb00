package iperf3

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	good := map[params]int{ // → block length
		{TCP: true}:                      128 << 10,
		{UDP: true}:                      1460,
		{TCP: true, Len: 7, Parallel: 5}: 7,
	}
	for p, want := range good {
		if err := p.check(); err != nil || p.Len != want || p.Parallel < 1 {
			t.Errorf("%+v: %v", p, err)
		}
	}
	bad := map[params]int32{
		{}:                          errUnimp,
		{TCP: true, UDP: true}:      errUnimp,
		{SCTP: true}:                errSCTP,
		{TCP: true, Parallel: 129}:  errStreams,
		{UDP: true, Len: 15}:        errUDPBlock,
		{UDP: true, Len: 65508}:     errUDPBlock,
		{TCP: true, Len: -1}:        errBlock,
		{TCP: true, Len: 1<<20 + 1}: errBlock,
	}
	for p, want := range bad {
		var r *refusal
		if err := p.check(); !errors.As(err, &r) || r.code != want {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestDirections(t *testing.T) {
	for _, c := range []struct {
		p    params
		want []bool
	}{
		{params{Parallel: 2}, []bool{false, false}},
		{params{Parallel: 2, Reverse: true}, []bool{true, true}},
		{params{Parallel: 2, Both: true}, []bool{false, false, true, true}},
	} {
		if got := c.p.directions(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: %v", c.p, got)
		}
	}
	var ids []int
	for i := range 4 {
		ids = append(ids, streamID(i))
	}
	if !reflect.DeepEqual(ids, []int{1, 3, 4, 5}) {
		t.Error(ids)
	}
}

// begin opens a control connection and waits until parameters are asked for.
func begin(t *testing.T, s *Server) control {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	c.Write([]byte(strings.Repeat("c", cookieLen-1) + "\x00"))
	if st, err := (control{c}).hear(); st != paramExchange || err != nil {
		t.Fatalf("state %d, %v", st, err)
	}
	return control{c}
}

// idle waits until the server has no test.
func idle(t *testing.T, s *Server) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); s.cur.Load() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the test does not end")
		}
	}
}

// Whatever a client sends, or however it leaves, the server serves the next one.
func TestHostileClients(t *testing.T) {
	s := serve(t)
	for name, f := range map[string]func(c control){
		"huge":     func(c control) { c.Write([]byte{0xff, 0xff, 0xff, 0xff}) },
		"garbage":  func(c control) { c.Write([]byte("\x00\x00\x00\x02x}")) },
		"no JSON":  func(c control) { c.Close() },
		"no type":  func(c control) { c.put(map[string]any{"tcp": "yes"}) },
		"no end":   func(c control) { c.put(params{TCP: true}); c.hear(); c.Close() },
		"gives up": func(c control) { c.put(params{TCP: true}); c.hear(); c.tell(clientTerminate) },
		"too soon": func(c control) { c.put(params{TCP: true}); c.hear(); c.tell(testEnd) },
		"nonsense": func(c control) { c.put(params{UDP: true}); c.hear(); c.tell(99) },
	} {
		t.Run(name, func(t *testing.T) {
			c := begin(t, s)
			f(c)
			if name != "no JSON" && name != "no end" {
				if _, err := io.Copy(io.Discard, c); errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			}
			idle(t, s)
		})
	}
	if c := begin(t, s); c.Close() != nil {
		t.Error("no test after all that")
	}
}

func TestRefusal(t *testing.T) {
	s := serve(t)
	c := begin(t, s)
	c.put(params{TCP: true, Parallel: 1000})
	b, err := io.ReadAll(c)
	if err != nil || len(b) != 9 || int8(b[0]) != int8(serverError) || binary.BigEndian.Uint32(b[1:]) != errStreams {
		t.Errorf("%x, %v", b, err)
	}
}

// Connections that say nothing do not keep clients out, or Stop waiting.
func TestSilentConnections(t *testing.T) {
	s := serve(t)
	for range 50 {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	c := begin(t, s)
	c.put(params{TCP: true})
	if st, err := c.hear(); st != createStreams || err != nil {
		t.Errorf("state %d, %v", st, err)
	}
}

// Datagrams of anybody but the client, and before their time, make no stream.
func TestUDPHandshake(t *testing.T) {
	s := serve(t)
	for word, want := range map[uint32]uint32{udpConnect: udpReply, udpConnectLegacy: udpReplyLegacy} {
		c := begin(t, s)
		u, err := net.Dial("udp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		u.SetDeadline(time.Now().Add(200 * time.Millisecond))
		hello := binary.NativeEndian.AppendUint32(nil, word)
		u.Write(hello)
		b := make([]byte, 100)
		if n, err := u.Read(b); err == nil {
			t.Errorf("answered %x before the parameters", b[:n])
		}
		c.put(params{UDP: true, Parallel: 2})
		c.hear()
		u.SetDeadline(time.Now().Add(20 * time.Second))
		u.Write([]byte("hello!"))
		u.Write([]byte("nope"))
		for range 2 { // asked twice, answered twice, one stream
			u.Write(hello)
			if n, err := u.Read(b); n != 4 || binary.NativeEndian.Uint32(b) != want {
				t.Errorf("%x, %v", b[:n], err)
			}
		}
		u.Close()
		if n := s.cur.Load().moved(); n != 1 {
			t.Errorf("%d streams", n)
		}
		c.Close()
		idle(t, s)
	}
}

func ExampleServer() {
	s, err := Start(kernel{}, "127.0.0.1:0", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Addr().Network())
	s.Stop(cut())
	// Output: tcp
}
