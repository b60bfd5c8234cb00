//go:build dpdk

package dpdk

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// open opens a port of a device, without hugepages.
func open(t testing.TB, device string, opt pmd.Options) *Port {
	t.Helper()
	if err := Init(EAL{Huge: "no", Memory: 512}); err != nil {
		t.Fatal(err)
	}
	p, err := Open(device, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// newTestPool makes a pool that must be whole again after the port is closed.
func newTestPool(t testing.TB, p *Port, count int) *mbuf.Pool {
	t.Helper()
	pool, err := p.NewPool(mbuf.Config{Name: "test", Count: count})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

var noOptions = pmd.Options{}

func one(p *mbuf.Pool) []*mbuf.Pool { return []*mbuf.Pool{p} }

// receiveSome waits for n frames.
func receiveSome(t *testing.T, p *Port, n int) []*mbuf.Mbuf {
	t.Helper()
	b := make([]*mbuf.Mbuf, n)
	have := 0
	for end := time.Now().Add(20 * time.Second); have < n; {
		if have += p.Queue(0).RxBurst(b[have:]); time.Now().After(end) {
			t.Fatalf("%d of %d frames came", have, n)
		}
	}
	return b
}

// writePcap writes a file of three frames (the classic format, little endian).
func writePcap(t *testing.T) string {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	b = le.AppendUint32(le.AppendUint64(b, 0), 65535)
	b = le.AppendUint32(b, 1)
	for i := range 3 {
		frame := make([]byte, 60+i)
		frame[20] = byte(i)
		b = le.AppendUint64(b, 0)
		b = le.AppendUint32(le.AppendUint32(b, uint32(len(frame))), uint32(len(frame)))
		b = append(b, frame...)
	}
	name := filepath.Join(t.TempDir(), "in.pcap")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// checksumsOff makes the kernel complete the checksums of what it sends, as it must
// on a wire (ethtool -K DEV tx off).
func checksumsOff(t *testing.T, dev string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	value := [2]uint32{unix.ETHTOOL_STXCSUM, 0}
	var req struct {
		name [16]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(req.name[:], dev)
	req.data = unsafe.Pointer(&value)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req))); errno != 0 {
		t.Fatal(errno)
	}
}
