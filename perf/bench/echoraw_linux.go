package main

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"dataplane/api"
	"dataplane/lcore"
	"dataplane/mbuf"
	"dataplane/pmd"
	_ "dataplane/pmd/afxdp"
)

const echoPort = 7

// planeEcho opens a plane on the link, with a server.
func planeEcho(serve func(*api.Net, *api.UDPConn) error) func(*echoNet) (*subject, error) {
	return func(at *echoNet) (*subject, error) {
		n, err := api.Open(api.Config{Mode: lcore.Shared, Idle: lcore.Sleep, Buffers: 4096, Ports: []api.Port{at.Port}})
		if err != nil {
			return nil, orSkip(err)
		}
		pc, err := n.ListenPacket("udp", ":7")
		if err == nil {
			err = serve(n, pc.(*api.UDPConn))
		}
		if err != nil {
			return nil, errors.Join(err, n.Close())
		}
		return at.asked(n.Close)
	}
}

// residentForAll answers everybody in a resident task.
func residentForAll(n *api.Net, c *api.UDPConn) error {
	return n.GoResident(0, func() { echoAll(c) })
}

// asked is a side with its client.
func (n *echoNet) asked(stop func() error) (*subject, error) {
	c, err := newEchoClient(netip.AddrPortFrom(n.own, echoPort), n.burst)
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	return &subject{load: c, close: func() error { return errors.Join(c.close(), stop()) }}, nil
}

// orSkip turns what a machine lacks into a reason to skip.
func orSkip(err error) error {
	if errors.Is(err, os.ErrPermission) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, os.ErrNotExist) {
		return skipped("%v", err)
	}
	return err
}

// bareQueue is a driver's queue that echoes, with nothing above it.
type bareQueue struct {
	port    pmd.Port
	q       pmd.Queue
	pool    *mbuf.Pool
	own     [4]byte
	offload bool // the port completes checksums
	burst   [wireBurst]*mbuf.Mbuf

	wait  syscall.RawConn // on Go's netpoller, as a shared lcore does
	file  *os.File
	again func(fd uintptr) bool // look
	stop  atomic.Bool           // written by close
	done  sync.WaitGroup
}

func rawEcho(at *echoNet) (*subject, error) {
	var opt pmd.Options
	opt.Extra = at.Options
	p, err := pmd.Open(at.Driver, at.Device, opt)
	if err != nil {
		return nil, orSkip(err)
	}
	r := &bareQueue{port: p, q: p.Queue(0), own: at.own.As4(), offload: p.Info().Offloads.Has(pmd.TxUDPChecksum)}
	if err := errors.Join(r.begin(), at.known(p.Info().MAC)); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	r.done.Go(r.loop)
	return at.asked(r.close)
}

// begin starts the port and prepares to sleep.
func (r *bareQueue) begin() (err error) {
	cfg := mbuf.Config{Name: "raw", Count: 4096}
	if maker, ok := pmd.As[pmd.PoolMaker](r.port); ok {
		r.pool, err = maker.NewPool(cfg)
	} else {
		r.pool, err = mbuf.NewPool(cfg)
	}
	if err != nil {
		return err
	}
	if err := r.port.Start([]*mbuf.Pool{r.pool}); err != nil {
		return err
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN}
	if err := errors.Join(unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, r.q.FD(), &ev), unix.SetNonblock(ep, true)); err != nil {
		return err
	}
	r.again = r.look
	r.file = os.NewFile(uintptr(ep), "raw")
	r.wait, err = r.file.SyscallConn()
	return err
}

// loop echoes bursts, and sleeps when there is none.
func (r *bareQueue) loop() {
	for !r.stop.Load() {
		if !r.pass() {
			r.wait.Read(r.again) //nolint:errcheck // the file is closed at the end
		}
	}
}

// look asks the queue itself, which costs less than to ask the epoll set.
func (r *bareQueue) look(uintptr) bool { return r.pass() || r.stop.Load() }

// pass echoes one burst. False: there was none.
func (r *bareQueue) pass() bool {
	n := r.q.RxBurst(r.burst[:])
	if n == 0 {
		return false
	}
	k := 0
	for _, m := range r.burst[:n] {
		if !r.turn(m) {
			r.pool.Free(m)
			continue
		}
		r.burst[k] = m
		k++
	}
	if sent := r.q.TxBurst(r.burst[:k]); sent < k {
		r.pool.FreeBulk(r.burst[sent:k])
	}
	return true
}

// turn exchanges the addresses of a UDP datagram to us. Its checksums stay.
func (r *bareQueue) turn(m *mbuf.Mbuf) bool {
	f := m.Bytes()
	if len(f) < ethLen+ipLen+udpLen || f[12] != 8 || f[13] != 0 || f[23] != 17 || [4]byte(f[30:34]) != r.own {
		return false
	}
	swapMACs(f)
	le := binary.LittleEndian
	src, dst := le.Uint32(f[26:]), le.Uint32(f[30:])
	le.PutUint32(f[26:], dst)
	le.PutUint32(f[30:], src)
	ports := le.Uint32(f[34:])
	le.PutUint32(f[34:], ports<<16|ports>>16)
	m.OlFlags = 0
	if r.offload { // what came has no checksum yet either
		m.OlFlags = mbuf.TxUDPChecksum
		m.SetTx(ethLen, ipLen, udpLen, 0)
	}
	return true
}

func (r *bareQueue) close() error {
	r.stop.Store(true)
	r.file.Close() // and the loop wakes up
	r.done.Wait()
	return errors.Join(r.port.Close(), r.pool.Close())
}
