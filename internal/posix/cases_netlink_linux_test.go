package posix

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// netlinkCases are the calls of AF_NETLINK, and what a message may look like.
var netlinkCases = []testCase{
	{"netlink: socket", once, caseNetlinkSocket},
	{"netlink: names", once, caseNetlinkNames},
	{"netlink: options", once, caseNetlinkOptions},
	{"netlink: malformed messages", once, caseNetlinkBroken},
	{"netlink: to another socket", once, caseNetlinkPeers},
	{"netlink: flags", once, caseNetlinkFlags},
	{"netlink: readiness", once, caseNetlinkPoll},
	{"netlink: sockets listed", internet, caseNetlinkDiag},
	{"netlink: sockets destroyed", internet, caseNetlinkDestroy},
}

var netlinkReasons = map[string]string{
	"netlink: socket/socket [3 16]: EPROTONOSUPPORT":      "there is no generic netlink",
	"netlink: options/join of sock_diag: EINVAL":          "nobody tells of sockets that end",
	"netlink: options/join too many of sock_diag: EINVAL": "as above; Linux has no group of this number either",
	"netlink: options/set 4: ENOPROTOOPT":                 "a message that is lost is told to who was to have it",
	"netlink: options/get 4: ENOPROTOOPT":                 "as above",
}

func caseNetlinkSocket(p *program) {
	for _, c := range [][2]int{
		{unix.SOCK_RAW, 0}, {unix.SOCK_DGRAM, 0}, {unix.SOCK_RAW, 4}, {unix.SOCK_RAW | unix.SOCK_NONBLOCK, 0}, {unix.SOCK_STREAM, 0}, {unix.SOCK_SEQPACKET, 0},
		{unix.SOCK_RAW, -1}, {unix.SOCK_RAW, 32}, {unix.SOCK_RAW, 31}, {unix.SOCK_RAW, 16},
	} {
		p.made(fmt.Sprint("socket ", c), unix.AF_NETLINK, c[0], c[1], func(sa unix.Sockaddr) string { return " " + portID(sa) })
	}
	_, err := p.u.Socketpair(unix.AF_NETLINK, unix.SOCK_RAW, 0)
	p.err("socketpair", err)
}

func caseNetlinkNames(p *program) {
	a, b := p.nl(0).fd, p.nl(0).fd
	show := func(what string, fd int) {
		sa, err := p.u.Getsockname(fd)
		p.err(what+" "+portID(sa), err)
	}
	p.err("bind", p.u.Bind(a, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
	show("bound", a)
	p.err("bind again", p.u.Bind(a, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: 4711}))
	p.err("bind to 0 again", p.u.Bind(a, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}))
	p.err("the second", p.u.Bind(b, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 5}))
	show("the second", b)
	sa, _ := p.u.Getsockname(a)
	own, _ := sa.(*unix.SockaddrNetlink)
	p.err("what another has", p.u.Bind(p.nl(0).fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: own.Pid}))
	p.err("of another protocol", p.u.Bind(p.nl(4).fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: own.Pid}))
	p.err("groups", p.u.Bind(a, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: own.Pid, Groups: 0x50}))
	show("of groups", a)
	p.err("groups that are not", p.u.Bind(p.nl(4).fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << 31}))
	p.err("bind to IPv4", p.u.Bind(p.nl(0).fd, local4(0)))
	c := p.nl(0).fd
	p.err("connect", p.u.Connect(c, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: 4711, Groups: 2}))
	show("connected", c)
	sa, err := p.u.Getpeername(c)
	p.err("its peer "+portID(sa), err)
	p.err("connect to IPv4", p.u.Connect(c, local4(1)))
	p.err("listen", p.u.Listen(c, 1))
	_, _, err = p.u.Accept(c)
	p.err("accept", err)
	p.err("shutdown", p.u.Shutdown(c, unix.SHUT_RDWR))
	for _, r := range []uint{unix.TIOCINQ, unix.SIOCOUTQ} {
		_, err := p.u.IoctlGetInt(c, r)
		p.err("ioctl", err)
	}
}

