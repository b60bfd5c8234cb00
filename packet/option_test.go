package packet

import (
	"bytes"
	"syscall"
	"testing"

	"dataplane/eth"
	"dataplane/sock"

	"golang.org/x/net/bpf"
)

// A filter looks at what the socket is to get, and says how much of it.
func TestFilter(t *testing.T) {
	b := newBench(t, 1)
	prog := func(off, val uint32) *sock.Filter {
		f, errno := sock.NewFilter([]bpf.Instruction{
			bpf.LoadAbsolute{Off: off, Size: 2}, bpf.JumpIf{Val: val, SkipFalse: 1},
			bpf.RetConstant{Val: 20}, bpf.RetConstant{},
		})
		if errno != 0 {
			t.Fatal(errno)
		}
		return f
	}
	raw, dgram := b.socket(sock.TypeRaw, protoAll), b.socket(sock.TypeDgram, protoAll)
	f := prog(12, typeARP)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(raw.SetOption(syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER, f.Bytes()))
	must(dgram.SetOption(syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER, prog(0, 1).Bytes()))
	b.comes(0, ether(ours, theirs, eth.TypeIPv4, 50))
	b.comes(0, ether(ours, theirs, typeARP, 3000)) // in two segments
	if got, from, _ := recv(raw); len(got) != 20 || from.Protocol != typeARP || count(raw) != 0 {
		t.Errorf("%x %+v", got, from)
	}
	if n := count(dgram); n != 2 {
		t.Errorf("%d without link header", n)
	}
	room := make([]byte, 64)
	if n, err := raw.GetOption(syscall.SOL_SOCKET, syscall.SO_ATTACH_FILTER, room); n != 4 || err != nil || !bytes.Equal(room[:32], f.Bytes()) {
		t.Errorf("%d %v %x", n, err, room)
	}
	must(raw.SetInt(syscall.SOL_SOCKET, 44, 1))
	for _, name := range []int{syscall.SO_ATTACH_FILTER, syscall.SO_DETACH_FILTER} {
		if err := raw.SetOption(syscall.SOL_SOCKET, name, f.Bytes()); err != syscall.EPERM {
			t.Errorf("locked: %v", err)
		}
	}
	if err := raw.SetInt(syscall.SOL_SOCKET, 44, 0); err != syscall.EPERM {
		t.Error(err)
	}
	must(dgram.SetInt(syscall.SOL_SOCKET, syscall.SO_DETACH_FILTER, 0))
	if err := dgram.SetInt(syscall.SOL_SOCKET, syscall.SO_DETACH_FILTER, 0); err != syscall.ENOENT {
		t.Error(err)
	}
}
