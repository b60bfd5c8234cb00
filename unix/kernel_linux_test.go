package unix

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"dataplane/sock"
)

// world is AF_UNIX: the kernel's, or the plane's. Nothing waits in it. Sockets have the
// numbers they were made in.
type world interface {
	socket(typ int) error
	pair(typ int) error
	bind(i int, path string) error
	listen(i, backlog int) error
	connect(i int, path string) error
	accept(i int) error
	send(i int, b []byte, path string) (int, error)
	recv(i int, b []byte, flags int) (n, flag int, from string, err error)
	shutdown(i, how int) error
	close(i int) error
	name(i int, peer bool) (string, error)
	option(i, name int) (int, error)
	poll(i int) (uint32, error)
	inq(i int) (int, error)
	unlink(path string) error
}

// kernel has AF_UNIX of the machine, with paths in dir and names that begin with it.
type kernel struct {
	dir string
	fds []int
}

func (k *kernel) path(p string) string {
	if p != "" && p[0] == 0 {
		return "@" + k.dir + p[1:]
	}
	return filepath.Join(k.dir, p)
}

// short is the name that the test has given.
func (k *kernel) short(sa unix.Sockaddr) string {
	a, ok := sa.(*unix.SockaddrUnix)
	if !ok || a.Name == "" || a.Name == "@" {
		return ""
	}
	if rest, ok := strings.CutPrefix(a.Name, "@"+k.dir); ok {
		return "\x00" + rest
	}
	if rest, ok := strings.CutPrefix(a.Name, k.dir+"/"); ok {
		return rest
	}
	return "chosen"
}

func (k *kernel) socket(typ int) error {
	fd, err := unix.Socket(unix.AF_UNIX, typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		k.fds = append(k.fds, fd)
	}
	return err
}

func (k *kernel) pair(typ int) error {
	fds, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		k.fds = append(k.fds, fds[:]...)
	}
	return err
}

func (k *kernel) bind(i int, path string) error {
	sa := &unix.SockaddrUnix{Name: k.path(path)}
	if path == "" {
		sa.Name = ""
	}
	return unix.Bind(k.fds[i], sa)
}
func (k *kernel) listen(i, backlog int) error { return unix.Listen(k.fds[i], backlog) }
func (k *kernel) connect(i int, path string) error {
	return unix.Connect(k.fds[i], &unix.SockaddrUnix{Name: k.path(path)})
}

