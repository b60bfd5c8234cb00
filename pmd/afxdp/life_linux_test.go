package afxdp

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// startPair starts ports on both ends of a pair.
func startPair(t testing.TB, opt pmd.Options) (a, b *started) {
	t.Helper()
	x, y := pair(t, 1)
	return start(t, open(t, x, opt), 1024), start(t, open(t, y, opt), 1024)
}

// ledger counts the queue's bytes of ownership: they must agree with its counts, and
// with what the pool misses.
func (s *started) ledger(others int) {
	s.Helper()
	var n [3]int
	for _, w := range s.q.where {
		n[w]++
	}
	if n[kernelRx] != s.q.filled || n[kernelTx] != s.q.sending {
		s.Errorf("%d buffers to receive and %d to send with the kernel; counted are %d and %d", n[kernelRx], n[kernelTx], s.q.filled, s.q.sending)
	}
	if in := s.pool.InUse(); in != s.q.filled+s.q.sending+others {
		s.Errorf("the pool misses %d buffers, %d are with the kernel and %d elsewhere", in, s.q.filled+s.q.sending, others)
	}
}

// TestLedger: at every step each buffer is accounted for.
func TestLedger(t *testing.T) {
	for _, m := range copyModes {
		t.Run(m, func(t *testing.T) {
			a, b := startPair(t, inMode(m))
			var kept [40]*mbuf.Mbuf
			for range 50 {
				a.send(40, 200)
				a.ledger(0)
				n := 0
				eventually(t, "the frames", func() bool { n += b.q.RxBurst(kept[n:]); return n == 40 })
				b.ledger(40)
				b.pool.FreeBulk(kept[:])
				b.ledger(0)
			}
		})
	}
}

// TestCarrierLoss: the peer goes down; frames are taken and counted, and flow again
// when it is back.
func TestCarrierLoss(t *testing.T) {
	for _, m := range copyModes {
		t.Run(m, func(t *testing.T) {
			a, b := startPair(t, inMode(m))
			a.send(5, 100)
			b.receive(5)
			peer := linkByName(t, b.Info().Device)
			if err := netlink.LinkSetDown(peer); err != nil {
				t.Fatal(err)
			}
			if a.LinkUp() || b.LinkUp() {
				t.Error("the link is up")
			}
			a.send(200, 100)
			b.send(200, 100) // this end is down itself
			for name, s := range map[string]*started{"with a peer that is down": a, "down": b} {
				st := s.Stats()
				if st.OErrors < 190 || s.pool.InUse() > s.q.filled+refillBatch {
					t.Errorf("%s: %+v, %d buffers away", name, st, s.pool.InUse())
				}
				s.ledger(0)
			}
			if err := netlink.LinkSetUp(peer); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the link", a.LinkUp)
			a.send(50, 100)
			b.receive(50)
			b.send(50, 100)
			a.receive(50)
		})
	}
}

// TestRemoval: the interface vanishes under a running port.
func TestRemoval(t *testing.T) {
	for _, m := range copyModes {
		t.Run(m, func(t *testing.T) {
			a, b := startPair(t, inMode(m))
			a.send(20, 100) // lie in b's ring
			if err := netlink.LinkDel(linkByName(t, a.Info().Device)); err != nil {
				t.Fatal(err)
			}
			for range 100 {
				for _, s := range []*started{a, b} {
					s.send(3, 100)
					var buf [8]*mbuf.Mbuf
					s.pool.FreeBulk(buf[:s.q.RxBurst(buf[:])])
				}
			}
			for _, s := range []*started{a, b} {
				if s.LinkUp() {
					t.Error("the link is up")
				}
				if st := s.Stats(); st.OErrors < 290 {
					t.Errorf("%+v", st)
				}
				s.ledger(0)
				if p := []unix.PollFd{{Fd: int32(s.q.FD()), Events: unix.POLLIN}}; true {
					if n, err := unix.Poll(p, 0); n != 0 {
						t.Errorf("a lcore cannot sleep on the socket: %+v, %v", p, err)
					}
				}
			}
		})
	}
}

