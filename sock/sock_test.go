package sock

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dataplane/internal/ring"
	"dataplane/perf"
)

// echoProto moves what is in TX to RX.
type echoProto struct {
	requests int
	closed   atomic.Bool
}

func (p *echoProto) Connect(*Sock, Name, Name) syscall.Errno                { return 0 }
func (p *echoProto) Bind(*Sock, Name) syscall.Errno                         { return 0 }
func (p *echoProto) Listen(*Sock, int) syscall.Errno                        { return 0 }
func (p *echoProto) SetOption(*Sock, int, int, []byte) syscall.Errno        { return 0 }
func (p *echoProto) GetOption(*Sock, int, int, []byte) (int, syscall.Errno) { return 0, 0 }
func (p *echoProto) Names(*Sock) (local, remote Name)                       { return }
func (p *echoProto) Request(sk *Sock, bits uint32, _ perf.Tick) {
	p.requests++
	if bits&ReqClose != 0 {
		p.closed.Store(true)
	}
	var b [512]byte
	n := sk.TX.Read(b[:min(len(b), sk.RX.Free())])
	sk.RX.Write(b[:n])
	if n > 0 {
		sk.DataReady()
		sk.WriteSpace()
	}
	if sk.TX.Len() > 0 {
		sk.WantTail.Store(sk.RX.Tail() + 1)
		if sk.RX.Free() > 0 {
			sk.Kick(ReqSend)
		}
	}
}

// echoOps are the plainest stream operations.
type echoOps struct{ NoOps }

func (echoOps) SendMsg(s *Socket, m *Msg) (int, error) {
	sk := s.SK()
	for sent := 0; ; {
		if err := s.Wr.Err(); err != nil {
			return sent, err
		}
		sent += sk.TX.Write(m.Buf[sent:])
		sk.Kick(ReqSend)
		if sent == len(m.Buf) {
			return sent, nil
		}
		if err := s.Wr.Wait(m.Flags, func() bool { return sk.TX.Free() > 0 }); err != nil {
			return sent, err
		}
	}
}

func (echoOps) RecvMsg(s *Socket, m *Msg) (int, error) {
	sk := s.SK()
	for {
		if n := sk.RX.Read(m.Buf); n > 0 {
			sk.Consumed()
			return n, nil
		}
		if err := s.Rd.Wait(m.Flags, func() bool { return sk.RX.Len() > 0 }); err != nil {
			return 0, err
		}
	}
}

// running returns a Core served by a goroutine, with or without a dispatcher.
func running(t testing.TB, locked bool) *Core {
	t.Helper()
	bell, err := ring.NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	cfg := CoreConfig{Bell: bell, Stat: new(perf.Stat)}
	if locked {
		l, err := NewLane()
		if err != nil {
			t.Fatal(err)
		}
		cfg.Lanes = []*Lane{l}
	}
	c := NewCore(cfg)
	for _, l := range cfg.Lanes {
		l.Start()
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			c.Requests(perf.Now())
			c.Wake()
			runtime.Gosched()
		}
		c.Close()
	})
	t.Cleanup(func() {
		stop.Store(true)
		wg.Wait()
		for _, l := range cfg.Lanes {
			l.Stop()
		}
		bell.Close()
	})
	return c
}

func echoSocket(c *Core, p Proto) *Socket {
	sk := new(Sock)
	sk.Init(c, p, nil)
	s := NewSocket(2, TypeStream, 0, echoOps{})
	s.Attach(sk)
	return s
}

func modes(t *testing.T, f func(t *testing.T, c *Core)) {
	for name, locked := range map[string]bool{"dispatcher": true, "inline": false} {
		t.Run(name, func(t *testing.T) { f(t, running(t, locked)) })
	}
}

// Data written by one goroutine comes back to another, many times over, with
// both sides parking often: a lost wake-up would hang it.
func TestNoWakeUpIsLost(t *testing.T) {
	modes(t, func(t *testing.T, c *Core) {
		s := echoSocket(c, new(echoProto))
		s.SK().RX.SetLimit(8 << 10)
		s.SK().TX.SetLimit(8 << 10)
		const total = 1 << 20
		want := make([]byte, total)
		r := rand.NewChaCha8([32]byte{1})
		r.Read(want)
		go func() {
			for b := want; len(b) > 0; {
				n := min(len(b), 1+int(r.Uint64()%5000))
				if _, err := s.Send(b[:n], 0); err != nil {
					t.Error(err)
					return
				}
				b = b[n:]
			}
		}()
		got := make([]byte, 0, total)
		b := make([]byte, 3000)
		s.Rd.SetDeadline(time.Now().Add(30 * time.Second))
		for len(got) < total {
			n, err := s.Recv(b, 0)
			if err != nil {
				t.Fatalf("after %d bytes: %v", len(got), err)
			}
			got = append(got, b[:n]...)
		}
		if !bytes.Equal(got, want) {
			t.Error("the bytes are not those that were written")
		}
	})
}

