package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"dataplane/api"
	"dataplane/sock"
)

// TestAsk uses the family, whose sockets are gone with it; it is as short as it claims.
func TestAsk(t *testing.T) {
	plane, err := api.Open(api.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer plane.Close()
	for range 2 {
		if got, err := ask(plane, "stressed"); got != "desserts" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := plane.Posix().Socket(afMirror, sock.TypeDgram, 0); err != syscall.EAFNOSUPPORT {
		t.Errorf("without the family: %v", err)
	}
	for _, c := range []struct {
		typ, protocol int
		want          error
	}{{sock.TypeStream, 0, syscall.ESOCKTNOSUPPORT}, {sock.TypeDgram, 1, syscall.EPROTONOSUPPORT}} {
		if _, err := (mirror{plane}).Create(c.typ, c.protocol); err != c.want {
			t.Errorf("type %d, protocol %d: %v", c.typ, c.protocol, err)
		}
	}
	src, err := os.ReadFile("main.go")
	if n := strings.Count(string(src), "\n"); err != nil || n >= 100 {
		t.Errorf("%d lines, %v", n, err)
	}
}
