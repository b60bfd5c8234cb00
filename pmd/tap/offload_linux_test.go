package tap

import (
	"testing"

	"golang.org/x/sys/unix"

	"dataplane/pmd"
)

func TestWanted(t *testing.T) {
	all := unix.TUN_F_CSUM | tunTSO | unix.TUN_F_TSO_ECN | tunUSO
	for _, tt := range []struct {
		o    pmd.Offload
		want int
	}{
		{pmd.AllOffloads, all},
		{0, 0},
		{pmd.LRO | pmd.USO, 0}, // segments without checksums do not exist
		{pmd.RxChecksum, unix.TUN_F_CSUM},
		{pmd.RxChecksum | pmd.LRO, all &^ tunUSO},
		{pmd.RxChecksum | pmd.USO, unix.TUN_F_CSUM},
	} {
		if got := wanted(tt.o); got != tt.want {
			t.Errorf("wanted(%v) = %#x, want %#x", tt.o, got, tt.want)
		}
	}
}

func TestGranted(t *testing.T) {
	tx := pmd.TxTCPChecksum | pmd.TxUDPChecksum | pmd.TSO | pmd.MultiSeg
	for i, tt := range []struct {
		step int
		want pmd.Offload
	}{
		{ladder[0], tx | pmd.USO | pmd.RxChecksum | pmd.LRO},
		{ladder[1], tx | pmd.RxChecksum | pmd.LRO},
		{ladder[4], tx | pmd.RxChecksum},
		{ladder[5], tx},
	} {
		if got := granted(tt.step, tt.step); got != tt.want {
			t.Errorf("%d: granted = %v, want %v", i, got, tt.want)
		}
	}
	// Nothing let in, but the kernel took the step that names USO: sending it is possible.
	if got := granted(0, ladder[0]); got != tx|pmd.USO {
		t.Errorf("granted = %v", got)
	}
}
