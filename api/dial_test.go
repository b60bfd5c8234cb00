package api

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// TestDialContextEnd: a dial that its context ends returns what package net
// returns, within *net.OpError.
func TestDialContextEnd(t *testing.T) {
	a, _ := pipe(t, Config{})
	check := func(ctx context.Context, addr string, timeout bool, is ...error) {
		t.Helper()
		start := time.Now()
		_, err := a.DialContext(ctx, "tcp", addr)
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" || op.Timeout() != timeout {
			t.Errorf("%#v", err)
		}
		for _, want := range is {
			if !errors.Is(err, want) {
				t.Errorf("%v is not %v", err, want)
			}
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%v", d)
		}
	}
	past, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	check(past, "10.0.0.2:9", true, context.DeadlineExceeded, os.ErrDeadlineExceeded)
	soonOver, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	check(soonOver, "10.0.0.99:9", true, context.DeadlineExceeded) // nobody has the address
	canceled, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	check(canceled, "10.0.0.99:9", false, context.Canceled)
}