func caseNetlinkOptions(p *program) {
	const solNetlink = 270
	fd, diag := p.nl(0).fd, p.nl(4).fd
	for _, g := range []int{-1, 0, 1, 11, 36, 100, 100000} {
		p.err(fmt.Sprint("join ", g), p.u.SetsockoptInt(fd, solNetlink, unix.NETLINK_ADD_MEMBERSHIP, g))
	}
	sa, err := p.u.Getsockname(fd)
	p.err("groups "+portID(sa), err)
	p.err("leave", p.u.SetsockoptInt(fd, solNetlink, unix.NETLINK_DROP_MEMBERSHIP, 1))
	p.err("leave again", p.u.SetsockoptInt(fd, solNetlink, unix.NETLINK_DROP_MEMBERSHIP, 1))
	p.err("leave none", p.u.SetsockoptInt(fd, solNetlink, unix.NETLINK_DROP_MEMBERSHIP, 0))
	sa, err = p.u.Getsockname(fd)
	p.err("groups "+portID(sa), err)
	p.err("join of sock_diag", p.u.SetsockoptInt(diag, solNetlink, unix.NETLINK_ADD_MEMBERSHIP, 1))
	p.err("join too many of sock_diag", p.u.SetsockoptInt(diag, solNetlink, unix.NETLINK_ADD_MEMBERSHIP, 5))
	for _, o := range []int{unix.NETLINK_PKTINFO, unix.NETLINK_BROADCAST_ERROR, unix.NETLINK_NO_ENOBUFS, unix.NETLINK_CAP_ACK, unix.NETLINK_EXT_ACK, unix.NETLINK_GET_STRICT_CHK, 99} {
		for _, v := range []int{1, 0, 7} {
			p.err(fmt.Sprint("set ", o), p.u.SetsockoptInt(fd, solNetlink, o, v))
			got, err := p.u.GetsockoptInt(fd, solNetlink, o)
			p.n(fmt.Sprint("get ", o), got, err)
		}
	}
	_, err = p.u.GetsockoptInt(fd, solNetlink, unix.NETLINK_ADD_MEMBERSHIP)
	p.err("get a membership", err)
	v, err := p.u.GetsockoptInt(fd, solNetlink, unix.NETLINK_LIST_MEMBERSHIPS)
	p.n("list", v, err)
	p.err("set of another level", p.u.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, 1))
	_, err = p.u.GetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL)
	p.err("get of another level", err)
}

func caseNetlinkBroken(p *program) {
	k := p.nl(0)
	try := func(what string, b []byte) {
		p.Helper()
		n, err := p.u.SendmsgN(k.fd, b, nil, nil, 0)
		p.n(what, n, err)
		for _, l := range k.answer(unix.NLM_F_ACK) {
			p.say("%s: %s", what, l)
		}
	}
	const reqAck = unix.NLM_F_REQUEST | unix.NLM_F_ACK
	get := nlmsg(unix.RTM_GETLINK, unix.NLM_F_REQUEST, k.seq, make([]byte, 16))
	try("nothing", nil)
	try("a byte", []byte{1})
	try("less than a header", get[:15])
	try("a header", nlmsg(unix.RTM_GETLINK, unix.NLM_F_REQUEST, k.seq))
	try("a header to be acknowledged", nlmsg(unix.RTM_GETLINK, reqAck, k.seq))
	try("a length that is too long", bytes.Replace(get, get[:1], []byte{99}, 1))
	try("a length that is too short", bytes.Replace(get, get[:1], []byte{9}, 1))
	try("no request", nlmsg(unix.RTM_GETLINK, 0, k.seq, make([]byte, 16)))
	try("no request to be acknowledged", nlmsg(unix.RTM_GETLINK, unix.NLM_F_ACK, k.seq, make([]byte, 16)))
	try("a control message", nlmsg(unix.NLMSG_NOOP, reqAck, k.seq, make([]byte, 16)))
	try("an unknown type", nlmsg(99, reqAck, k.seq, make([]byte, 16)))
	try("a type beyond all", nlmsg(9999, unix.NLM_F_REQUEST, k.seq, make([]byte, 16)))
	try("of an unknown family", nlmsg(unix.RTM_GETADDR, reqAck, k.seq, []byte{99, 0, 0, 0, 0, 0, 0, 0}))
	try("a link of no number", get)
	try("two of them", append(append([]byte(nil), get...), nlmsg(99, unix.NLM_F_REQUEST, k.seq, make([]byte, 16))...))
	p.must(p.u.SetsockoptInt(k.fd, 270, unix.NETLINK_CAP_ACK, 1))
	try("a short answer", nlmsg(99, reqAck, k.seq, make([]byte, 16)))
	diag := p.nl(4)
	k.fd = diag.fd
	try("of sock_diag", nlmsg(99, reqAck, k.seq, make([]byte, 16)))
	try("sock_diag of no family", nlmsg(20, reqAck, k.seq, make([]byte, 56)))
	try("sock_diag of AF_INET and nothing", nlmsg(20, reqAck, k.seq, append([]byte{2}, make([]byte, 55)...)))
	try("sock_diag of too great a family", nlmsg(20, reqAck, k.seq, append([]byte{99}, make([]byte, 55)...)))
	try("sock_diag that is short", nlmsg(20, reqAck, k.seq, []byte{2, 6, 0, 0}))
}

