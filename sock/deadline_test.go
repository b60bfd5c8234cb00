package sock

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// A deadline set on a closed Socket arms nothing.
func TestDeadlineAfterClose(t *testing.T) {
	s := echoSocket(NewCore(CoreConfig{}), new(echoProto))
	s.Close()
	s.Rd.SetDeadline(time.Now().Add(time.Hour))
	s.Rd.SetTimeout(time.Hour)
	if dl := s.Rd.dl.Load(); dl != nil && (dl.side != nil || dl.timeout.Load() != 0) {
		t.Error("a timer holds the Socket")
	}
}

// A deadline that is moved later, or lifted, leaves its timer alone, and still ends a wait
// in time.
func TestDeadlineMoved(t *testing.T) {
	s := echoSocket(NewCore(CoreConfig{}), new(echoProto))
	defer s.Close()
	begin := time.Now()
	s.Rd.SetDeadline(begin.Add(5 * time.Millisecond))
	dl := s.Rd.dl.Load()
	rings := dl.next()
	s.Rd.SetDeadline(time.Time{})
	s.Rd.SetDeadline(begin.Add(30 * time.Millisecond))
	if next := dl.next(); next != rings && !next.IsZero() {
		t.Error("the timer was moved later")
	}
	s.Rd.Lock()
	err := s.Rd.Wait(0, func() bool { return false })
	s.Rd.Unlock()
	if passed := time.Since(begin); err != os.ErrDeadlineExceeded || passed < 30*time.Millisecond {
		t.Errorf("%v after %v", err, passed)
	}
	s.Rd.SetDeadline(time.Now().Add(time.Hour))
	if err := s.Rd.Err(); err != nil {
		t.Error(err)
	}
	s.Rd.SetDeadline(time.Now().Add(time.Millisecond)) // earlier than its timer
	s.Rd.Lock()
	if err := s.Rd.Wait(0, func() bool { return false }); err != os.ErrDeadlineExceeded {
		t.Error(err)
	}
	s.Rd.Unlock()
}

// next is when the timer of dl rings.
func (dl *deadline) next() time.Time {
	dl.mu.Lock()
	defer dl.mu.Unlock()
	return dl.rings
}

// The deadline of a closed Side serves another one: nothing that knew it before reaches
// that, and its timer, should it ring early, rings again.
func TestDeadlineServesAgain(t *testing.T) {
	var one, two Side
	one.SetDeadline(time.Now().Add(5 * time.Millisecond))
	dl := one.dl.Load()
	one.closed.Store(closed)
	one.stop()
	if one.dl.Load() != nil || dl.side != nil {
		t.Fatal("a closed side keeps its deadline")
	}
	two.dl.Store(dl)
	begin := time.Now()
	two.SetDeadline(begin.Add(20 * time.Millisecond))
	dl.set(begin.Add(-time.Second), &one) // of somebody who had it in hand
	for !two.Refused() {
		time.Sleep(time.Millisecond)
	}
	if passed := time.Since(begin); passed < 20*time.Millisecond {
		t.Errorf("after %v", passed)
	}

	two.Lock() // somebody is at work
	two.closed.Store(closed)
	two.stop()
	two.Unlock()
	if two.dl.Load() != dl || dl.side != nil {
		t.Error("a deadline in use was given away")
	}
	dl.expired.Store(false) // one has put it into the pool
}

// The bound of a call that passes before the call parks ends it all the same.
func TestTimeoutBeforeParking(t *testing.T) {
	s := echoSocket(NewCore(CoreConfig{}), new(echoProto))
	defer s.Close()
	s.Rd.SetTimeout(time.Nanosecond)
	done := make(chan error, 1)
	go func() {
		var err error
		for range 2000 {
			s.Rd.Lock()
			for err = nil; err == nil; {
				err = s.Rd.Wait(0, func() bool { return false })
			}
			s.Rd.Unlock()
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != syscall.EAGAIN {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("a call waits for a bound that has passed")
	}
}