// TestRingOverflow: nobody polls; what does not fit is counted as missed.
func TestRingOverflow(t *testing.T) {
	for _, m := range copyModes {
		t.Run(m, func(t *testing.T) {
			opt := inMode(m)
			opt.Extra["ring"] = "64"
			a, b := startPair(t, opt)
			a.send(200, 100)
			// The ring has 64 slots, and the kernel as many buffers. On a busy machine
			// it delivers a moment later.
			eventually(t, "136 frames to be lost", func() bool {
				st := b.Stats()
				return st.IMissed+st.RxNoMbuf == 136 && st.IErrors == 0
			})
			b.receive(64)
			a.send(10, 100)
			b.receive(10)
			b.ledger(0)
		})
	}
}

// TestFillExhausted: the pool is empty, so that the kernel gets no buffers back.
func TestFillExhausted(t *testing.T) {
	for _, m := range copyModes {
		t.Run(m, func(t *testing.T) {
			a, b := startPair(t, inMode(m))
			var kept []*mbuf.Mbuf
			for f := b.pool.Alloc(); f != nil; f = b.pool.Alloc() {
				kept = append(kept, f)
			}
			var buf [32]*mbuf.Mbuf
			got := 0
			poll := func() {
				n := b.q.RxBurst(buf[:])
				kept = append(kept, buf[:n]...)
				got += n
			}
			for range 10 { // 320 frames for 256 buffers
				a.send(32, 100)
				poll()
			}
			eventually(t, "256 frames to come and 64 to be lost", func() bool {
				poll()
				st := b.Stats()
				return got == 256 && st.RxNoMbuf == 64 && st.IMissed+st.IErrors == 0
			})
			b.ledger(len(kept))
			b.pool.FreeBulk(kept)
			b.receive(0)
			b.q.RxBurst(buf[:])
			a.send(100, 100)
			b.receive(100)
			b.ledger(0)
		})
	}
}

// TestForeign: shared buffers and those of another pool are copied, and go home.
func TestForeign(t *testing.T) {
	a, b := startPair(t, pmd.Options{})
	other, err := mbuf.NewPool(mbuf.Config{Name: "other", Count: 64})
	if err != nil {
		t.Fatal(err)
	}
	frame := a.frame(100)
	for i := range 60 {
		pool := []*mbuf.Pool{other, a.pool}[i&1]
		m := pool.Alloc()
		m.RefCnt = uint16(1 + i/30)
		copy(m.Append(100), frame.Bytes())
		if a.q.TxBurst([]*mbuf.Mbuf{m}) != 1 {
			t.Fatal("not taken")
		}
		if i >= 30 { // the other owner still has it
			pool.Free(m)
		}
	}
	b.receive(60)
	a.pool.Free(frame)
	a.pool.Housekeep()
	a.ledger(0)
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}

// TestAttachedAlready: a second port on an interface is refused, and after the first
// has closed there is room at once.
func TestAttachedAlready(t *testing.T) {
	name, _ := pair(t, 1)
	for range 3 {
		s := start(t, open(t, name, pmd.Options{}), 512)
		if l := linkByName(t, name); l.Attrs().Xdp == nil || !l.Attrs().Xdp.Attached || l.Attrs().Flags&net.FlagUp == 0 {
			t.Errorf("%+v", l.Attrs())
		}
		_, err := Open(name, pmd.Options{})
		if err == nil || !strings.Contains(err.Error(), "XDP program is attached already") || strings.Contains(err.Error(), "\n") {
			t.Errorf("a second port: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if l := linkByName(t, name); l.Attrs().Xdp != nil && l.Attrs().Xdp.Attached || l.Attrs().Flags&net.FlagUp != 0 {
			t.Errorf("left behind: %+v", l.Attrs())
		}
	}
}

const crashEnv = "DATAPLANE_TEST_AFXDP_CRASH"

// TestCrash: a process that is killed leaves neither a program nor a bound queue.
func TestCrash(t *testing.T) {
	if name := os.Getenv(crashEnv); name != "" {
		start(t, open(t, name, pmd.Options{}), 512)
		os.Stdout.WriteString("open\n")
		time.Sleep(time.Minute)
		return
	}
	name, _ := pair(t, 1)
	open(t, name, pmd.Options{}).Close() // or skips
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run", "^TestCrash$")
	cmd.Env = append(os.Environ(), crashEnv+"="+name)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 5)
	if _, err := out.Read(line); err != nil || string(line) != "open\n" {
		t.Errorf("%q, %v", line, err)
	}
	if l := linkByName(t, name); l.Attrs().Xdp == nil || !l.Attrs().Xdp.Attached {
		t.Error("no program while it runs")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	eventually(t, "the program to go", func() bool {
		x := linkByName(t, name).Attrs().Xdp
		return x == nil || !x.Attached
	})
	start(t, open(t, name, pmd.Options{}), 512)
}

// TestNoRights: what an ordinary user is told.
func TestNoRights(t *testing.T) {
	for _, errno := range []error{unix.EPERM, unix.EACCES} {
		err := explain("load an XDP program", errno)
		if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "CAP_BPF") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v", err)
		}
	}
	if err := explain("open an AF_XDP socket", unix.EAFNOSUPPORT); !strings.Contains(err.Error(), "CONFIG_XDP_SOCKETS") {
		t.Errorf("%v", err)
	}
	if os.Geteuid() != 0 {
		return
	}
	name, _ := pair(t, 1)
	if err := open(t, name, pmd.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	err := withoutRights(func() error {
		p, err := Open(name, pmd.Options{})
		if err == nil {
			p.Close()
		}
		return err
	})
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "no right to") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}