func caseNetlinkPeers(p *program) {
	a, b := p.nl(0).fd, p.nl(0).fd
	p.must(p.u.Bind(b, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: 4711}))
	send := func(what string, to unix.Sockaddr, flags int) {
		p.Helper()
		n, err := p.u.SendmsgN(a, []byte("hello"), nil, to, flags)
		p.n(what, n, err)
	}
	get := func(what string) {
		p.Helper()
		m := make([]byte, 20)
		n, _, flags, from, err := p.u.Recvmsg(b, m, nil, unix.MSG_DONTWAIT)
		p.n(fmt.Sprintf("%s %q flags %#x from %s", what, m[:max(n, 0)], flags, portID(from)), n, err)
	}
	send("to another", &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: 4711}, 0)
	get("got")
	send("to nobody", &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: 4712}, 0)
	send("urgent", &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: 4711}, unix.MSG_OOB)
	send("to IPv4", local4(1), 0)
	p.must(p.u.Connect(a, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: 4711}))
	send("connected", nil, 0)
	get("got")
	n, err := p.u.SendmsgN(a, nil, nil, nil, 0)
	p.n("nothing", n, err)
	n, err = p.u.SendmsgN(a, make([]byte, 300000), nil, nil, 0)
	p.n("too much", n, err)
	p.must(p.u.Close(b))
	p.open = p.open[:1]
	send("to who has gone", nil, 0)
}

func caseNetlinkFlags(p *program) {
	k := p.nl(0)
	recv := func(what string, room, flags int) {
		p.Helper()
		b := make([]byte, room)
		n, _, got, from, err := p.u.Recvmsg(k.fd, b, nil, flags|unix.MSG_DONTWAIT)
		p.n(fmt.Sprintf("%s %x flags %#x from %s", what, b[:min(max(n, 0), room, 8)], got, portID(from)), n, err)
	}
	recv("nothing", 100, 0)
	recv("urgent", 100, unix.MSG_OOB)
	recv("no errors", 100, unix.MSG_ERRQUEUE)
	for range 4 {
		p.must(k.post(nlmsg(99, unix.NLM_F_REQUEST|unix.NLM_F_ACK, k.seq, make([]byte, 16))))
	}
	recv("look", 100, unix.MSG_PEEK)
	recv("look at its length", 8, unix.MSG_PEEK|unix.MSG_TRUNC)
	recv("cut", 8, 0)
	recv("its length", 8, unix.MSG_TRUNC)
	recv("wait for all", 100, unix.MSG_WAITALL)
	n, err := p.u.Read(k.fd, make([]byte, 100))
	p.n("read", n, err)
	p.must(p.u.SetsockoptInt(k.fd, 270, unix.NETLINK_PKTINFO, 1))
	p.must(k.post(nlmsg(99, unix.NLM_F_REQUEST|unix.NLM_F_ACK, k.seq, make([]byte, 16))))
	oob := make([]byte, 100)
	_, m, flags, _, err := p.u.Recvmsg(k.fd, make([]byte, 100), oob, 0)
	p.err(fmt.Sprintf("with its group %x flags %#x", oob[:m], flags), err)
}

