package api

import (
	"testing"

	"dataplane/sock"
)

// Targets are told apart by address and network, and the last of a place stays.
func TestTargets(t *testing.T) {
	var all targets
	if all.find("tcp", "") != nil || all.find("tcp", "10.0.0.1:80") != nil {
		t.Error("an empty table knows an address")
	}
	for i := range 1000 {
		at := "10.0." + string(rune('0'+i%10)) + "." + string(rune('0'+i/10%10)) + ":" + string(rune('0'+i/100))
		all.keep("tcp", at, sock.TypeStream, sock.Name{Port: uint16(i)})
		if x := all.find("tcp", at); x == nil || x.to.Port != uint16(i) || x.typ != sock.TypeStream {
			t.Fatalf("%s is %+v", at, x)
		}
		if all.find("tcp4", at) != nil || all.find("tcp", at+"0") != nil {
			t.Fatalf("%s is somebody else", at)
		}
	}
	all.keep("tcp", "[fe80::1%eth0]:80", sock.TypeStream, sock.Name{Zone: 1})
	if all.find("tcp", "[fe80::1%eth0]:80") != nil {
		t.Error("the number of a zone was remembered")
	}
}
