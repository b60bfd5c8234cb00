package posix

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// unixCases are what AF_UNIX has alone: descriptors and credentials on their way, names.
var unixCases = []testCase{
	{"descriptors passed", unixes, caseRights},
	{"descriptors that are lost", unixes, caseRightsLost},
	{"descriptors of a stream", unixes, caseRightsStream},
	{"descriptors in several messages", unixes, caseRightsMmsg},
	{"credentials", unixes, caseCredentials},
	{"names of AF_UNIX", unixes, caseUnixNames},
}

var unixTypes = []struct {
	name string
	typ  int
}{{"stream", unix.SOCK_STREAM}, {"datagrams", unix.SOCK_DGRAM}, {"packets", unix.SOCK_SEQPACKET}}

func (p *program) pair(typ int) (a, b int) {
	p.Helper()
	fds, err := p.u.Socketpair(unix.AF_UNIX, typ|unix.SOCK_NONBLOCK, 0)
	p.keep(fds[0], err)
	p.keep(fds[1], err)
	return fds[0], fds[1]
}

// rights is a control message with descriptors.
func rights(fds ...int) []byte {
	var data []byte
	for _, fd := range fds {
		data = append(data, word(fd)...)
	}
	return cmsg(unix.SOL_SOCKET, unix.SCM_RIGHTS, data)
}

// pass sends text and control messages.
func (p *program) pass(what string, fd int, text string, oob []byte) {
	p.Helper()
	n, err := p.u.SendmsgN(fd, []byte(text), oob, nil, unix.MSG_NOSIGNAL)
	p.n(what, n, err)
}

// take receives, says what came, and returns the descriptors.
func (p *program) take(what string, fd, size, room, flags int) (fds []int) {
	p.Helper()
	b, oob := make([]byte, size), make([]byte, room)
	n, oobn, got, _, err := p.u.Recvmsg(fd, b, oob, flags|unix.MSG_DONTWAIT)
	rest := oob[:oobn]
	for len(rest) >= unix.CmsgLen(0) {
		k := min(int(binary.NativeEndian.Uint64(rest)), len(rest))
		if binary.NativeEndian.Uint32(rest[12:]) == unix.SCM_RIGHTS {
			for d := rest[unix.CmsgLen(0):k]; len(d) >= 4; d = d[4:] {
				fds = append(fds, p.keep(int(binary.NativeEndian.Uint32(d)), nil))
			}
		}
		rest = rest[min(unix.CmsgSpace(k-unix.CmsgLen(0)), len(rest)):]
	}
	p.n(fmt.Sprintf("%s %q %s flags %#x, %d of control", what, b[:max(min(n, size), 0)], p.controls(oob[:oobn]), got, oobn), n, err)
	return fds
}

func caseRights(p *program) {
	for _, t := range unixTypes {
		a, b := p.pair(t.typ)
		c, d := p.pair(unix.SOCK_STREAM)
		p.pass(t.name, a, "two", rights(c, d))
		p.take("look", b, 10, 100, unix.MSG_PEEK)
		fds := p.take("take", b, 10, 100, 0)
		p.must(p.u.Close(c))
		if len(fds) == 2 {
			p.send("send by what came", fds[0], "hello", 0)
			p.recv("read", d, 10, unix.MSG_DONTWAIT)
			p.recv("read by the other", fds[1], 10, unix.MSG_DONTWAIT)
			n, err := p.u.FcntlInt(uintptr(fds[0]), unix.F_GETFL, 0)
			p.n("flags", n, err)
		}
		p.take("nothing", b, 10, 100, 0)
		p.pass("none", a, "none", rights())
		p.take("take", b, 10, 100, 0)
		p.pass("no such descriptor", a, "x", rights(d, 1<<19))
		p.take("nothing", b, 10, 100, 0)
		p.pass("twice", a, "x", append(rights(d), rights(d)...))
		p.take("take", b, 10, 100, 0)
		many := make([]int, 254)
		for i := range many {
			many[i] = d
		}
		p.pass("too many", a, "x", rights(many...))
		p.pass("itself", a, "x", rights(a, b))
		p.take("take", b, 10, 100, 0)
		p.pass("without a byte", a, "", rights(d))
		p.take("take", b, 10, 100, 0)
	}
	p.open = nil
}

func caseRightsLost(p *program) {
	for _, t := range unixTypes {
		a, b := p.pair(t.typ)
		for _, room := range []int{0, 8, 16, 19, 20, 23, 24, 28, 32} {
			c, d := p.pair(unix.SOCK_STREAM)
			p.pass(fmt.Sprint(t.name, ", room for ", room), a, "x", rights(c, c, c))
			p.must(p.u.Close(c))
			got := p.take("take", b, 10, room, 0)
			for _, fd := range got {
				p.must(p.u.Close(fd))
			}
			p.recv("nobody has it any more", d, 1, unix.MSG_DONTWAIT)
			p.must(p.u.Close(d))
		}
		c, d := p.pair(unix.SOCK_STREAM)
		p.pass("and close", a, "x", rights(c))
		p.must(p.u.Close(c))
		p.recv("it is on its way", d, 1, unix.MSG_DONTWAIT)
		p.must(p.u.Close(b))
		p.recv("it is lost", d, 1, unix.MSG_DONTWAIT)
	}
	p.open = nil
}

