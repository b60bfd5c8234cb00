package sock

import (
	"runtime"
	"syscall"
	"testing"
)

// TestLeave: a Sock serves another Socket only if nobody can be at work on it.
func TestLeave(t *testing.T) {
	made := func() *Socket {
		s, sk := NewSocket(2, TypeStream, 0, NoOps{}), new(Sock)
		sk.Init(nil, nil, nil)
		s.Adopt(sk)
		return s
	}
	for name, busy := range map[string]func(s *Socket){
		"a reader":          func(s *Socket) { s.Rd.Lock() },
		"a call":            func(s *Socket) { s.Use() },
		"a loan to read":    func(s *Socket) { s.Rd.message().lent = 1 },
		"a loan to write":   func(s *Socket) { s.Wr.message().lent = 1 },
		"one for each core": func(s *Socket) { s.Keep(s.SK()) },
	} {
		s := made()
		sk := s.SK()
		busy(s)
		if s.Leave() || s.SK() != sk {
			t.Errorf("the Sock was given up in spite of %s", name)
		}
	}
	s := made()
	if s.Use(); !s.Use() {
		t.Error("an open Socket cannot be used")
	}
	s.Done()
	s.Done()
	if !s.Leave() || !s.SK().Has(FlagDead) {
		t.Error("the Sock of an idle Socket was not given up")
	}
	s.Rd.closed.Store(closed)
	if s.Use() {
		t.Error("a closed Socket can be used")
	}
}

// TestLeaveWatched: the Sock of a Socket that is closed while somebody begins to watch it
// serves no other: its Waiters are what is watched.
func TestLeaveWatched(t *testing.T) {
	ts := NewTasks(nil)
	core := NewCore(CoreConfig{Tasks: ts})
	s, sk := NewSocket(2, TypeStream, 0, NoOps{}), new(Sock)
	sk.Init(core, nil, nil)
	s.Adopt(sk)
	e := NewEpoll(ts)
	ts.watchMu.Lock()
	done := make(chan error)
	go func() { done <- e.Add(s, 3, Event{Events: PollIn}) }()
	for s.users.Load() == 0 { // until it waits, or for good
		runtime.Gosched()
	}
	s.Rd.closed.Store(closed)
	s.Wr.closed.Store(closed)
	if s.Leave() {
		t.Error("the Sock was given up")
	}
	ts.watchMu.Unlock()
	if err := <-done; err != syscall.EBADF {
		t.Errorf("watched what is closed: %v", err)
	}
	if !s.Leave() || sk.Rd.word.Load() != waiterIdle || sk.Rd.env.Load().watched != nil {
		t.Error("it is watched still")
	}
}

// TestRenew: nothing of what a Sock was used for is left, but for where its rings are.
func TestRenew(t *testing.T) {
	var sk Sock
	sk.Init(nil, nil, nil)
	for range 3 {
		if sk.RX.Write(make([]byte, 1000)) != 1000 || sk.TX.Write(make([]byte, 100)) != 100 {
			t.Fatal("a new Sock takes no data")
		}
		sk.Set(FlagDead | FlagConnected)
		sk.err.Store(5)
		sk.WantTail.Store(3)
		sk.SndWant.Store(3)
		sk.Opt.KeepAlive = true
		sk.Renew(nil, nil, DefaultSndBuf)
		if sk.RX.Len() != 0 || sk.TX.Len() != 0 || sk.RX.Free() != DefaultRcvBuf || !sk.TX.Unused() || !sk.RX.Unused() {
			t.Error("the rings are not empty")
		}
		if sk.Has(^uint32(0)) || sk.PeekError() != 0 || sk.SndWant.Load() != 0 || sk.WantTail.Load() == 3 || sk.Opt.KeepAlive {
			t.Error("something of the old use is left")
		}
	}
}
