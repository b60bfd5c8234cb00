package api

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"dataplane/pmd"
	"dataplane/pmd/wire"
	"dataplane/tcp"
)

// What a configuration asks for is refused, or works.
func TestImpossibleConfigs(t *testing.T) {
	for _, cfg := range []Config{
		{DataRoom: -1}, {DataRoom: 1}, {DataRoom: 255}, {DataRoom: 1 << 30}, {Buffers: -1}, {Mode: 77}, {Idle: 77},
		{TCP: tcp.Config{MaxTimeWait: -1}}, {TCP: tcp.Config{MaxBacklog: -1}}, {TCP: tcp.Config{MaxOrphans: -1}},
		{TCP: tcp.Config{DelayedAck: -1}}, {TCP: tcp.Config{MaxRcvBuf: 1 << 40}}, {TCP: tcp.Config{AckRetries: -1}},
	} {
		if n, err := Open(cfg); err == nil {
			t.Errorf("%+v: opened", cfg)
			n.Close()
		}
	}
}

// Buffers of all sizes carry segments of all sizes, joined and cut or not, and so does
// the narrowest link.
func TestStrangeLinks(t *testing.T) {
	for _, c := range []struct{ mtu, room int }{{68, 0}, {84, 256}, {1500, 256}, {9000, 600}, {65535, 60000}} {
		for _, off := range []pmd.Offload{0, wire.Has} {
			t.Run(fmt.Sprint(c.mtu, c.room, off), func(t *testing.T) {
				a, b := wired(t, Config{DataRoom: c.room, TaskLimit: 1}, wire.Config{MTU: c.mtu, Offloads: off})
				roundTrip(t, a, b)
			})
		}
	}
}

// roundTrip sends a megabyte to a resident echo of b and waits until it is back.
func roundTrip(t *testing.T, a, b *Net) {
	t.Helper()
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	go l.(*TCPListener).ServeResident(func(c net.Conn) {
		io.Copy(c, c)
		c.Close()
	})
	c, err := a.Dial("tcp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	go func() {
		c.Write(make([]byte, 1<<20))
		c.(*TCPConn).CloseWrite()
	}()
	if n, err := io.Copy(io.Discard, c); n != 1<<20 {
		t.Errorf("%d bytes came back, %v", n, err)
	}
	c.Close()
	time.Sleep(10 * time.Millisecond) // the last acknowledgement arrives before the link is cut
}