// post sends a message to the other side of netlink.
func (k *nl) post(b []byte) error {
	_, err := k.u.SendmsgN(k.fd, b, nil, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}, 0)
	return err
}

func caseNetlinkPoll(p *program) {
	k := p.nl(0)
	p.ready("a new one", k.fd, 0)
	p.must(k.post(nlmsg(99, unix.NLM_F_REQUEST|unix.NLM_F_ACK, k.seq, make([]byte, 16))))
	p.ready("an answer", k.fd, 0)
	ep := p.keep(p.u.EpollCreate1(0))
	p.ctl("add", ep, unix.EPOLL_CTL_ADD, k.fd, unix.EPOLLIN|unix.EPOLLET, 1)
	p.evs("an answer", ep, 4, 0)
	p.evs("no news", ep, 4, 0)
	p.must(k.post(nlmsg(99, unix.NLM_F_REQUEST|unix.NLM_F_ACK, k.seq, make([]byte, 16))))
	p.evs("another", ep, 4, 1000)
	n, err := p.u.Read(k.fd, make([]byte, 100))
	p.n("read", n, err)
	n, err = p.u.Read(k.fd, make([]byte, 100))
	p.n("read", n, err)
	p.ready("no more", k.fd, 0)
	p.must(p.u.SetsockoptTimeval(k.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20000}))
	_, err = p.u.Read(k.fd, make([]byte, 100))
	p.err("read in time", err)
}

// diagReq is a struct inet_diag_req_v2.
func diagReq(family, protocol, ext byte, states uint32, id []byte) []byte {
	b := append([]byte{family, protocol, ext, 0}, native.AppendUint32(nil, states)...)
	return append(append(b, id...), make([]byte, 48-len(id))...)
}

// diag asks for sockets and says which of a port there are.
func (k *nl) diag(what string, typ, flags int, p16 int, req []byte) {
	k.Helper()
	k.seq++
	k.must(k.post(nlmsg(typ, unix.NLM_F_REQUEST|flags, k.seq, req)))
	b := make([]byte, 1<<16)
	var lines []string
	for {
		n, _, err := k.u.Recvfrom(k.fd, b, unix.MSG_DONTWAIT)
		if err != nil {
			break
		}
		for m := b[:n]; len(m) >= 16; m = m[min(int(native.Uint32(m)+3)&^3, len(m)):] {
			typ, d := native.Uint16(m[4:]), m[16:native.Uint32(m)]
			if typ != 20 || len(d) < 72 {
				lines = append(lines, k.shown(m[:native.Uint32(m)]))
				continue
			}
			sport, dport := int(d[4])<<8|int(d[5]), int(d[6])<<8|int(d[7])
			if sport == p16 || dport == p16 {
				lines = append(lines, fmt.Sprintf("%d state %d %v %v %x %x queues %d", d[0], d[1], sport == p16, dport == p16, d[8:24], d[24:40], native.Uint32(d[56:])))
			}
		}
	}
	slices.Sort(lines)
	k.say("%s: %s", what, strings.Join(lines, "; "))
}

// sockid is a struct inet_diag_sockid: ports and addresses, of any link, with any cookie.
func sockid(own, peer unix.Sockaddr) []byte {
	b := make([]byte, 48)
	for i, sa := range []unix.Sockaddr{own, peer} {
		at := b[4+16*i:]
		switch a := sa.(type) {
		case *unix.SockaddrInet4:
			copy(at, a.Addr[:])
			b[2*i], b[2*i+1] = byte(a.Port>>8), byte(a.Port)
		case *unix.SockaddrInet6:
			copy(at, a.Addr[:])
			b[2*i], b[2*i+1] = byte(a.Port>>8), byte(a.Port)
		}
	}
	copy(b[40:], bytes.Repeat([]byte{0xff}, 8))
	return b
}