func (k *kernel) accept(i int) error {
	fd, _, err := unix.Accept4(k.fds[i], unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err == nil {
		k.fds = append(k.fds, fd)
	}
	return err
}

func (k *kernel) send(i int, b []byte, path string) (int, error) {
	var to unix.Sockaddr
	if path != "" {
		to = &unix.SockaddrUnix{Name: k.path(path)}
	}
	return unix.SendmsgN(k.fds[i], b, nil, to, unix.MSG_NOSIGNAL)
}

func (k *kernel) recv(i int, b []byte, flags int) (int, int, string, error) {
	n, _, got, from, err := unix.Recvmsg(k.fds[i], b, nil, flags)
	return n, got & unix.MSG_TRUNC, k.short(from), err
}

func (k *kernel) shutdown(i, how int) error { return unix.Shutdown(k.fds[i], how) }
func (k *kernel) close(i int) error {
	err := unix.Close(k.fds[i])
	k.fds[i] = -1
	return err
}

func (k *kernel) name(i int, peer bool) (string, error) {
	f := unix.Getsockname
	if peer {
		f = unix.Getpeername
	}
	sa, err := f(k.fds[i])
	return k.short(sa), err
}

func (k *kernel) option(i, name int) (int, error) {
	if name == unix.SO_PEERCRED {
		c, err := unix.GetsockoptUcred(k.fds[i], unix.SOL_SOCKET, name)
		if err != nil {
			return 0, err
		}
		return int(c.Pid) ^ int(c.Uid)<<8 ^ int(c.Gid)<<16, nil
	}
	return unix.GetsockoptInt(k.fds[i], unix.SOL_SOCKET, name)
}

func (k *kernel) poll(i int) (uint32, error) {
	p := []unix.PollFd{{Fd: int32(k.fds[i]), Events: 0x3fff}}
	_, err := unix.Poll(p, 0)
	return uint32(uint16(p[0].Revents)), err
}
func (k *kernel) inq(i int) (int, error)   { return unix.IoctlGetInt(k.fds[i], unix.TIOCINQ) }
func (k *kernel) unlink(path string) error { return unix.Unlink(k.path(path)) }

// plane has the family under test.
type plane struct {
	f     *Family
	socks []*sock.Socket
}

func (p *plane) add(s *sock.Socket, err error) error {
	if err == nil {
		p.socks = append(p.socks, s)
	}
	return err
}
func (p *plane) socket(typ int) error { return p.add(p.f.Create(typ, 0)) }
func (p *plane) pair(typ int) error {
	a, err := p.f.Create(typ, 0)
	if err != nil {
		return err
	}
	b, err := p.f.Create(typ, 0)
	p.socks = append(p.socks, a, b)
	if err == nil {
		err = stream.Pair(a, b)
	}
	return err
}

func (p *plane) bind(i int, path string) error {
	return p.socks[i].Ops.Bind(p.socks[i], sock.Name{Path: path})
}
func (p *plane) listen(i, backlog int) error { return p.socks[i].Ops.Listen(p.socks[i], backlog) }
func (p *plane) connect(i int, path string) error {
	return p.socks[i].Ops.Connect(p.socks[i], sock.Name{Path: path}, sock.MsgDontwait)
}

func (p *plane) accept(i int) error {
	return p.add(p.socks[i].Ops.Accept(p.socks[i], sock.MsgDontwait))
}

func (p *plane) send(i int, b []byte, path string) (int, error) {
	return p.socks[i].SendMsg(&sock.Msg{Buf: b, Name: sock.Name{Path: path}, Named: path != "", Flags: sock.MsgDontwait})
}

func (p *plane) recv(i int, b []byte, flags int) (int, int, string, error) {
	m := sock.Msg{Buf: b, Flags: flags | sock.MsgDontwait}
	n, err := p.socks[i].RecvMsg(&m)
	if flags&sock.MsgTrunc != 0 && err == nil && p.socks[i].Type != sock.TypeStream {
		n = m.Len // what the api makes of it
	}
	from := ""
	if m.Named {
		from = chosen(m.Name.Path)
	}
	return n, m.Flags & sock.MsgTrunc, from, err
}

// chosen hides a name that the family chose.
func chosen(path string) string {
	if len(path) == 6 && path[0] == 0 {
		return "chosen"
	}
	return path
}
func (p *plane) shutdown(i, how int) error { return p.socks[i].Ops.Shutdown(p.socks[i], how) }
func (p *plane) close(i int) error         { return p.socks[i].Close() }
func (p *plane) name(i int, peer bool) (string, error) {
	n, err := p.socks[i].Ops.GetName(p.socks[i], peer)
	return chosen(n.Path), err
}

func (p *plane) option(i, name int) (int, error) {
	v := make([]byte, 12)
	n, err := p.socks[i].GetOption(syscall.SOL_SOCKET, name, v)
	if err != nil {
		return 0, err
	}
	x, _ := sock.Int(v)
	if n == sizeofCredentials {
		uid, _ := sock.Int(v[4:])
		gid, _ := sock.Int(v[8:])
		x ^= int(uint32(uid))<<8 ^ int(uint32(gid))<<16
	}
	return x, nil
}

func (p *plane) poll(i int) (uint32, error) { return stream.Poll(p.socks[i]), nil }
func (p *plane) inq(i int) (int, error)     { return stream.Ioctl(p.socks[i], unix.TIOCINQ) }
func (p *plane) unlink(path string) error   { return p.f.Unlink(path) }

// schedule is a random sequence of calls, the same for every world.
type schedule struct {
	r     *rand.Rand
	w     [2]world
	open  []bool
	types []int
	log   []string
}

var paths = []string{"\x00one", "\x00two", "three", "four"}

// call makes one call in both worlds and reports whether they answer alike.
func (c *schedule) call(what string, f func(w world) string) (same bool, answer string) {
	var got [2]string
	for i, w := range c.w {
		got[i] = f(w)
	}
	c.log = append(c.log, fmt.Sprintf("%s: %s", what, got[0]))
	if got[0] != got[1] {
		c.log = append(c.log, "    but here: "+got[1])
	}
	return got[0] == got[1], got[0]
}

func errText(err error) string {
	var e syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &e):
		return unix.ErrnoName(e)
	}
	return err.Error()
}

func (c *schedule) made(n int, typ int, ok string) {
	if ok == "ok" {
		for range n {
			c.open, c.types = append(c.open, true), append(c.types, typ)
		}
	}
}

var types = []int{sock.TypeStream, sock.TypeDgram, sock.TypeSeqpacket}

// step makes one random call.
func (c *schedule) step() bool {
	var live []int
	for i, ok := range c.open {
		if ok {
			live = append(live, i)
		}
	}
	if len(live) < 2 || len(live) < 8 && c.r.IntN(10) == 0 {
		typ := types[c.r.IntN(3)]
		if c.r.IntN(3) == 0 {
			same, ok := c.call(fmt.Sprint("pair ", typ), func(w world) string { return errText(w.pair(typ)) })
			c.made(2, typ, ok)
			return same
		}
		same, ok := c.call(fmt.Sprint("socket ", typ), func(w world) string { return errText(w.socket(typ)) })
		c.made(1, typ, ok)
		return same
	}
	i := live[c.r.IntN(len(live))]
	if c.r.IntN(2) == 0 {
		return c.control(i)
	}
	return c.move(i)
}

