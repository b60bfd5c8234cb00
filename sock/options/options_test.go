package options

import (
	"strings"
	"syscall"
	"testing"
)

// TestTable: rows are in order, numbers are there once, and each row that is not plain
// says why.
func TestTable(t *testing.T) {
	last := key{-1, -1}
	level := 0
	for _, r := range Table() {
		k := key{r.Level, r.Num}
		if r.Level == level && k.num <= last.num {
			t.Errorf("%s: out of order, or twice", r.Name)
		}
		last, level = k, r.Level
		all := r.Works | r.Kept
		switch {
		case r.Works&r.Kept != 0:
			t.Errorf("%s: works and does not", r.Name)
		case all == none && r.Note == "":
			t.Errorf("%s: does not work, and nothing says why", r.Name)
		case r.Errno == syscall.ENOPROTOOPT:
			t.Errorf("%s: that errno is understood", r.Name)
		case strings.HasSuffix(r.Note, "."):
			t.Errorf("%s: the note is no sentence", r.Name)
		}
		for _, ty := range []Types{TCP, UDP, Raw, Packet} {
			if all&ty != 0 && !ty.Knows(r.Level, false) && !ty.Knows(r.Level, true) {
				t.Errorf("%s: a socket that has not its level", r.Name)
			}
		}
		if Find(r.Level, r.Num) == nil || Find(r.Level, r.Num).Name != r.Name {
			t.Errorf("%s is not found", r.Name)
		}
	}
}

func TestSet(t *testing.T) {
	for _, c := range []struct {
		typ           Types
		six           bool
		level, num, n int
		set, get      syscall.Errno
	}{
		{TCP, false, Socket, syscall.SO_REUSEADDR, 4, 0, 0},
		{TCP, false, Socket, syscall.SO_REUSEADDR, 3, syscall.EINVAL, 0},
		{TCP, false, Socket, syscall.SO_LINGER, 4, syscall.EINVAL, 0},
		{UDP, false, Socket, syscall.SO_TYPE, 4, syscall.ENOPROTOOPT, 0},
		{UDP, false, Socket, syscall.SO_SNDBUFFORCE, 4, 0, syscall.ENOPROTOOPT},
		{UDP, false, Socket, 9999, 3, syscall.EINVAL, syscall.ENOPROTOOPT},
		{UDP, false, Socket, 9999, 4, syscall.ENOPROTOOPT, syscall.ENOPROTOOPT},
		{UDP, false, Socket, syscall.SO_PASSCRED, 4, syscall.EOPNOTSUPP, syscall.EOPNOTSUPP},
		{UDP, false, IP, syscall.IP_TTL, 0, 0, 0},
		{UDP, false, ForTCP, syscall.TCP_NODELAY, 4, syscall.ENOPROTOOPT, syscall.EOPNOTSUPP},
		{TCP, true, ForTCP, syscall.TCP_NODELAY, 1, syscall.EINVAL, 0},
		{TCP, false, ForTCP, syscall.TCP_CONGESTION, 1, 0, 0},
		{TCP, false, IPv6, syscall.IPV6_UNICAST_HOPS, 4, syscall.ENOPROTOOPT, syscall.EOPNOTSUPP},
		{TCP, false, 12345, 1, 4, syscall.ENOPROTOOPT, syscall.EOPNOTSUPP},
		{Packet, false, IP, syscall.IP_TTL, 4, syscall.ENOPROTOOPT, syscall.ENOPROTOOPT},
		{Unix, false, IP, syscall.IP_TTL, 4, syscall.EOPNOTSUPP, syscall.EOPNOTSUPP},
	} {
		if e := Set(c.typ, c.six, c.level, c.num, c.n); e != c.set {
			t.Errorf("set %d/%d of %d: %v, want %v", c.level, c.num, c.typ, e, c.set)
		}
		if e := Get(c.typ, c.six, c.level, c.num); e != c.get {
			t.Errorf("get %d/%d of %d: %v, want %v", c.level, c.num, c.typ, e, c.get)
		}
	}
}
