//go:build dpdk && !static

package dpdk

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"dataplane/mbuf"
	"dataplane/pmd/dpdk/internal/rawdpdk"
)

// again runs one test in a process of its own, whose EAL is nobody else's. It
// returns true in that process.
func again(t *testing.T, env ...string) bool {
	t.Helper()
	if os.Getenv("DPDK_TEST_CHILD") == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(append(os.Environ(), "DPDK_TEST_CHILD="+t.Name()), env...)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// TestAdopt: another binding has started EAL, made a mempool and started a port. The
// port becomes ours, with frames in it, works, and goes back.
func TestAdopt(t *testing.T) {
	if !again(t) {
		return
	}
	if err := rawdpdk.Start("other", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "128", "--lcores=0@(0-1)"); err != nil {
		t.Fatal(err)
	}
	mp, err := rawdpdk.NewPool("theirs", 2047)
	if err != nil {
		t.Fatal(err)
	}
	id, err := rawdpdk.NewPort("net_ring0", mp)
	if err != nil {
		t.Fatal(err)
	}
	if n := rawdpdk.Send(id, mp, 5, 100); n != 5 {
		t.Fatalf("they sent %d", n)
	}
	p, err := Adopt(id, Adoption{Mempool: mp})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Adopt(id, Adoption{}); err == nil || !strings.Contains(err.Error(), "open already") {
		t.Errorf("twice: %v", err)
	}
	if _, err := Adopt(31, Adoption{}); err == nil || !strings.Contains(err.Error(), "no such device") {
		t.Errorf("no such port: %v", err)
	}
	pool, err := p.NewPool(mbuf.Config{Name: "ours", Count: 1024})
	if err != nil {
		t.Fatal(err)
	}
	if n := rawdpdk.Free(mp); n != 2047-5-1024 {
		t.Errorf("they have %d buffers", n)
	}
	if err := p.Start([]*mbuf.Pool{pool}); err != nil {
		t.Fatal(err)
	}
	exchangeAdopted(t, p, pool)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := pool.Close(); err != nil {
		t.Error(err)
	}
	if n := rawdpdk.Free(mp); n != 2047 {
		t.Errorf("they have %d of 2047 buffers", n)
	}
	if err := rawdpdk.Restart(id); err != nil {
		t.Error(err)
	}
	if d, n := rawdpdk.Loop(id, 10); n != 0 || d < 0 {
		t.Errorf("%d frames were left", n)
	}
	if n := rawdpdk.Send(id, mp, 5, 100); n != 5 {
		t.Errorf("they sent %d afterwards", n)
	}
}

// exchangeAdopted finds their frames in the port, copied to our buffers, and passes
// some of ours.
func exchangeAdopted(t *testing.T, p *Port, pool *mbuf.Pool) {
	t.Helper()
	q := p.Queue(0)
	var b [32]*mbuf.Mbuf
	n := q.RxBurst(b[:])
	if n != 5 {
		t.Errorf("%d of their frames", n)
	}
	for i, m := range b[:n] {
		if len(m.Bytes()) != 100 || m.Bytes()[99] != byte(i) {
			t.Errorf("frame %d: % x", i, m.Bytes())
		}
	}
	if pool.InUse() != n {
		t.Errorf("%d in use", pool.InUse())
	}
	if k := q.TxBurst(b[:n]); k != n {
		t.Errorf("%d taken", k)
	}
	k := q.RxBurst(b[:])
	if k != n {
		t.Errorf("%d came back", k)
	}
	pool.FreeBulk(b[:k])
	if pool.InUse() != 0 {
		t.Errorf("%d in use", pool.InUse())
	}
}
