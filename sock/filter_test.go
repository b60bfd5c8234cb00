package sock

import (
	"bytes"
	"syscall"
	"testing"

	"golang.org/x/net/bpf"
)

// A program is the same in both forms; it takes what it says, and allocates nothing.
func TestFilter(t *testing.T) {
	f, errno := NewFilter([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x806, SkipFalse: 1},
		bpf.RetConstant{Val: 60},
		bpf.RetConstant{},
	})
	if errno != 0 {
		t.Fatal(errno)
	}
	g, errno := ParseFilter(f.Bytes())
	if errno != 0 || !bytes.Equal(f.Bytes(), g.Bytes()) || len(g.Bytes()) != 32 {
		t.Fatal(errno, g.Bytes())
	}
	b := make([]byte, 100)
	for _, want := range []int{0, 60} {
		if n := g.Run(b); n != want {
			t.Errorf("%d of it taken, want %d", n, want)
		}
		copy(b[12:], []byte{8, 6})
	}
	if n := g.Run(b[:5]); n != 0 {
		t.Errorf("%d of a short one", n)
	}
	if n := testing.AllocsPerRun(100, func() { g.Run(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFilterRefused(t *testing.T) {
	ret := []byte{6, 0, 0, 0, 0, 0, 0, 0}
	jump := []byte{5, 0, 0, 0, 9, 0, 0, 0}
	odd := []byte{0xff, 0xff, 0, 0, 0, 0, 0, 0}
	for name, v := range map[string][]byte{
		"nothing": nil, "half an instruction": ret[:7], "too long": bytes.Repeat(ret, maxFilter+1),
		"out of the program": append(jump, ret...), "unknown": append(odd, ret...), "no end": jump,
	} {
		if _, errno := ParseFilter(v); errno != syscall.EINVAL {
			t.Errorf("%s: %v", name, errno)
		}
	}
	if _, errno := ParseFilter(ret); errno != 0 {
		t.Error(errno)
	}
	if _, errno := NewFilter(nil); errno != syscall.EINVAL {
		t.Error(errno)
	}
}
