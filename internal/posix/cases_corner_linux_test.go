package posix

import (
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// cornerCases are calls with arguments that few programs have.
var cornerCases = []testCase{
	{"no room, and SO_PEEK_OFF", internet, caseNoRoom},
	{"pieces of what is thrown away", internet, caseThrownAway},
	{"FIONREAD while another reads", internet, caseInqMeanwhile},
	{"FIONREAD while another reads frames", once, caseInqFrames},
	{"splice before an urgent byte", internet, caseSpliceUrgent},
	{"parts of what has none", once, caseMoreIgnored},
	{"IPV6_CHECKSUM beyond all", six, caseFarChecksum},
}

func caseNoRoom(p *program) {
	c, s := p.streams()
	p.must(p.u.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_PEEK_OFF, 0))
	p.recv("nothing yet", s, 0, unix.MSG_DONTWAIT)
	p.send("send", c, "abcdef", 0)
	p.wait(s, unix.POLLIN)
	const now = unix.MSG_DONTWAIT
	p.recv("no room", s, 0, now)
	p.recv("peek", s, 1, now|unix.MSG_PEEK)
	p.recv("no room, peek", s, 0, now|unix.MSG_PEEK)
	p.recv("peek", s, 1, now|unix.MSG_PEEK)
	p.recv("throw one away", s, 1, now|unix.MSG_TRUNC)
	p.recv("peek", s, 9, now|unix.MSG_PEEK)
	p.recv("all was looked at", s, 0, now)
	p.must(p.u.Shutdown(c, unix.SHUT_WR))
	p.recv("the rest", s, 9, 0)
	p.recv("the end", s, 0, 0)
}

func caseThrownAway(p *program) {
	c, s := p.streams()
	p.send("send", c, "abcdef", 0)
	p.wait(s, unix.POLLIN)
	a, b := []byte("xx"), []byte("yy")
	n, _, _, _, err := p.u.RecvmsgBuffers(s, [][]byte{a, b}, nil, unix.MSG_TRUNC)
	p.n(fmt.Sprintf("two pieces %q %q", a, b), n, err)
	n, _, _, _, err = p.u.RecvmsgBuffers(s, [][]byte{a}, nil, unix.MSG_TRUNC)
	p.n(fmt.Sprintf("one piece %q", a), n, err)
}

// inqMeanwhile asks s how much has come while another waits for that, which wake ends.
func (p *program) inqMeanwhile(s int, wake func()) {
	done, told := make(chan bool), make(chan bool)
	go func() {
		p.u.Recvfrom(s, make([]byte, 10), 0)
		close(done)
	}()
	p.settle(2) // or it says less
	go func() {
		n, err := p.u.IoctlGetInt(s, unix.TIOCINQ)
		p.n("FIONREAD", n, err)
		close(told)
	}()
	select {
	case <-told:
	case <-time.After(3 * time.Second):
		p.say("it waits")
	}
	wake()
	<-done
	<-told
}

func caseInqMeanwhile(p *program) {
	s, c, sa := p.dgrams()
	p.inqMeanwhile(s, func() { p.u.SendmsgN(c, []byte("x"), nil, sa, 0) })
}

func caseInqFrames(p *program) {
	const proto = 0x3333
	s, c := p.keep(p.u.Socket(unix.AF_PACKET, unix.SOCK_RAW, proto)), p.keep(p.u.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, 0))
	p.inqMeanwhile(s, func() {
		p.u.SendmsgN(c, make([]byte, 60), nil, &unix.SockaddrLinklayer{Ifindex: p.ifindex("lo"), Protocol: proto, Halen: 6}, 0)
	})
}

func caseSpliceUrgent(p *program) {
	c, s := p.streams()
	out, in := p.streams()
	p.send("send", c, "abc", unix.MSG_OOB)
	p.send("send", c, "def", 0)
	p.until(func() bool {
		left, _ := p.u.IoctlGetInt(c, unix.TIOCOUTQ)
		at, _ := p.u.IoctlGetInt(s, unix.TIOCINQ)
		return left == 0 && at == 2
	})
	for range 2 {
		n, err := p.u.Splice(s, nil, out, nil, 100, unix.SPLICE_F_NONBLOCK)
		p.n("splice", int(n), err)
	}
	p.wait(in, unix.POLLIN)
	p.recv("it came", in, 20, unix.MSG_DONTWAIT)
	p.recv("urgent", s, 1, unix.MSG_OOB)
}

func caseMoreIgnored(p *program) {
	for _, typ := range []int{unix.SOCK_RAW, unix.SOCK_DGRAM} {
		fd := p.keep(p.u.Socket(unix.AF_PACKET, typ, 0))
		to := &unix.SockaddrLinklayer{Ifindex: p.ifindex("lo"), Protocol: 0x3333, Halen: 6}
		n, err := p.u.SendmsgN(fd, make([]byte, 60), nil, to, unix.MSG_MORE)
		p.n("a frame", n, err)
	}
	fd := p.keep(p.u.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE))
	b := make([]byte, unix.NLMSG_HDRLEN)
	binary.NativeEndian.PutUint32(b, unix.NLMSG_HDRLEN)
	n, err := p.u.SendmsgN(fd, b, nil, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}, unix.MSG_MORE)
	p.n("a request", n, err)
}

func caseFarChecksum(p *program) {
	fd := p.keep(p.u.Socket(p.domain, unix.SOCK_RAW, 200))
	p.err("so far", p.u.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM, 1<<31-2))
	n, err := p.u.SendmsgN(fd, make([]byte, 60), nil, p.local(0), 0)
	p.n("send", n, err)
}