// control is a call that moves no data.
func (c *schedule) control(i int) bool {
	path := paths[c.r.IntN(len(paths))]
	switch k := c.r.IntN(20); {
	case k < 4:
		if c.r.IntN(6) == 0 {
			path = ""
		}
		same, _ := c.call(fmt.Sprintf("bind %d %q", i, path), func(w world) string { return errText(w.bind(i, path)) })
		return same
	case k < 6:
		n := c.r.IntN(4) - 1
		same, _ := c.call(fmt.Sprintf("listen %d %d", i, n), func(w world) string { return errText(w.listen(i, n)) })
		return same
	case k < 10:
		same, _ := c.call(fmt.Sprintf("connect %d %q", i, path), func(w world) string { return errText(w.connect(i, path)) })
		return same
	case k < 13:
		same, ok := c.call(fmt.Sprintf("accept %d as %d", i, len(c.open)), func(w world) string { return errText(w.accept(i)) })
		c.made(1, c.types[i], ok)
		return same
	case k == 13 && c.r.IntN(3) == 0:
		how := c.r.IntN(4)
		same, _ := c.call(fmt.Sprintf("shutdown %d %d", i, how), func(w world) string { return errText(w.shutdown(i, how)) })
		return same
	case k == 14 && c.r.IntN(2) == 0:
		c.open[i] = false
		same, _ := c.call(fmt.Sprintf("close %d", i), func(w world) string { return errText(w.close(i)) })
		return same
	case k == 15:
		same, _ := c.call(fmt.Sprintf("unlink %q", path), func(w world) string { return errText(w.unlink(path)) })
		return same || path[0] == 0
	case k == 16:
		name := []int{unix.SO_TYPE, unix.SO_ERROR, unix.SO_ACCEPTCONN, unix.SO_PEERCRED, unix.SO_SNDBUF, unix.SO_RCVBUF, unix.SO_DOMAIN, unix.SO_PROTOCOL}[c.r.IntN(8)]
		same, _ := c.call(fmt.Sprintf("option %d of %d", name, i), func(w world) string {
			v, err := w.option(i, name)
			return fmt.Sprint(v, errText(err))
		})
		return same
	}
	peer := c.r.IntN(2) == 0
	same, _ := c.call(fmt.Sprintf("name %d %v", i, peer), func(w world) string {
		name, err := w.name(i, peer)
		return fmt.Sprintf("%q %s", name, errText(err))
	})
	return same
}

// move is a call that moves data, or asks for it.
func (c *schedule) move(i int) bool {
	switch k := c.r.IntN(10); {
	case k < 4:
		b := make([]byte, 1+c.r.IntN(20))
		for j := range b {
			b[j] = byte('a' + c.r.IntN(26))
		}
		if c.r.IntN(30) == 0 && c.types[i] != sock.TypeStream {
			b = make([]byte, 212992-32+c.r.IntN(2))
		}
		path := ""
		if c.r.IntN(3) == 0 {
			path = paths[c.r.IntN(len(paths))]
		}
		same, _ := c.call(fmt.Sprintf("send %d %d to %q", i, len(b), path), func(w world) string {
			n, err := w.send(i, b, path)
			if err != nil {
				n = 0
			}
			return fmt.Sprint(n, errText(err))
		})
		return same
	case k < 8:
		flags, n := 0, 1+c.r.IntN(30)
		for _, f := range []int{sock.MsgPeek, sock.MsgTrunc, sock.MsgWaitall} {
			if c.r.IntN(4) == 0 && (f != sock.MsgTrunc || c.types[i] != sock.TypeStream) {
				flags |= f
			}
		}
		same, _ := c.call(fmt.Sprintf("recv %d %d flags %#x", i, n, flags), func(w world) string {
			b := make([]byte, n)
			n, flag, from, err := w.recv(i, b, flags)
			if err != nil {
				return errText(err)
			}
			return fmt.Sprintf("%d %q %#x from %q", n, b[:min(n, len(b))], flag, from)
		})
		return same
	case k == 8:
		same, _ := c.call(fmt.Sprintf("inq %d", i), func(w world) string {
			n, err := w.inq(i)
			return fmt.Sprint(n, errText(err))
		})
		return same
	}
	same, _ := c.call(fmt.Sprintf("poll %d", i), func(w world) string {
		v, err := w.poll(i)
		return fmt.Sprintf("%#x %s", v, errText(err))
	})
	return same
}

// TestAsKernel makes random calls of AF_UNIX to the kernel and to the plane, and
// compares every answer.
func TestAsKernel(t *testing.T) {
	schedules := uint64(300)
	if testing.Short() {
		schedules = 60
	}
	for seed := range schedules {
		dir, err := os.MkdirTemp("", "u")
		if err != nil {
			t.Fatal(err)
		}
		k, p := &kernel{dir: dir}, &plane{f: New(nil, nil)}
		c := &schedule{r: rand.New(rand.NewPCG(seed, 9)), w: [2]world{k, p}}
		for range 400 {
			if !c.step() {
				t.Errorf("seed %d: the kernel answers otherwise\n%s", seed, strings.Join(c.log[max(len(c.log)-100, 0):], "\n"))
				break
			}
		}
		for i, open := range c.open {
			if open {
				unix.Close(k.fds[i])
				p.socks[i].Close()
			}
		}
		if n := p.f.inFlight.Load(); n != 0 {
			t.Errorf("%d descriptors are still in flight", n)
		}
		os.RemoveAll(dir)
		if t.Failed() {
			return
		}
	}
}
