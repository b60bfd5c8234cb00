package sock

import (
	"slices"
	"syscall"

	"golang.org/x/net/bpf"
)

// Filter says which messages a socket takes, and how much of them (SO_ATTACH_FILTER): a
// program of the classic Berkeley packet filter. Nobody changes it any more; nil takes
// all.
type Filter struct {
	vm       *bpf.VM
	raw      []byte
	extended bool // it runs on a message with an Ancillary in front
}

// Programs of Linux's filters have at most so many instructions (BPF_MAXINSNS).
const maxFilter = 4096

// filterLen is the size of a struct sock_filter.
const filterLen = 8

// ParseFilter reads a program, an array of struct sock_filter. EINVAL: it is none that
// could be run here.
func ParseFilter(v []byte) (*Filter, syscall.Errno) {
	if len(v) == 0 || len(v)%filterLen != 0 || len(v) > maxFilter*filterLen {
		return nil, syscall.EINVAL
	}
	f := &Filter{raw: slices.Clone(v)}
	prog := make([]bpf.Instruction, 0, len(v)/filterLen)
	for ; len(v) > 0; v = v[filterLen:] {
		prog = append(prog, bpf.RawInstruction{
			Op: native.Uint16(v), Jt: v[2], Jf: v[3], K: native.Uint32(v[4:]),
		}.Disassemble())
	}
	return f, f.load(prog)
}

// NewFilter is ParseFilter for a program of package bpf's.
func NewFilter(prog []bpf.Instruction) (*Filter, syscall.Errno) {
	f := new(Filter)
	raw, err := bpf.Assemble(prog)
	if err != nil || len(raw) > maxFilter {
		return nil, syscall.EINVAL
	}
	for _, i := range raw {
		f.raw = native.AppendUint16(f.raw, i.Op)
		f.raw = append(f.raw, i.Jt, i.Jf)
		f.raw = native.AppendUint32(f.raw, i.K)
	}
	return f, f.load(prog)
}

func (f *Filter) load(prog []bpf.Instruction) syscall.Errno {
	for _, i := range prog {
		if _, ok := i.(bpf.RawInstruction); ok { // nobody knows what it is
			return syscall.EINVAL
		}
	}
	f.extended = extend(prog)
	var err error
	if f.vm, err = bpf.NewVM(prog); err != nil {
		return syscall.EINVAL
	}
	return 0
}

// Run returns how many bytes of the message b are taken; 0: it is not.
func (f *Filter) Run(b []byte) int {
	n, _ := f.vm.Run(b) // load has seen that every instruction is known
	return n
}

// Extended reports whether Run wants an Ancillary in front of the message.
func (f *Filter) Extended() bool { return f.extended }

// Bytes returns the program as ParseFilter reads it. Borrowed.
func (f *Filter) Bytes() []byte { return f.raw }
