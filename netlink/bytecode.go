package netlink

import (
	"syscall"

	"dataplane/ip"
)

// Filters of inet_diag: a program of steps of four bytes (code, yes, no), which goes on
// yes or no bytes further and takes a socket if it comes to its very end. Linux:
// inet_diag_bc_run.
const (
	codeNop      = 0
	codeJmp      = 1
	codeSrcGE    = 2
	codeSrcLE    = 3
	codeDstGE    = 4
	codeDstLE    = 5
	codeAuto     = 6
	codeSrcCond  = 7
	codeDstCond  = 8
	codeDevCond  = 9
	codeSrcEqual = 11
	codeDstEqual = 12

	stepLen = 4
	condLen = 8 // struct inet_diag_hostcond without its address
)

// auditCode reports whether a program is one: it only goes on, and ends.
func auditCode(code []byte) bool {
	if len(code)%stepLen != 0 {
		return false
	}
	for at := 0; at < len(code); {
		rest := code[at:]
		yes, no := int(rest[1]), int(native.Uint16(rest[2:]))
		need := stepLen
		switch rest[0] {
		case codeNop, codeJmp, codeAuto:
		case codeSrcGE, codeSrcLE, codeDstGE, codeDstLE, codeSrcEqual, codeDstEqual, codeDevCond:
			need += stepLen
		case codeSrcCond, codeDstCond:
			if len(rest) < stepLen+condLen {
				return false
			}
			need += condLen + condAddr(rest[stepLen:])
		default:
			return false
		}
		if need > len(rest) || yes < need || yes%stepLen != 0 || yes > len(rest) || no < stepLen || no%stepLen != 0 || no > len(rest)+stepLen {
			return false
		}
		at += yes
	}
	return true
}

// condAddr is how long the address of a hostcond is.
func condAddr(c []byte) int {
	switch c[0] {
	case syscall.AF_INET:
		return 4
	case syscall.AF_INET6:
		return 16
	}
	return 0
}

// runCode reports whether the program takes d; none takes all.
func runCode(code []byte, d *Diag) bool {
	for len(code) >= stepLen {
		yes, no := int(code[1]), int(native.Uint16(code[2:]))
		step := no
		if holds(code, d) {
			step = yes
		}
		if step < stepLen || step > len(code) {
			return false
		}
		code = code[step:]
	}
	return len(code) == 0
}

// holds reports whether the condition of the first step is true.
func holds(code []byte, d *Diag) bool {
	port := func() uint16 {
		if len(code) < 2*stepLen {
			return 0
		}
		return native.Uint16(code[stepLen+2:])
	}
	switch code[0] {
	case codeJmp:
		return false
	case codeSrcGE:
		return d.Local.Port >= port()
	case codeSrcLE:
		return d.Local.Port <= port()
	case codeDstGE:
		return d.Remote.Port >= port()
	case codeDstLE:
		return d.Remote.Port <= port()
	case codeSrcEqual:
		return d.Local.Port == port()
	case codeDstEqual:
		return d.Remote.Port == port()
	case codeDevCond:
		return len(code) >= 2*stepLen && native.Uint32(code[stepLen:]) == ip.Addr(d.Local.Addr).Zone()
	case codeSrcCond:
		return hostCond(code[stepLen:], ip.Addr(d.Local.Addr), d.Local.Port)
	case codeDstCond:
		return hostCond(code[stepLen:], ip.Addr(d.Remote.Addr), d.Remote.Port)
	}
	return true
}

// hostCond compares one end with a struct inet_diag_hostcond.
func hostCond(c []byte, a ip.Addr, port uint16) bool {
	if len(c) < condLen || len(c) < condLen+condAddr(c) {
		return false
	}
	if want := int32(native.Uint32(c[4:])); want != -1 && want != int32(port) {
		return false
	}
	bits := c[1]
	if bits == 0 {
		return true
	}
	p := ip.Prefix{Bits: bits}
	switch c[0] {
	case syscall.AF_INET:
		p.Addr = ip.From4([4]byte(c[condLen:]))
	case syscall.AF_INET6:
		p.Addr = ip.Addr(c[condLen : condLen+16])
	default:
		return true
	}
	return p.Contains(a.Wire())
}
