package afxdp

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"dataplane/mbuf"
)

// attach puts the program on the interface in the mode that is asked for, or in the
// first that works, and notes what it is.
func (p *Port) attach() error {
	modes := []mode{p.cfg.mode}
	if p.cfg.mode == modeAuto {
		modes = []mode{modeZeroCopy, modeNative, modeGeneric}
	}
	var last error
	for i, m := range modes {
		err := p.try(m)
		if err == nil {
			p.mode = m
			p.info.Mode = p.describe(last)
			return nil
		}
		if i == len(modes)-1 || errors.Is(err, errTaken) || errors.Is(err, unix.EPERM) {
			return fmt.Errorf("mode %s: %w", m, err)
		}
		last = err
	}
	return last
}

// describe says how the port works: its mode, why it is not a better one, and what
// the kernel keeps. last is why native was refused.
func (p *Port) describe(last error) string {
	s := p.mode.String()
	if p.mode == modeGeneric && last != nil {
		s += fmt.Sprintf(" (not native: %v)", last)
	}
	if n := p.cfg.queues; n < p.dev.channels {
		s += fmt.Sprintf(", %d of %d channels, the kernel has the others", n, p.dev.channels)
	}
	return s
}

// try attaches the program; for zerocopy it tries whether the driver has it, too.
func (p *Port) try(m mode) error {
	if err := p.prog.attach(p.dev.index, m == modeGeneric); err != nil {
		return p.explainAttach(err)
	}
	if m != modeZeroCopy {
		return nil
	}
	if err := p.probe(0, true); err != nil {
		return errors.Join(fmt.Errorf("the interface's driver has no zero-copy AF_XDP: mode=native: %w", err), p.prog.detach())
	}
	return nil
}

// errTaken: no other mode helps.
var errTaken = errors.New("another XDP program is attached: end what put it there (`ip link show`, `bpftool net`)")

// explainAttach says what the error of attaching a program means.
func (p *Port) explainAttach(err error) error {
	switch {
	case errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST):
		return fmt.Errorf("%w: %w", errTaken, err)
	case errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("the interface's driver has no native XDP: mode=generic: %w", err)
	case errors.Is(err, unix.ERANGE):
		return fmt.Errorf("the MTU (%d here; of a veth, the peer's) is too big for XDP in this driver: lower it, or mode=generic: %w", p.dev.mtu, err)
	case errors.Is(err, unix.ENOSPC) && p.dev.kind == "veth":
		return fmt.Errorf("the peer sends on more queues than this end receives on (%d): make both alike, or mode=generic: %w", p.dev.channels, err)
	}
	return explain("attach the XDP program", err)
}

// probe binds a small socket to queue i and closes it again.
func (p *Port) probe(i int, zeroCopy bool) error {
	page := os.Getpagesize()
	mem, err := unix.Mmap(-1, 0, 64*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return err
	}
	s, err := openSocket(&socketConfig{
		ifindex: p.dev.index, queue: i, area: mbuf.Area{Mem: mem, Stride: page}, ring: ringMin, zeroCopy: zeroCopy,
	})
	if err == nil {
		err = s.close()
	}
	return errors.Join(err, unix.Munmap(mem))
}

// awaitRelease returns when the driver has given up the buffers of queue i, whose
// socket is closed: the kernel has it do so later, from a work queue. As long as it
// has not, the queue cannot be bound again.
func (p *Port) awaitRelease(i int) { _ = p.probe(i, false) }

// unsupported reports whether the kernel or the driver does not know a flag.
func unsupported(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP)
}