func TestCallRunsOnTheCore(t *testing.T) {
	modes(t, func(t *testing.T, c *Core) {
		n := 0 // written on the core's goroutine only
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 200 {
					if !c.Call(func() { n++ }) {
						t.Error("the call was refused")
					}
				}
			})
		}
		wg.Wait()
		c.Call(func() {
			if n != 1600 {
				t.Errorf("%d calls ran, want 1600", n)
			}
		})
	})
}

func TestCallAfterClose(t *testing.T) {
	bell, err := ring.NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	defer bell.Close()
	c := NewCore(CoreConfig{Bell: bell})
	waiting := make(chan bool)
	go func() { waiting <- c.Call(func() {}) }()
	for c.calls.Load() == nil {
		runtime.Gosched()
	}
	c.Close()
	if <-waiting {
		t.Error("a call that waited when the core ended says that it ran")
	}
	if c.Call(func() {}) {
		t.Error("a call after the end says that it ran")
	}
}

func TestKickIsServedOnce(t *testing.T) {
	c := NewCore(CoreConfig{})
	p := new(echoProto)
	sk := new(Sock)
	sk.Init(c, p, nil)
	for range 5 {
		sk.Kick(ReqSend)
	}
	sk.Kick(ReqClose)
	if n := c.Requests(0); n != 1 || p.requests != 1 || !p.closed.Load() {
		t.Errorf("%d requests, %d calls, closed %v: want one call with all bits", n, p.requests, p.closed.Load())
	}
	if n := c.Requests(0); n != 0 {
		t.Errorf("the mailbox is not empty: %d", n)
	}
}

func TestDeadlines(t *testing.T) {
	c := running(t, false)
	s := echoSocket(c, new(echoProto))
	b := make([]byte, 1)
	check := func(what string) {
		t.Helper()
		if _, err := s.Recv(b, 0); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v, want a deadline error", what, err)
		}
	}
	s.Rd.SetDeadline(time.Now().Add(-time.Second))
	check("past")
	s.Rd.SetDeadline(time.Now().Add(10 * time.Millisecond))
	check("near")
	s.Rd.SetDeadline(time.Now().Add(time.Hour))
	go func() {
		time.Sleep(10 * time.Millisecond)
		s.Rd.SetDeadline(time.Now())
	}()
	check("moved")
	s.Rd.SetDeadline(time.Time{})
	if _, err := s.Recv(b, MsgDontwait); err != syscall.EAGAIN {
		t.Errorf("lifted: %v, want EAGAIN", err)
	}
}

func TestCloseWakesAll(t *testing.T) {
	c := running(t, true)
	s := echoSocket(c, new(echoProto))
	errs := make(chan error, 3)
	for range 3 {
		go func() {
			_, err := s.Recv(make([]byte, 1), 0)
			errs <- err
		}()
	}
	time.Sleep(5 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for range 3 {
		if err := <-errs; err != ErrClosed {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
	if err := s.Close(); err != ErrClosed {
		t.Errorf("second Close: %v", err)
	}
}

func TestLaneNeverStarted(t *testing.T) {
	l, err := NewLane()
	if err != nil {
		t.Fatal(err)
	}
	l.Stop() // must not wait for a goroutine that is not there
}

func TestName(t *testing.T) {
	for _, c := range []string{"0.0.0.0:80", "10.1.2.3:0", "[2001:db8::1]:443"} {
		ap := netip.MustParseAddrPort(c)
		n := NameFrom(ap)
		if n.IsWildcard() != ap.Addr().IsUnspecified() {
			t.Errorf("%s: wildcard %v", c, n.IsWildcard())
		}
		if !n.IsWildcard() && n.AddrPort() != ap {
			t.Errorf("%s came back as %v", c, n.AddrPort())
		}
	}
}

// Receive, send and wake-up allocate nothing.
func TestNoAllocation(t *testing.T) {
	c := NewCore(CoreConfig{})
	s := echoSocket(c, new(echoProto))
	b := make([]byte, 64)
	w := s.SK().Rd
	if n := testing.AllocsPerRun(1000, func() {
		s.Send(b, 0)
		w.Arm()
		c.Requests(0)
		c.Wake()
		w.Wait()
		s.Recv(b, 0)
	}); n != 0 {
		t.Errorf("%v allocations per round trip", n)
	}
}

func BenchmarkRoundTripStepped(b *testing.B) {
	c := NewCore(CoreConfig{})
	s := echoSocket(c, new(echoProto))
	buf := make([]byte, 64)
	for b.Loop() {
		s.Send(buf, 0)
		c.Requests(0)
		s.Recv(buf, 0)
	}
}

func BenchmarkRoundTripWoken(b *testing.B) {
	c := running(b, false)
	s := echoSocket(c, new(echoProto))
	buf := make([]byte, 64)
	for b.Loop() {
		s.Send(buf, 0)
		s.Recv(buf, 0)
	}
}
