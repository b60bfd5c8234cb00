package tap

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"dataplane/pmd"
	"dataplane/pmd/vnet"
)

// What the kernel may leave to the plane in frames that it sends to it, best
// first. Which of these a kernel knows is found out by asking.
const (
	tunUSO = unix.TUN_F_USO4 | unix.TUN_F_USO6
	tunTSO = unix.TUN_F_TSO4 | unix.TUN_F_TSO6
)

// ladder drops one group of bits after the other.
var ladder = [...]int{
	unix.TUN_F_CSUM | tunTSO | unix.TUN_F_TSO_ECN | tunUSO,
	unix.TUN_F_CSUM | tunTSO | unix.TUN_F_TSO_ECN,
	unix.TUN_F_CSUM | tunTSO,
	unix.TUN_F_CSUM | unix.TUN_F_TSO4,
	unix.TUN_F_CSUM,
	0,
}

// negotiate settles the header's length and the offloads of the device.
func (d *device) negotiate(cfg *config) error {
	for _, fd := range d.fds {
		d.hdrLen = vnet.LenMerged
		err := unix.IoctlSetPointerInt(fd, unix.TUNSETVNETHDRSZ, vnet.LenMerged)
		if errors.Is(err, unix.EINVAL) {
			d.hdrLen = vnet.Len
			err = unix.IoctlSetPointerInt(fd, unix.TUNSETVNETHDRSZ, vnet.Len)
		}
		if err != nil {
			return fmt.Errorf("%s: TUNSETVNETHDRSZ: %w", d.name, err)
		}
	}
	want := wanted(cfg.offloads)
	for _, step := range ladder {
		bits := step & want
		err := unix.IoctlSetInt(d.fds[0], unix.TUNSETOFFLOAD, bits)
		if err == nil {
			d.offloads = granted(bits, step) & cfg.offloads
			return nil
		}
		if !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("%s: TUNSETOFFLOAD: %w", d.name, err)
		}
	}
	return fmt.Errorf("%s: TUNSETOFFLOAD: %w", d.name, unix.EINVAL)
}

// wanted translates what the plane lets in to TUNSETOFFLOAD's bits. USO frames
// come only where the plane both merges and cuts them.
func wanted(o pmd.Offload) int {
	if !o.Has(pmd.RxChecksum) {
		return 0
	}
	bits := unix.TUN_F_CSUM
	if o.Has(pmd.LRO) {
		bits |= tunTSO | unix.TUN_F_TSO_ECN
		if o.Has(pmd.USO) {
			bits |= tunUSO
		}
	}
	return bits
}

// granted says what the plane may offer after the kernel took bits of a step. Out
// of the plane, checksums and TCP segments need no asking: they come with the
// header. UDP segments are known to kernels that know of USO frames at all.
func granted(bits, step int) pmd.Offload {
	o := pmd.TxTCPChecksum | pmd.TxUDPChecksum | pmd.TSO | pmd.MultiSeg
	if step&tunUSO != 0 {
		o |= pmd.USO
	}
	if bits&unix.TUN_F_CSUM != 0 {
		o |= pmd.RxChecksum
	}
	if bits&tunTSO != 0 {
		o |= pmd.LRO
	}
	return o
}
