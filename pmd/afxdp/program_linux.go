package afxdp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Offsets in struct xdp_md, include/uapi/linux/bpf.h, and a verdict.
const (
	mdData    = 0
	mdDataEnd = 4
	mdRxQueue = 16

	xdpPass = 2
)

// program is the XDP program on the interface, with the map that leads from a
// receive queue to its socket. The link is a descriptor of this process: when it
// ends, however it ends, the kernel takes the program away.
type program struct {
	sockets *ebpf.Map
	prog    *ebpf.Program
	link    link.Link
}

// loadProgram gives the kernel the program for so many queues.
func loadProgram(queues int, match []netip.Addr) (*program, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{
		Name: "dataplane_xsks", Type: ebpf.XSKMap, KeySize: 4, ValueSize: 4, MaxEntries: uint32(queues),
	})
	if err != nil {
		return nil, explain("make an XSKMAP", err)
	}
	spec := &ebpf.ProgramSpec{
		Name: "dataplane", Type: ebpf.XDP, Instructions: instructions(m.FD(), match),
		Flags: unix.BPF_F_XDP_HAS_FRAGS, // frames of several buffers may come, Linux 5.18
	}
	prog, err := ebpf.NewProgram(spec)
	if errors.Is(err, unix.EINVAL) {
		spec.Flags = 0
		prog, err = ebpf.NewProgram(spec)
	}
	if err != nil {
		m.Close()
		return nil, explain("load an XDP program", err)
	}
	return &program{sockets: m, prog: prog}, nil
}

// instructions redirects every frame to the socket of its queue, or those that are
// IPv4 for an address in match, and ARP about one. What has no socket, or is not for
// us, goes on to the kernel.
func instructions(sockets int, match []netip.Addr) asm.Instructions {
	take := asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, mdRxQueue, asm.Word),
		asm.LoadMapPtr(asm.R1, sockets),
		asm.Mov.Imm(asm.R3, xdpPass), // for a queue that is not in the map, Linux 5.3
		asm.FnRedirectMap.Call(),
		asm.Return(),
	}
	if len(match) == 0 {
		return take
	}
	take[0] = take[0].WithSymbol("take")
	const arpLen = ethLen + 28
	code := asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, mdData, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, mdDataEnd, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, arpLen),
		asm.JGT.Reg(asm.R4, asm.R3, "pass"),
		asm.LoadMem(asm.R5, asm.R2, 12, asm.Half),
		asm.LoadMem(asm.R6, asm.R2, ethLen+16, asm.Word), // destination
		asm.JEq.Imm(asm.R5, half(typeIPv4), "compare"),
		asm.LoadMem(asm.R6, asm.R2, ethLen+24, asm.Word), // target protocol address
		asm.JEq.Imm(asm.R5, half(typeARP), "compare"),
		asm.Ja.Label("pass"),
	}
	for i, a := range match {
		b := a.As4()
		ins := asm.JEq.Imm32(asm.R6, int32(binary.NativeEndian.Uint32(b[:])), "take")
		if i == 0 {
			ins = ins.WithSymbol("compare")
		}
		code = append(code, ins)
	}
	code = append(code,
		asm.Mov.Imm(asm.R0, xdpPass).WithSymbol("pass"),
		asm.Return(),
	)
	return append(code, take...)
}

// half is an Ethernet type as a load of two bytes sees it.
func half(typ uint16) int32 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], typ)
	return int32(binary.NativeEndian.Uint16(b[:]))
}

// attach puts the program on the interface, natively or on socket buffers.
func (p *program) attach(ifindex int, generic bool) (err error) {
	flags := link.XDPDriverMode
	if generic {
		flags = link.XDPGenericMode
	}
	p.link, err = link.AttachXDP(link.XDPOptions{Program: p.prog, Interface: ifindex, Flags: flags})
	return err
}

// enter lets the frames of a queue go to a socket.
func (p *program) enter(queue, socket int) error {
	if err := p.sockets.Put(uint32(queue), uint32(socket)); err != nil {
		return fmt.Errorf("enter the socket of queue %d in the XSKMAP: %w", queue, err)
	}
	return nil
}

// detach takes the program off the interface. It may be attached again.
func (p *program) detach() error {
	if p.link == nil {
		return nil
	}
	err := p.link.Close()
	p.link = nil
	return err
}

func (p *program) close() error {
	return errors.Join(p.detach(), p.prog.Close(), p.sockets.Close())
}

// explain says what to do about an error of the kernel.
func explain(what string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES):
		return fmt.Errorf("no right to %s: run as root, or give CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF (setcap cap_net_admin,cap_net_raw,cap_bpf+ep; before Linux 5.11 also `ulimit -l unlimited`): %w", what, err)
	case errors.Is(err, unix.EAFNOSUPPORT):
		return fmt.Errorf("cannot %s: this kernel has no AF_XDP (CONFIG_XDP_SOCKETS): use driver afpacket: %w", what, err)
	case errors.Is(err, unix.ENOSYS) || errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("cannot %s: this kernel has no BPF for it (CONFIG_BPF_SYSCALL, CONFIG_XDP_SOCKETS): use driver afpacket: %w", what, err)
	}
	return fmt.Errorf("cannot %s: %w", what, err)
}