// TestLockedMemory: what a user with some capabilities is told whose pools are larger
// than the memory he may lock.
func TestLockedMemory(t *testing.T) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &old); err != nil {
		t.Fatal(err)
	}
	lim := unix.Rlimit{Cur: min(old.Cur, 8<<20), Max: old.Max}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &lim); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_MEMLOCK, &old) //nolint:errcheck // it was so before
	name, _ := pair(t, 1)
	p := open(t, name, pmd.Options{})
	pool, err := p.NewPool(mbuf.Config{Name: "large", Count: int(lim.Cur)/minChunk + 1})
	if err != nil {
		t.Fatal(err)
	}
	err = withoutRights(func() error { return p.Start([]*mbuf.Pool{pool}) }, unix.CAP_IPC_LOCK)
	if err == nil || !strings.Contains(err.Error(), "RLIMIT_MEMLOCK is too small") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
	if err := errors.Join(p.Close(), pool.Close()); err != nil {
		t.Error(err)
	}
}

// withoutRights calls f on a thread that lacks these capabilities, or has none, and
// that ends with it.
func withoutRights(f func() error, lack ...int) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var caps [2]unix.CapUserData
		if len(lack) > 0 {
			if err := unix.Capget(&hdr, &caps[0]); err != nil {
				done <- err
				return
			}
		}
		for _, c := range lack {
			caps[c/32].Effective &^= 1 << (c % 32)
		}
		if err := unix.Capset(&hdr, &caps[0]); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}

// TestOwnMAC: a port with another MAC than the interface's gets the frames for it,
// and the interface is as it was afterwards.
func TestOwnMAC(t *testing.T) {
	name, _ := pair(t, 1)
	mac := [6]byte{2, 0, 0, 0, 0, 9}
	p := open(t, name, pmd.Options{MAC: mac})
	if p.Info().MAC != mac || linkByName(t, name).Attrs().Promisc != 1 {
		t.Errorf("%+v, promiscuous: %d", p.Info(), linkByName(t, name).Attrs().Promisc)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if n := linkByName(t, name).Attrs().Promisc; n != 0 {
		t.Errorf("still promiscuous: %d", n)
	}
}

// TestWrongPool: a pool that is not made for a UMEM, or too small, is refused.
func TestWrongPool(t *testing.T) {
	name, _ := pair(t, 1)
	p := open(t, name, pmd.Options{})
	plain, err := mbuf.NewPool(mbuf.Config{Name: "plain", Count: 512})
	if err != nil {
		t.Fatal(err)
	}
	small, err := p.NewPool(mbuf.Config{Name: "small", Count: 100})
	if err != nil {
		t.Fatal(err)
	}
	for pool, wants := range map[*mbuf.Pool]string{plain: "not made of UMEM chunks", small: "at least 128"} {
		if err := p.Start([]*mbuf.Pool{pool}); err == nil || !strings.Contains(err.Error(), wants) {
			t.Errorf("%v", err)
		}
	}
	if err := errors.Join(p.Close(), plain.Close(), small.Close()); err != nil {
		t.Error(err)
	}
}