func portOf(sa unix.Sockaddr) int {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return a.Port
	case *unix.SockaddrInet6:
		return a.Port
	}
	return 0
}

func caseNetlinkDiag(p *program) {
	k := p.nl(4)
	c, s, sa := p.connection()
	n := portOf(sa)
	id := []byte{byte(n >> 8), byte(n)}
	k.diag("listeners", 20, unix.NLM_F_DUMP, n, diagReq(2, 6, 0, 1<<10, id))
	k.diag("all of the port", 20, unix.NLM_F_DUMP, n, diagReq(2, 6, 0, 0xffffffff, id))
	k.diag("of AF_INET6", 20, unix.NLM_F_DUMP, n, diagReq(10, 6, 0, 0xffffffff, id))
	k.diag("of no state", 20, unix.NLM_F_DUMP, n, diagReq(2, 6, 0, 0, id))
	k.diag("of UDP", 20, unix.NLM_F_DUMP, n, diagReq(2, 17, 0, 0xffffffff, id))
	k.diag("of an unknown protocol", 20, unix.NLM_F_DUMP, n, diagReq(2, 99, 0, 0xffffffff, id))
	own, err := p.u.Getsockname(c)
	p.must(err)
	fam := byte(p.domain)
	k.diag("the connection", 20, 0, n, diagReq(fam, 6, 0, 0xffffffff, sockid(own, sa)))
	k.diag("the listener", 20, 0, n, diagReq(fam, 6, 0, 0xffffffff, sockid(sa, nil)))
	k.diag("nobody", 20, 0, n, diagReq(fam, 6, 0, 0xffffffff, sockid(p.local(9), nil)))
	d, e, at := p.dgrams()
	p.must(p.u.Connect(e, at))
	n = portOf(at)
	id = []byte{byte(n >> 8), byte(n)}
	k.diag("datagrams", 20, unix.NLM_F_DUMP, n, diagReq(fam, 17, 0, 0xffffffff, id))
	p.must(p.u.Close(d))
	p.open = slices.DeleteFunc(p.open, func(fd int) bool { return fd == d })
	k.diag("datagrams to it", 20, unix.NLM_F_DUMP, n, diagReq(fam, 17, 0, 0xffffffff, []byte{0, 0, id[0], id[1]}))
	p.must(p.u.Shutdown(c, unix.SHUT_WR))
	p.wait(s, unix.POLLRDHUP)
	p.must(p.u.Shutdown(s, unix.SHUT_WR))
	p.wait(c, unix.POLLHUP)
	p.settle(1)
	n = portOf(sa)
	id = []byte{byte(n >> 8), byte(n)}
	k.diag("time to wait", 20, unix.NLM_F_DUMP, n, diagReq(fam, 6, 0, 1<<6, []byte{0, 0, id[0], id[1]}))
}

func caseNetlinkDestroy(p *program) {
	k := p.nl(4)
	c, s, sa := p.connection()
	own, err := p.u.Getsockname(c)
	p.must(err)
	n, fam := portOf(sa), byte(p.domain)
	k.diag("nobody", 21, unix.NLM_F_ACK, n, diagReq(fam, 6, 0, 0xffffffff, sockid(p.local(9), nil)))
	k.diag("the connection", 21, unix.NLM_F_ACK, n, diagReq(fam, 6, 0, 0xffffffff, sockid(own, sa)))
	p.wait(s, unix.POLLHUP)
	p.ready("it has ended", c, unix.POLLHUP)
	p.read("its error", c, 9)
	p.read("read again", c, 9)
	p.read("the other's", s, 9)
	_, err = p.u.Getpeername(c)
	p.err("its peer", err)
	k.diag("again", 21, unix.NLM_F_ACK, n, diagReq(fam, 6, 0, 0xffffffff, sockid(own, sa)))
	k.diag("of an unknown protocol", 21, unix.NLM_F_ACK, n, diagReq(fam, 99, 0, 0xffffffff, sockid(own, sa)))
}