func caseRightsStream(p *program) {
	a, b := p.pair(unix.SOCK_STREAM)
	c, _ := p.pair(unix.SOCK_STREAM)
	p.pass("plain", a, "ab", nil)
	p.pass("with one", a, "cd", rights(c))
	p.pass("plain", a, "ef", nil)
	p.pass("with two", a, "gh", rights(c, c))
	p.pass("with one", a, "ij", rights(c))
	for range 6 {
		p.take("take", b, 10, 100, 0)
	}
	p.pass("with one", a, "abc", rights(c))
	p.take("one byte", b, 1, 100, 0)
	p.take("the rest", b, 10, 100, 0)
	p.pass("with one", a, "abc", rights(c))
	p.take("look", b, 10, 100, unix.MSG_PEEK)
	p.take("no room", b, 1, 0, 0)
	p.take("the rest", b, 10, 100, 0)
	p.pass("with one", a, "abc", rights(c))
	p.pass("plain", a, "def", nil)
	p.take("all", b, 6, 100, unix.MSG_WAITALL)
	p.take("the rest", b, 10, 100, 0)
}

func caseRightsMmsg(p *program) {
	for _, t := range unixTypes {
		a, b := p.pair(t.typ)
		m := msgs(nil, "one", "two", "three")
		m[0].OOB, m[2].OOB = rights(a), rights(a, b)
		p.sendmmsg(t.name, a, m, 0)
		r := rooms(4, 10)
		for i := range r {
			r[i].OOB = make([]byte, 64)
		}
		n, err := p.u.Recvmmsg(b, r, unix.MSG_DONTWAIT, nil)
		p.n("received", n, err)
		for _, x := range r[:max(n, 0)] {
			p.say("%q %s %#x", x.Buffers[0][:x.N], p.controls(x.OOB[:x.NN]), x.Flags)
		}
	}
}

// cred is a control message with credentials.
func cred(pid, uid, gid int) []byte {
	return cmsg(unix.SOL_SOCKET, unix.SCM_CREDENTIALS, append(append(word(pid), word(uid)...), word(gid)...))
}

func caseCredentials(p *program) {
	pid, uid, gid := os.Getpid(), os.Getuid(), os.Getgid()
	for _, t := range unixTypes {
		a, b := p.pair(t.typ)
		p.pass(t.name+", not asked for", a, "x", cred(pid, uid, gid))
		p.take("take", b, 10, 100, 0)
		p.err("SO_PASSCRED", p.u.SetsockoptInt(b, unix.SOL_SOCKET, unix.SO_PASSCRED, 1))
		v, err := p.u.GetsockoptInt(b, unix.SOL_SOCKET, unix.SO_PASSCRED)
		p.n("it is", v, err)
		p.pass("of itself", a, "x", nil)
		p.take("take", b, 10, 100, 0)
		p.pass("given", a, "x", cred(pid, uid, gid))
		p.take("take", b, 10, 100, 0)
		p.pass("with a descriptor", a, "x", append(rights(a), cred(pid, uid, gid)...))
		p.take("take", b, 10, 100, 0)
		for _, room := range []int{0, 16, 20, 28, 32} {
			p.pass("given", a, "x", cred(pid, uid, gid))
			p.take(fmt.Sprint("room for ", room), b, 10, room, 0)
		}
		p.pass("short", a, "x", cred(pid, uid, gid)[:24])
		p.pass("of a short length", a, "x", cmsg(unix.SOL_SOCKET, unix.SCM_CREDENTIALS, word(pid)))
		p.take("nothing", b, 10, 100, 0)
	}
}

func caseUnixNames(p *program) {
	for _, t := range unixTypes {
		s := p.keep(p.u.Socket(unix.AF_UNIX, t.typ, 0))
		sa, err := p.u.Getsockname(s)
		p.err(fmt.Sprint(t.name, " ", addr(sa)), err)
		_, err = p.u.Getpeername(s)
		p.err("peer", err)
		p.err("bind to IPv4", p.u.Bind(s, &unix.SockaddrInet4{}))
		abstract := &unix.SockaddrUnix{Name: "@conformance " + t.name}
		p.err("connect to nobody", p.u.Connect(s, abstract))
		p.err("bind", p.u.Bind(s, abstract))
		p.err("bind again", p.u.Bind(s, abstract))
		sa, err = p.u.Getsockname(s)
		p.err(fmt.Sprint(addr(sa)), err)
		x := p.keep(p.u.Socket(unix.AF_UNIX, t.typ, 0))
		p.err("another with its name", p.u.Bind(x, abstract))
		p.err("connect to who does not listen", p.u.Connect(x, abstract))
		p.err("listen", p.u.Listen(s, 1))
		p.err("connect", p.u.Connect(x, abstract))
		sa, err = p.u.Getpeername(x)
		p.err(fmt.Sprint(addr(sa)), err)
		y := p.keep(p.u.Socket(unix.AF_UNIX, unixTypes[(t.typ)%2].typ, 0))
		p.err("one of another type", p.u.Connect(y, abstract))
		long := make([]byte, 107)
		for i := range long {
			long[i] = 'n'
		}
		p.err("a long name", p.u.Bind(x, &unix.SockaddrUnix{Name: "@" + string(long)}))
		p.err("too long a name", p.u.Bind(y, &unix.SockaddrUnix{Name: "@" + string(long) + "n"}))
	}
}
