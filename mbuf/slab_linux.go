package mbuf

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20

// mapMemory returns n bytes of zeroed memory outside the Go heap: huge pages if
// the machine keeps some and they would be used well, else ordinary ones that
// the kernel may turn into huge ones.
func mapMemory(n int) ([]byte, error) {
	const prot, flags = unix.PROT_READ | unix.PROT_WRITE, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
	if n >= hugePage {
		up := (n + hugePage - 1) / hugePage * hugePage
		if b, err := unix.Mmap(-1, 0, up, prot, flags|unix.MAP_HUGETLB); err == nil {
			return b, nil
		}
	}
	b, err := unix.Mmap(-1, 0, n, prot, flags)
	if errors.Is(err, unix.ENOMEM) {
		return nil, fmt.Errorf("no memory for %d bytes of buffers", n)
	}
	if err != nil {
		return nil, fmt.Errorf("mmap %d bytes: %w", n, err)
	}
	if n >= hugePage {
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // a hint; kernels without it refuse
	}
	return b, nil
}

// unmapMemory gives the memory back.
func unmapMemory(b []byte) error {
	if err := unix.Munmap(b); err != nil {
		return fmt.Errorf("munmap: %w", err)
	}
	return nil
}
