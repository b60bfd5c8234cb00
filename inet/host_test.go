package inet

import (
	"syscall"
	"testing"
)

func TestHostSource(t *testing.T) {
	h := NewHost(nil)
	if _, e := h.source(one); e != syscall.ENETUNREACH {
		t.Errorf("without routes: %v", e)
	}
	if !h.isLocal(any0) || h.isLocal(one) {
		t.Error("without routes only the wildcard is local")
	}
	a, _ := beds(t, 1)
	for _, c := range []struct{ to, want string }{
		{"10.0.0.2:0", "10.0.0.1:0"}, {"10.0.0.1:0", "10.0.0.1:0"}, {"127.0.0.9:0", "127.0.0.1:0"}, {"10.0.0.255:0", "10.0.0.1:0"},
	} {
		if src, e := a.source(nameAt(c.to).Addr); src != nameAt(c.want).Addr || e != 0 {
			t.Errorf("to %s: %v, %v; want %s", c.to, src, e, c.want)
		}
	}
	for addr, want := range map[string]bool{
		"10.0.0.1:0": true, "10.0.0.2:0": false, "127.0.0.1:0": true, "0.0.0.0:0": true, "10.0.0.255:0": true, "224.0.0.1:0": true, "8.8.8.8:0": false,
	} {
		if a.isLocal(nameAt(addr).Addr) != want {
			t.Errorf("%s is local: %v", addr, !want)
		}
	}
}
