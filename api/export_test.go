package api

import (
	"log/slog"
	"syscall"
	"testing"

	"dataplane/inet"
	"dataplane/sock"
)

// Step gives the connection sk of a stack that is stepped, in virtual time, to the
// Handler that f chooses.
func Step(t testing.TB, host *inet.Host, sk *sock.Sock, f func(*Inside) Handler) {
	t.Helper()
	n := &Net{host: host, log: slog.New(slog.DiscardHandler)}
	s, err := n.create(familyInet, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.Adopt(sk)
	s.Established()
	s.Use()
	n.enter(s, sk, f)
}
