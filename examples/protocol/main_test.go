package main

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"dataplane/api"
)

// TestAsk asks a host that has the protocol, and one that has not: it says so by ICMP.
func TestAsk(t *testing.T) {
	a, b, err := api.Pipe(api.Config{Lcores: []int{api.AnyCPU, api.AnyCPU}}, api.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	}()
	to := netip.MustParseAddr("10.0.0.2")
	p, err := register(a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.ask(a, to, "anybody there"); err != syscall.ENOPROTOOPT { // ICMP wants 8 bytes at least
		t.Errorf("a host without the protocol: %v", err)
	}
	if _, err := register(b); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("long text ", 1000) // in several buffers, and in fragments
	for _, text := range []string{"hello", "", long} {
		if got, err := p.ask(a, to, text); got != strings.ToUpper(text) || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := register(b); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("twice: %v", err)
	}
	for _, c := range []struct {
		number uint8
		want   error
	}{{number, nil}, {number, syscall.ENOENT}, {6, syscall.EPERM}, {1, syscall.EPERM}} {
		if err := b.UnregisterProtocol(c.number); !errors.Is(err, c.want) {
			t.Errorf("unregister %d: %v", c.number, err)
		}
	}
	if _, err := p.ask(a, to, "anybody there"); err != syscall.ENOPROTOOPT {
		t.Errorf("a host that has it no more: %v", err)
	}
}
