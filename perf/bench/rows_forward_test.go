package main

import "testing"

func TestSwapMACs(t *testing.T) {
	f := []byte("destinsourcetype+payload")
	if swapMACs(f); string(f) != "sourcedestintype+payload" {
		t.Errorf("%s", f)
	}
	if swapMACs(f[:15]); string(f) != "sourcedestintype+payload" {
		t.Errorf("a frame of 15 bytes is none: %s", f)
	}
}

func TestDevices(t *testing.T) {
	if d := (vdevs{kind: "net_null", args: ",size=64"}).devices("go"); len(d) != 1 || d[0] != "net_null0,size=64" {
		t.Error(d)
	}
	a, b := (vdevs{kind: "net_memif", two: true}).devices("go"), (vdevs{kind: "net_memif", two: true}).devices("testpmd")
	if len(a) != 2 || len(b) != 2 || a[0] == b[0] || a[1] == b[1] {
		t.Errorf("two sides share a socket: %q, %q", a, b)
	}
}
