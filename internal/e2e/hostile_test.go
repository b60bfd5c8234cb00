package e2e

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"dataplane/api"
)

// siege is a plane with services and established connections that must not notice
// what is thrown at it.
type siege struct {
	*bed
	*attacker
	victim  net.Conn // held by the test alone, silent
	trips   atomic.Int64
	stop    chan struct{}
	done    chan error
	buffers int
	heap    uint64
}

// besiege runs an attack on a plane with a busy and a silent connection. Both must
// live on, new connections must come through, and memory must be what it was.
func besiege(t *testing.T, attack func(*siege), change ...func(*api.Config)) {
	t.Helper()
	b := newBed(t, append(change, withGateway)...)
	serveTCP(t, b.plane.Listen, planeIP+":7", echo)
	serveUDP(t, b.plane.ListenPacket, planeIP+":7")
	s := &siege{bed: b, attacker: newAttacker(b), stop: make(chan struct{}), done: make(chan error, 1)}
	var err error
	s.victim, err = net.Dial("tcp", planeIP+":7")
	must(t, err)
	defer s.victim.Close()
	soon(t, s.victim)
	roundTrip(t, s.victim, 100)
	s.buffers, _ = b.plane.Buffers()
	s.heap = heap()
	go s.work()
	start := time.Now()
	attack(s)
	t.Logf("%d frames in %v, %d received in all, %d round trips meanwhile", s.frames, time.Since(start).Round(time.Millisecond), b.received(), s.trips.Load())
	s.after(t)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// work echoes on a connection of its own until it is told to stop.
func (s *siege) work() {
	s.done <- func() error {
		c, err := net.Dial("tcp", planeIP+":7")
		if err != nil {
			return err
		}
		defer c.Close()
		got := make([]byte, 3000)
		for {
			select {
			case <-s.stop:
				return nil
			default:
			}
			c.SetDeadline(time.Now().Add(20 * time.Second))
			if _, err := c.Write(block[:len(got)]); err != nil {
				return err
			}
			if _, err := io.ReadFull(c, got); err != nil {
				return err
			}
			if !bytes.Equal(got, block[:len(got)]) {
				return io.ErrNoProgress
			}
			s.trips.Add(1)
		}
	}()
}

// after checks that everything is as it was.
func (s *siege) after(t *testing.T) {
	t.Helper()
	before := s.trips.Load()
	for end := time.Now().Add(20 * time.Second); s.trips.Load() < before+10 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if n := s.trips.Load(); n < before+10 {
		t.Errorf("the busy connection made %d round trips after the attack", n-before)
	}
	close(s.stop)
	if err := <-s.done; err != nil {
		t.Error("the busy connection: ", err)
	}
	if n := s.trips.Load(); n < 10 {
		t.Errorf("the busy connection made only %d round trips", n)
	}
	soon(t, s.victim)
	roundTrip(t, s.victim, 5000)
	c, err := net.DialTimeout("tcp", planeIP+":7", 20*time.Second)
	must(t, err)
	soon(t, c)
	roundTrip(t, c, 5000)
	c.Close()
	ping(t, s.bed, 10*time.Second, "-c 2 -i 0.05 -s 4000")
	if now := heap(); now > s.heap+16<<20 {
		t.Errorf("the heap grew from %d to %d bytes", s.heap, now)
	}
	if used, total := s.plane.Buffers(); used > s.buffers+total/4 {
		t.Errorf("%d of %d buffers are in use, %d before", used, total, s.buffers)
	}
}
