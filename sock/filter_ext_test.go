package sock

import (
	"testing"

	"golang.org/x/net/bpf"
)

// A filter that uses extensions sees the same message as one that does not.
func TestFilterExtensions(t *testing.T) {
	body := []bpf.Instruction{
		bpf.LoadMemShift{Off: 1}, bpf.LoadIndirect{Off: 1, Size: 1}, bpf.StoreScratch{Src: bpf.RegA, N: 3},
		bpf.LoadAbsolute{Off: 2, Size: 2}, bpf.LoadScratch{Dst: bpf.RegX, N: 3}, bpf.ALUOpX{Op: bpf.ALUOpAdd},
		bpf.TAX{}, bpf.LoadExtension{Num: bpf.ExtLen}, bpf.ALUOpX{Op: bpf.ALUOpAdd}, bpf.RetA{},
	}
	plain, errno := NewFilter(body)
	if errno != 0 || plain.Extended() {
		t.Fatal(errno)
	}
	head := []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTag}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 77, SkipTrue: 1}, bpf.RetConstant{Val: 0}}
	f, errno := NewFilter(append(head, body...))
	if errno != 0 || !f.Extended() {
		t.Fatal(errno)
	}
	msg := []byte{9, 0x01, 3, 4, 5, 6, 7}
	b := make([]byte, AncillaryLen+len(msg))
	copy(b[AncillaryLen:], msg)
	a := Ancillary{Len: uint32(len(msg)), Tagged: true, TCI: 77}
	a.Put(b)
	if got, want := f.Run(b), plain.Run(msg); got != want || want == 0 {
		t.Errorf("%d, want %d", got, want)
	}
	a.TCI = 78
	a.Put(b)
	if got := f.Run(b); got != 0 {
		t.Errorf("another tag: %d", got)
	}
	if n := testing.AllocsPerRun(100, func() { a.Put(b); f.Run(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if _, errno := NewFilter([]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtPayloadOffset}, bpf.RetA{}}); errno == 0 {
		t.Error("an extension that nobody knows")
	}
	far, errno := NewFilter([]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtProto}, bpf.LoadAbsolute{Off: 0xffe00000, Size: 1}, bpf.RetConstant{Val: 9}})
	if errno != 0 || far.Run(b) != 0 {
		t.Error("a load from nowhere")
	}
}
